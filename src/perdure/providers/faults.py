"""Errors of a run for the refusals and faults of model servers: the sentences of `last_error`.

Messages help the user and hold no secret (spec 03 §8).
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from perdure.errors import PromptTooLong, ProviderError
from perdure.providers import too_long
from perdure.providers.refusals import QUOTA, Refusal, in_answer, shortened
from perdure.wire.base import JsonObject, encode

_RATE = ("rate_limit_exceeded", "rate_limit_error")
_WRONG = ("context_length_exceeded", "invalid_request_error", "invalid_prompt")

# Words of servers that take images as data only.
_WANTS_DATA = re.compile(
    r"base.?64|data ur[il]|invalid image|image ?urls? (?:is|are) (?:currently )?not"
    r"|(?:not|n't) (?:support|allow|fetch) .{0,30}(?:remote|image|http)|fetch.{0,20}image",
    re.IGNORECASE,
)


class AnsweringServer(NamedTuple):
    """The server that responds: its name in messages, the model's name there, and the key, which no
    message holds.
    """

    where: str
    model: str
    secret: str | None


def error_in_answer(error: object, origin: AnsweringServer) -> ProviderError:
    """Returns the error for one within a response, in whatever form; in the server's own words."""
    refusal = in_answer(error, secret=origin.secret)
    if error and not refusal.message:
        refusal = refusal._replace(message=shortened(encode(error).decode(), origin.secret))
    told = to_error(refusal, where=origin.where, model=origin.model)
    told.refusal = refusal
    return told


def web_page(origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response in HTML."""
    return ProviderError(
        f"The model server at {origin.where} answered with a web page. Check its base_url, "
        "which usually ends in /v1."
    )


def unreadable(origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response of which at least a part is lost."""
    return ProviderError(
        f"The model server at {origin.where} sent what cannot be read as an answer."
    )


def endless(origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response that is longer than any should be."""
    return ProviderError(f"The answer of the model server at {origin.where} has no end.")


def ended_early(origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response that stopped without a reason."""
    return ProviderError(f"The model server at {origin.where} ended its answer too early.")


def without_choices(document: JsonObject, origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response of which nothing was understood."""
    shown = shortened(encode(document).decode(), origin.secret)
    return ProviderError(
        f"The model server at {origin.where} sent something else than an answer: {shown}"
    )


def without_calls(origin: AnsweringServer) -> ProviderError:
    """Returns the error for a response that ends with `tool_calls` and has none."""
    return ProviderError(
        f"The model server at {origin.where} ended its answer with calls of tools, and sent none."
    )


def to_error(refusal: Refusal, *, where: str, model: str) -> ProviderError:
    """Returns the error for a refusal."""
    said = f": {refusal.message}" if refusal.message else "."
    if refusal.status in (401, 403):
        return ProviderError(
            f"The model server at {where} refused the API key (HTTP {refusal.status}). "
            "Check PERDURE_MODEL_API_KEY or the server's api_key in perdure.toml."
        )
    if refusal.status == 429 or refusal.code in QUOTA or refusal.code in _RATE:
        return ProviderError(
            refusal.message or f"The model server at {where} limits the rate of requests.",
            code="rate_limit_exceeded",
        )
    if too_long.says_so(refusal.message, refusal.code):
        return PromptTooLong(
            f"The model server at {where} refused the request{said}", limit=refusal.window
        )
    unknown = refusal.status == 404 and not refusal.is_of_request
    if unknown or refusal.code == "model_not_found":
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
    wrong = refusal.is_of_request or refusal.status == 413
    if wrong or (refusal.status < 500 and refusal.code in _WRONG):
        return ProviderError(
            f"The model server at {where} refused the request{said}", code="invalid_prompt"
        )
    how = f" (HTTP {refusal.status})" if refusal.status else ""
    return ProviderError(f"The model server at {where} failed{how}{said}")


def lacking_format(refusal: Refusal, *, where: str, kind: str) -> ProviderError:
    """Returns the error for a server that does not support the run's `response_format`."""
    return ProviderError(
        f"The model server at {where} does not support response_format {kind}. It said: "
        f"{refusal.message}"
    )


def images_by_url(refusal: Refusal, *, where: str) -> ProviderError:
    """Returns the error for a server that takes images as data only, while a message has the URL of
    one.
    """
    return ProviderError(
        f"The model server at {where} fetches no images, and Perdure fetches none for it: send the "
        f"image as a file (image_file), or as a data URL. It said: {refusal.message}",
        code="invalid_prompt",
    )


def final_error(refusal: Refusal, body: Mapping[str, Any], *, where: str) -> ProviderError | None:
    """Returns the error for a refusal that no other request would avoid; None if one may."""
    wanted = body.get("response_format")
    if isinstance(wanted, dict) and refusal.lacks_format:
        # Not left out: text in another form would look like an answer.
        return lacking_format(refusal, where=where, kind=str(wanted["type"]))
    if refusal.says(_WANTS_DATA) and any(map(_shows_url, body["messages"])):
        return images_by_url(refusal, where=where)
    return None


def still_loading(refusal: Refusal, *, where: str, seconds: float) -> ProviderError:
    """Returns the error for a server that was still loading its model after so many seconds."""
    return ProviderError(
        f"The model server at {where} was not ready after {seconds:g} seconds "
        f"(model_patience_seconds). It said: {refusal.message}"
    )


def unreachable(*, where: str, seconds: float) -> ProviderError:
    """Returns the error for a server that answered before and is now unreachable."""
    return ProviderError(
        f"The model server at {where} cannot be reached. It has answered before, and did not come "
        f"back within {seconds:g} seconds (model_patience_seconds)."
    )


def never_reached(*, where: str) -> ProviderError:
    """Returns the error for a server that has not answered since this process began."""
    return ProviderError(
        f"The model server at {where} cannot be reached. It has not answered since Perdure was "
        "started: check that it runs, and its base_url."
    )


def _shows_url(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if not isinstance(content, list):
        return False
    return any(
        part["type"] == "image_url" and not part["image_url"]["url"].startswith("data:")
        for part in content
    )
