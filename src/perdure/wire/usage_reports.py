"""Usage reports of the admin API: what a request may ask for, and the answer (spec 11 §1)."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from perdure.errors import BadRequest
from perdure.wire import refusals
from perdure.wire.base import Object
from perdure.wire.query import Params

WIDTHS = {"1m": 60, "1h": 3600, "1d": 86_400}
# The number of buckets that a page has by default, and at most.
_LIMITS = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}
_SINGLE = ("start_time", "end_time", "bucket_width", "limit", "page")
_PAGE = re.compile(r"page_([0-9]{1,12})")
# The year 33658: no time on the wire is later, and none overflows.
_MOST_SECONDS = 10**12

# The list that selects by a member that results can be grouped by.
_LISTS = {"project_id": "project_ids", "api_key_id": "api_key_ids", "model": "models"}


class UsageRequest(NamedTuple):
    """A request for a usage report. Times are Unix seconds; the report begins with the bucket
    that holds `start`, has `limit` buckets of `width` at most, and ends before `end`. None in place
    of a list: all.
    """

    start: int
    end: int
    width: str
    limit: int
    group_by: frozenset[str]
    projects: Collection[str] | None
    keys: Collection[str] | None
    models: Collection[str] | None

    @property
    def seconds(self) -> int:
        """The length of a bucket."""
        return WIDTHS[self.width]

    @property
    def starts(self) -> list[int]:
        """The times at which the buckets of this page begin."""
        first = self.start // self.seconds * self.seconds
        last = min(self.end, first + self.limit * self.seconds)
        return list(range(first, last, self.seconds))


class CompletionsUsage(Object, kw_only=True):
    object: Literal["organization.usage.completions.result"] = (
        "organization.usage.completions.result"
    )
    input_tokens: int
    output_tokens: int
    input_cached_tokens: int
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    num_model_requests: int
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None


class EmbeddingsUsage(Object, kw_only=True):
    object: Literal["organization.usage.embeddings.result"] = "organization.usage.embeddings.result"
    input_tokens: int
    num_model_requests: int
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None


class FileSearchUsage(Object, kw_only=True):
    object: Literal["organization.usage.file_searches.result"] = (
        "organization.usage.file_searches.result"
    )
    num_requests: int
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    vector_store_id: str | None = None


class CodeInterpreterUsage(Object, kw_only=True):
    object: Literal["organization.usage.code_interpreter_sessions.result"] = (
        "organization.usage.code_interpreter_sessions.result"
    )
    num_sessions: int
    project_id: str | None = None


class VectorStoresUsage(Object, kw_only=True):
    object: Literal["organization.usage.vector_stores.result"] = (
        "organization.usage.vector_stores.result"
    )
    usage_bytes: int
    project_id: str | None = None


class UsageBucket(Object, kw_only=True):
    object: Literal["bucket"] = "bucket"
    start_time: int
    end_time: int
    results: Sequence[Object]


class UsagePage(Object, kw_only=True):
    object: Literal["page"] = "page"
    data: list[UsageBucket]
    has_more: bool
    next_page: str | None


def request(params: Params, *, groups: Collection[str], now: int) -> UsageRequest:
    """Returns the request for a usage report among decoded query parameters. `groups` are the
    members that its results can be grouped by.

    Lists may be spelt with brackets behind their names or without. A parameter that is not known is
    refused: the numbers would not be what was asked for. Raises `BadRequest`.
    """
    single, lists = _sorted(params, groups)
    width = single.get("bucket_width", "1d")
    if width not in WIDTHS:
        raise refusals.unsupported_value("bucket_width", value=width, supported=list(WIDTHS))
    if "start_time" not in single:
        raise refusals.missing("start_time")
    start = _integer("start_time", single["start_time"], most=_MOST_SECONDS)
    end = now + 1
    if "end_time" in single:
        end = _integer("end_time", single["end_time"], most=_MOST_SECONDS)
    if "end_time" in single and end <= start:
        raise refusals.number_below("end_time", kind="integer", bound=start + 1, value=end)
    usual, most = _LIMITS[width]
    limit = _integer("limit", single["limit"], least=1, most=most) if "limit" in single else usual
    for place, name in enumerate(lists.get("group_by", ())):
        if name not in groups:
            raise refusals.unsupported_value(
                f"group_by[{place}]", value=name, supported=sorted(groups)
            )
    return UsageRequest(
        _from_page(single["page"]) if "page" in single else start,
        end,
        width,
        limit,
        frozenset(lists.get("group_by", ())),
        lists.get("project_ids"),
        lists.get("api_key_ids"),
        lists.get("models"),
    )


def page(asked: UsageRequest, results: Mapping[int, Sequence[Object]]) -> UsagePage:
    """Returns the page with the results of each bucket, by the time at which it begins."""
    starts = asked.starts
    following = starts[-1] + asked.seconds if starts else asked.end
    has_more = following < asked.end
    return UsagePage(
        data=[
            UsageBucket(
                start_time=start, end_time=start + asked.seconds, results=results.get(start, ())
            )
            for start in starts
        ],
        has_more=has_more,
        next_page=f"page_{following}" if has_more else None,
    )


def too_fine(asked: UsageRequest, *, finest: int) -> BadRequest:
    """Returns the error for buckets that are finer than what is kept of their time."""
    kept = next(width for width, seconds in WIDTHS.items() if seconds == finest)
    return BadRequest(
        f"Invalid 'bucket_width': '{asked.width}' is finer than what is kept of the time from "
        f"{asked.start}. Minutes are kept for 2 days and hours for 14; ask for '{kept}', or for a "
        "later start_time.",
        param="bucket_width",
        code="invalid_value",
    )


def _sorted(params: Params, groups: Collection[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Returns the parameters that have one value, and the lists."""
    known = {"group_by", *(listed for member, listed in _LISTS.items() if member in groups)}
    single: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, value in params:
        plain = name.removesuffix("[]")
        if plain in known:
            lists.setdefault(plain, []).append(value)
        elif name not in _SINGLE:
            raise refusals.unknown(name)
        elif name in single:
            raise refusals.duplicate(name)
        else:
            single[name] = value
    return single, lists


def _integer(name: str, text: str, *, least: int = 0, most: int) -> int:
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise refusals.not_an_integer(name)
    value = int(text)
    if value < least:
        raise refusals.number_below(name, kind="integer", bound=least, value=value)
    if value > most:
        raise refusals.number_above(name, kind="integer", bound=most, value=value)
    return value


def _from_page(cursor: str) -> int:
    found = _PAGE.fullmatch(cursor)
    if found is None:
        raise BadRequest(
            f"Invalid 'page': '{cursor}'. Expected the 'next_page' of an earlier answer.",
            param="page",
            code="invalid_value",
        )
    return int(found[1])
