"""The query of the list of a project's runs. An extension."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from perdure.lifecycle import RunStatus
from perdure.wire import refusals
from perdure.wire.query import ListQuery, Params, query
from perdure.wire.runs import ErrorCode

Filter = Literal["status", "assistant_id", "thread_id", "model", "error_code"]

_FILTERS: tuple[Filter, ...] = get_args(Filter)
_VALUES: dict[Filter, tuple[str, ...]] = {
    "status": tuple(RunStatus),
    "error_code": get_args(ErrorCode),
}
_METADATA = re.compile(r"metadata\[(?P<key>.{1,64})\]", re.DOTALL)
_MOST_METADATA = 16
_SECONDS = re.compile("[0-9]{1,12}")


class RunListQuery(NamedTuple):
    """The page that a request asks for.

    `filter` and `value` name one filter, or none. The runs were created at the second `since` or
    later, and before the second `until`; they have each pair of `metadata`.
    """

    page: ListQuery
    filter: Filter | None
    value: str | None
    since: int | None
    until: int | None
    metadata: Mapping[str, str]


def run_list_query(params: Params) -> RunListQuery:
    """Returns the query of a request. An empty parameter counts as not given, and unknown ones are
    ignored, as in every list.

    Raises `BadRequest`, also for two filters: there is an index for each alone.
    """
    page = query(params)
    given = _given(params)
    name, value = _filter(given)
    lower = _bounds(given, gte=0, gt=1)
    upper = _bounds(given, lt=0, lte=1)
    metadata = {
        found["key"]: text for key, text in given.items() if (found := _METADATA.fullmatch(key))
    }
    if len(metadata) > _MOST_METADATA:
        raise refusals.too_many_properties("metadata", limit=_MOST_METADATA, count=len(metadata))
    return RunListQuery(
        page, name, value, max(lower, default=None), min(upper, default=None), metadata
    )


def _given(params: Params) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in params:
        if name in given:
            raise refusals.duplicate(name)
        if value:
            given[name] = value
    return given


def _filter(given: Mapping[str, str]) -> tuple[Filter | None, str | None]:
    names = [name for name in _FILTERS if name in given]
    if not names:
        return None, None
    if len(names) > 1:
        raise refusals.mutually_exclusive(names[1], other=names[0])
    name, value = names[0], given[names[0]]
    supported = _VALUES.get(name)
    if supported and value not in supported:
        raise refusals.unsupported_value(name, value=value, supported=supported)
    return name, value


def _bounds(given: Mapping[str, str], **shifts: int) -> list[int]:
    """Returns the seconds of the bounds that are given, each with the shift of its operator."""
    bounds = []
    for operator, shift in shifts.items():
        name = f"created_at[{operator}]"
        if name not in given:
            continue
        if not _SECONDS.fullmatch(given[name]):
            raise refusals.not_an_integer(name)
        bounds.append(int(given[name]) + shift)
    return bounds
