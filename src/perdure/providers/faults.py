"""What a model server's refusals mean: for a retry, for its dialect, for the run's `last_error`.

Messages help the user and hold no secret (spec 03 §8).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

from perdure.errors import PromptTooLong, ProviderError, ToolsRequired
from perdure.providers import error_body, too_long, tools_required
from perdure.wire.base import JsonObject, encode

_MAX_MESSAGE = 500
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
_RATE = ("rate_limit_exceeded", "rate_limit_error")
_WRONG = ("context_length_exceeded", "invalid_request_error", "invalid_prompt")
# Whoever repeats the request's headers in an error: the credentials stay here.
_CREDENTIALS = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?(?:\w+ +)?|bearer\s+(?=\S*\d))[^\s\"',]+", re.IGNORECASE
)
_REFUSES_PARAMETER = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed"
    r"|extra (inputs|fields)|invalid (argument|parameter|field)",
    re.IGNORECASE,
)
# What servers say of a field that they want to have.
_MISSES = re.compile(
    r"missing|required|must (be (passed|provided|included|present|sent|set)|have|include|contain)",
    re.IGNORECASE,
)
# What servers say of a format that they know by name and do not have.
_LACKS_FORMAT = re.compile(
    r"unavailable|not available|response_format.type' must be", re.IGNORECASE
)


class Origin(NamedTuple):
    """Whose answer it is: how messages call the server, the model's name there, and the key, which
    no message holds.
    """

    where: str
    model: str
    secret: str | None


class Refusal(NamedTuple):
    """A model server's answer that is no answer.

    `status` is that of HTTP; inside of an answer, what the error gives in its place, or 0.
    `window` is the size of the context window that it states, in tokens.
    """

    status: int
    message: str
    code: str
    param: str
    retry_after: float | None
    window: int | None = None

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered a little later."""
        passing = self.status in (408, 409, 429) or self.status >= 500
        return passing and self.code not in _QUOTA

    def names(self, parameter: str) -> bool:
        """Whether it refuses this parameter as one that it does not know.

        Not so if it finds the value wrong: whoever sent that has to learn it.
        """
        if self.status not in (400, 422):
            return False
        named = self.param.rpartition(".")[2] == parameter or re.search(
            rf"\b{re.escape(parameter)}\b", self.message
        )
        return bool(named and _REFUSES_PARAMETER.search(f"{self.code} {self.message}"))

    def bars(self, field: str) -> bool:
        """Whether it refuses a field of a message for being there, and not for what it misses."""
        if self.status not in (400, 422) or _MISSES.search(self.message):
            return False
        return re.search(rf"\b{re.escape(field)}\b", f"{self.param} {self.message}") is not None

    @property
    def lacks_format(self) -> bool:
        """Whether it refuses the `response_format`, and not the schema in it."""
        if "response_format" not in f"{self.param} {self.message}" or self.status not in (400, 422):
            return False
        if "invalid schema" in self.message.lower():
            return False
        return self.names("response_format") or _LACKS_FORMAT.search(self.message) is not None

    def prefers(self, parameter: str) -> bool:
        """Whether it asks for this parameter in the place of another."""
        return self.status in (400, 422) and parameter in self.message


def read(status: int, headers: Mapping[str, str], body: bytes, *, secret: str | None) -> Refusal:
    """The refusal in an HTTP response, whatever shape its body has; without the secret."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    # A page of HTML, say: its status is all that helps.
    told = {} if isinstance(document, str) else document
    return _refusal(status, told, _retry_after(headers), secret)


def in_answer(error: object, *, secret: str | None) -> Refusal:
    """The refusal that a server put where the answer should be, under a status of success."""
    status = error_body.status(error_body.unwrapped(error))
    return _refusal(status, error, None, secret)


def said(error: object, origin: Origin) -> ProviderError:
    """For an error in the midst of an answer, in whatever form; in the server's own words."""
    refusal = in_answer(error, secret=origin.secret)
    if error and not refusal.message:
        refusal = refusal._replace(message=shortened(encode(error).decode(), origin.secret))
    return to_error(refusal, where=origin.where, model=origin.model)


def web_page(origin: Origin) -> ProviderError:
    """For an answer in HTML."""
    return ProviderError(
        f"The model server at {origin.where} answered with a web page. Check its base_url, "
        "which usually ends in /v1."
    )


def unreadable(origin: Origin) -> ProviderError:
    """For an answer of which at least a part is lost."""
    return ProviderError(
        f"The model server at {origin.where} sent what cannot be read as an answer."
    )


def endless(origin: Origin) -> ProviderError:
    """For an answer that is longer than any can be."""
    return ProviderError(f"The answer of the model server at {origin.where} has no end.")


def ended_early(origin: Origin) -> ProviderError:
    """For an answer that stopped without a word."""
    return ProviderError(f"The model server at {origin.where} ended its answer too early.")


def without_choices(document: JsonObject, origin: Origin) -> ProviderError:
    """For an answer of which nothing was understood."""
    shown = shortened(encode(document).decode(), origin.secret)
    return ProviderError(
        f"The model server at {origin.where} sent something else than an answer: {shown}"
    )


def without_calls(origin: Origin) -> ProviderError:
    """For an answer that is said to call tools."""
    return ProviderError(
        f"The model server at {origin.where} ended its answer with calls of tools, and sent none."
    )


def to_error(refusal: Refusal, *, where: str, model: str) -> ProviderError:
    """What the run's `last_error` says."""
    said = f": {refusal.message}" if refusal.message else "."
    if refusal.status in (401, 403):
        return ProviderError(
            f"The model server at {where} refused the API key (HTTP {refusal.status}). "
            "Check PERDURE_MODEL_API_KEY or the server's api_key in perdure.toml."
        )
    if refusal.status == 429 or refusal.code in _QUOTA or refusal.code in _RATE:
        return ProviderError(
            refusal.message or f"The model server at {where} limits the rate of requests.",
            code="rate_limit_exceeded",
        )
    if too_long.says_so(refusal.message, refusal.code):
        return PromptTooLong(
            f"The model server at {where} refused the request{said}", limit=refusal.window
        )
    if refusal.status in (400, 422) and tools_required.says_so(refusal.message):
        return ToolsRequired(f"The model server at {where} refused the request{said}")
    if refusal.status == 404 or refusal.code == "model_not_found":
        return ProviderError(
            f"The model server at {where} does not know the model '{model}'. Map the name to one "
            "that it knows under [model_aliases] in perdure.toml. If it knows no model at all, "
            "check its base_url, which usually ends in /v1."
        )
    if 300 <= refusal.status < 400:
        return ProviderError(
            f"The model server at {where} sent the request elsewhere (HTTP {refusal.status}). "
            "Check its base_url: http or https, and the path, which usually ends in /v1."
        )
    if refusal.status in (400, 413, 422) or (refusal.status < 500 and refusal.code in _WRONG):
        return ProviderError(
            f"The model server at {where} refused the request{said}", code="invalid_prompt"
        )
    how = f" (HTTP {refusal.status})" if refusal.status else ""
    return ProviderError(f"The model server at {where} failed{how}{said}")


def lacking_format(refusal: Refusal, *, where: str, kind: str) -> ProviderError:
    """For a server that cannot answer in the form that the run asks for."""
    return ProviderError(
        f"The model server at {where} does not support response_format {kind}. It said: "
        f"{refusal.message}"
    )


def _refusal(
    status: int, document: object, retry_after: float | None, secret: str | None
) -> Refusal:
    error = error_body.unwrapped(document)
    shown = shortened(error_body.words(error), secret)
    return Refusal(
        status,
        shown,
        error_body.code(error),
        str(error.get("param") or ""),
        retry_after,
        too_long.limit(shown, error),
    )


def shortened(text: str, secret: str | None) -> str:
    """A server's own words as they may be shown: without credentials, and not endless."""
    return _without_credentials(text, secret)[:_MAX_MESSAGE]


def _without_credentials(text: str, secret: str | None) -> str:
    # Before anything is cut off: half a key is too much as well.
    text = text.replace(secret, "***") if secret else text
    return _CREDENTIALS.sub(r"\1***", text)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number or an HTTP date."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
