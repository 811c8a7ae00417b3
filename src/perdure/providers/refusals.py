"""A model server's answer that is no answer, read from whatever form it has.

What it means for the run, `faults.py` says; what another request could do about it,
`adjustments.py`. No message holds a secret (spec 03 §8).
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
# What is said of a value: whoever sent it has to learn that.
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
# What servers say of a field that they want to have.
_MISSES = re.compile(
    r"missing|required|must (be (passed|provided|included|present|sent|set)|have|include|contain)",
    re.IGNORECASE,
)
# What servers say of a format that they know by name and do not have.
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
# What else servers call a parameter.
_OTHER_NAMES = {
    "reasoning_effort": r"|think(?:ing)?|(?:support|allow|enable)s? reasoning"
    r"|reasoning (?:is|effort|mode|parameter)",
    "parallel_tool_calls": r"|parallel (?:tool|function) call(?:s|ing)",
}


class Refusal(NamedTuple):
    """What a model server said in the place of an answer.

    `status` is that of HTTP; inside of an answer, what the error gives in its place, or 0.
    `message` is what may be shown of its words; `clauses` are all of them, each thing that is
    wrong by itself. `window` is the size of the context window that it states, in tokens.
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
        """All that can be looked at of its words."""
        return "; ".join(self.clauses)

    @property
    def is_of_request(self) -> bool:
        """Whether another request may be taken where this one is not."""
        if self.status in (400, 422):
            return True
        return self.status in _TEMPLATE_STATUSES and _TEMPLATE.search(self.text) is not None

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered a little later."""
        passing = self.status in (408, 409, 429) or self.status >= 500
        return passing and self.code not in QUOTA and not self.is_of_request

    @property
    def is_loading(self) -> bool:
        """Whether the server is on its way, and cannot answer yet."""
        return self.status in _LOADING_STATUSES and _LOADING.search(self.text) is not None

    def says(self, words: re.Pattern[str]) -> bool:
        """Whether it refuses the request in such words."""
        return self.is_of_request and words.search(self.text) is not None

    def names(self, parameter: str) -> bool:
        """Whether it refuses this parameter as one that it does not know.

        Not so if it finds the value wrong: whoever sent that has to learn it.
        """
        if not self.is_of_request:
            return False
        return any(_refuses(clause, parameter, self.param, self.code) for clause in self.clauses)

    def bars(self, field: str) -> bool:
        """Whether it refuses a field of a message for being there, and not for what it misses."""
        if not self.is_of_request or _MISSES.search(self.text):
            return False
        return re.search(rf"\b{re.escape(field)}\b", f"{self.param} {self.text}") is not None

    @property
    def lacks_format(self) -> bool:
        """Whether it refuses the `response_format`, and not the schema in it."""
        said = f"{self.param} {self.text}"
        if "response_format" not in said or not self.is_of_request:
            return False
        if "invalid schema" in self.text.lower():
            return False
        return self.names("response_format") or _LACKS_FORMAT.search(self.text) is not None

    def prefers(self, parameter: str) -> bool:
        """Whether it asks for this parameter in the place of another."""
        return self.is_of_request and parameter in self.text


def read(status: int, headers: Mapping[str, str], body: bytes, *, secret: str | None) -> Refusal:
    """The refusal in an HTTP response, whatever form its body has; without the secret."""
    return _refusal(status, error_body.read(body), _retry_after(headers), secret)


def in_answer(error: object, *, secret: str | None) -> Refusal:
    """The refusal that a server put where the answer should be, under a status of success."""
    status = error_body.status(error_body.unwrapped(error))
    return _refusal(status, error, None, secret)


def shortened(text: str, secret: str | None, *, most: int = _MAX_MESSAGE) -> str:
    """A server's own words as they may be shown: without credentials, and not endless."""
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
    """The parameter in a sentence: also as reasoningEffort, or in words."""
    name = r"[_ ]?".join(map(re.escape, parameter.split("_")))
    return re.compile(rf"\b(?:{name}{_OTHER_NAMES.get(parameter, '')})\b", re.IGNORECASE)


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
