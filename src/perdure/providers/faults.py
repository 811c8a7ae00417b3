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
from perdure.providers import too_long, tools_required
from perdure.wire.base import JsonObject

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
# What servers say of a format that they know by name and do not have.
_LACKS_FORMAT = re.compile(
    r"unavailable|not available|response_format.type' must be", re.IGNORECASE
)


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
    error = document.get("error", document) if isinstance(document, dict) else None
    return _refusal(status, error, _retry_after(headers), secret)


def in_answer(error: JsonObject | str, *, secret: str | None) -> Refusal:
    """The refusal that a server put where the answer should be, under a status of success."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 0
    return _refusal(status, error, None, secret)


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


def _refusal(status: int, error: object, retry_after: float | None, secret: str | None) -> Refusal:
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        # A page of HTML, say: its status is all that helps.
        error = {}
    message = error.get("message") or error.get("detail") or ""
    text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
    shown = _without_credentials(text, secret)[:_MAX_MESSAGE]
    return Refusal(
        status,
        shown,
        str(error.get("code") or error.get("type") or ""),
        str(error.get("param") or ""),
        retry_after,
        too_long.limit(shown, error),
    )


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
