"""Parsing of a model server's refusal, in whatever form it comes.

`faults.py` turns it into the run's error; `adjustments.py` finds a request that avoids it. No
message holds a secret (spec 03 §8).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NamedTuple

from perdure.providers import error_body, too_long
from perdure.wire.base import JsonObject

_MAX_MESSAGE = 500
# As much is looked through for what it names.
_MAX_LOOKED_AT = 8 * 1024
QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
# Whoever repeats the request's headers in an error: the credentials stay here.
_CREDENTIALS = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?(?:\w+ +)?|bearer\s+(?=\S*\d))[^\s\"',]+", re.IGNORECASE
)
_REFUSES_PARAMETER = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed"
    r"|cannot find field|no such (?:field|parameter|argument)|deprecated|not available|forbidden"
    r"|not enabled|only \S{1,20} is allowed|extra[ _](?:inputs?|fields?|forbidden)"
    r"|invalid (?:argument|parameter|field)",
    re.IGNORECASE,
)
# Words about a value: whoever sent it has to learn that.
_REFUSES_VALUE = re.compile(
    r"(?:invalid|unsupported|illegal|supported|allowed|valid|possible)[ _]values?\b|out of range"
    r"|\bmust (?:be|not|have)\b|should be|\bat (?:most|least)\b|\bbetween\b|\btoo \w+\b"
    r"|\b(?:greater|less|more|larger|smaller) than\b|maximum|minimum|one of\b|\bonly supports\b"
    r"|unknown variant|invalid schema",
    re.IGNORECASE,
)
# A value that is the only one is as good as none.
_ONLY_DEFAULT = re.compile(
    r"only (?:the )?default|default value is supported|only 1(?:\.0)? is allowed|think value",
    re.IGNORECASE,
)
# Words about a required field.
_MISSES = re.compile(
    r"missing|required|must (be (passed|provided|included|present|sent|set)|have|include|contain)",
    re.IGNORECASE,
)
# Words about a format that a server knows by name and does not have.
_LACKS_FORMAT = re.compile(
    r"unavailable|not available|response_format.type' must be", re.IGNORECASE
)
# A chat template that did not take the messages: some servers take that for a fault of theirs.
_TEMPLATE = re.compile(
    r"jinja|chat.?template|template (?:error|render)|prompt template|raise_exception"
    r"|roles? must alternate|roles? (?:is |are )?not supported|roles are supported"
    r"|tool call ids? (?:should|must|was)",
    re.IGNORECASE,
)
_TEMPLATE_STATUSES = (404, 500)
# A server that has just been started.
_LOADING = re.compile(
    r"load(?:ing|s) (?:the |a )?model|model\b.{0,100}\b(?:is|being|still|currently) (?:being )?load"
    r"|model is not (?:yet )?(?:loaded|ready)|warming up|starting up|still starting|not ready yet",
    re.IGNORECASE,
)
_LOADING_STATUSES = (425, 500, 503)
# Other names of a parameter.
_OTHER_NAMES = {
    "reasoning_effort": r"|think(?:ing)?|(?:support|allow|enable)s? reasoning"
    r"|reasoning (?:is|effort|mode|parameter)",
    "parallel_tool_calls": r"|parallel (?:tool|function) call(?:s|ing)",
}


class Refusal(NamedTuple):
    """An error that a model server sent in the place of a response.

    `status` is that of HTTP; within a response it is the one that the error gives, or 0. `message`
    is the part of its text that may be shown; `clauses` are all of its text, one for each thing
    that is wrong. `window` is the size of the context window that it states, in tokens.
    """

    status: int
    message: str
    code: str
    param: str
    retry_after: float | None
    window: int | None = None
    clauses: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole text of the refusal."""
        return "; ".join(self.clauses)

    @property
    def is_of_request(self) -> bool:
        """True if another request may be accepted."""
        if self.status in (400, 422):
            return True
        return self.status in _TEMPLATE_STATUSES and _TEMPLATE.search(self.text) is not None

    @property
    def is_transient(self) -> bool:
        """True if the same request may be accepted a little later."""
        transient = self.status in (408, 409, 429) or self.status >= 500
        return transient and self.code not in QUOTA and not self.is_of_request

    @property
    def is_loading(self) -> bool:
        """True if the server is starting, and cannot answer yet."""
        return self.status in _LOADING_STATUSES and _LOADING.search(self.text) is not None

    def says(self, words: re.Pattern[str]) -> bool:
        """Returns true if it refuses the request in such words."""
        return self.is_of_request and words.search(self.text) is not None

    def names(self, parameter: str) -> bool:
        """Returns true if it refuses this parameter as an unknown one.

        It is false for a wrong value: whoever sent that has to learn it.
        """
        if not self.is_of_request:
            return False
        return any(_refuses(clause, parameter, self.param, self.code) for clause in self.clauses)

    def bars(self, field: str) -> bool:
        """Returns true if it refuses a field of a message for being there, and not as missing."""
        if not self.is_of_request or _MISSES.search(self.text):
            return False
        return re.search(rf"\b{re.escape(field)}\b", f"{self.param} {self.text}") is not None

    @property
    def lacks_format(self) -> bool:
        """True if it refuses the `response_format`, and not the schema in it."""
        said = f"{self.param} {self.text}"
        if "response_format" not in said or not self.is_of_request:
            return False
        if "invalid schema" in self.text.lower():
            return False
        return self.names("response_format") or _LACKS_FORMAT.search(self.text) is not None

    def prefers(self, parameter: str) -> bool:
        """Returns true if it asks for this parameter in the place of another."""
        return self.is_of_request and parameter in self.text


def read(status: int, headers: Mapping[str, str], body: bytes, *, secret: str | None) -> Refusal:
    """Returns the refusal in an HTTP response, whatever form its body has, without the secret."""
    return _refusal(status, error_body.read(body), _retry_after(headers), secret)


def in_answer(error: object, *, secret: str | None) -> Refusal:
    """Returns the refusal that a server sent as a response with a status of success."""
    status = error_body.status(error_body.unwrapped(error))
    return _refusal(status, error, None, secret)


def shortened(text: str, secret: str | None, *, most: int = _MAX_MESSAGE) -> str:
    """Returns a server's own words as they may be shown: without credentials, at most `most`
    characters.
    """
    # Before anything is cut off: half a key is too much as well.
    text = text.replace(secret, "***") if secret else text
    return _CREDENTIALS.sub(r"\1***", text)[:most]


def _refusal(
    status: int, document: object, retry_after: float | None, secret: str | None
) -> Refusal:
    error = error_body.unwrapped(document)
    shown = shortened(error_body.words(error), secret)
    return Refusal(
        status,
        shown,
        error_body.code(error),
        _param(error),
        retry_after,
        too_long.limit(shown, error),
        _bounded(error_body.clauses(error), secret),
    )


def _param(error: JsonObject) -> str:
    return str(error.get("param") or "")


def _bounded(clauses: Iterable[str], secret: str | None) -> tuple[str, ...]:
    kept, left = [], _MAX_LOOKED_AT
    for clause in clauses:
        kept.append(shortened(clause, secret, most=left))
        left -= len(kept[-1])
        if left <= 0:
            break
    return tuple(kept)


def _refuses(clause: str, parameter: str, param: str, code: str) -> bool:
    named = param.rpartition(".")[2] == parameter or _named(parameter).search(clause)
    said = f"{code} {clause}"
    if not named or not _REFUSES_PARAMETER.search(said):
        return False
    return _ONLY_DEFAULT.search(said) is not None or not _REFUSES_VALUE.search(said)


@cache
def _named(parameter: str) -> re.Pattern[str]:
    """Returns a pattern of the parameter in a sentence: also as reasoningEffort, or in words."""
    name = r"[_ ]?".join(map(re.escape, parameter.split("_")))
    return re.compile(rf"\b(?:{name}{_OTHER_NAMES.get(parameter, '')})\b", re.IGNORECASE)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait, from a number or an HTTP date."""
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
