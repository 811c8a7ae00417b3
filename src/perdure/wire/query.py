"""The query parameters of a request, and the check of ids in its path (spec 02 §3)."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from perdure import ids
from perdure.lifecycle import VectorStoreFileStatus
from perdure.wire import refusals

Params = Sequence[tuple[str, str]]

Order = Literal["asc", "desc"]
ResultContent = Literal["step_details.tool_calls[*].file_search.results[*].content"]
RESULT_CONTENT: str = get_args(ResultContent)[0]

_NAMES = ("limit", "order", "after", "before", "run_id", "filter", "purpose")
_ORDERS = ("asc", "desc")
_STATUSES = tuple(VectorStoreFileStatus)
_MAX_LIMIT = 100
_MAX_NUMBER = 10**9


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a list that a request asks for. The objects `after` and `before` themselves are
    not in it.

    `filter` is a status of vector store files.
    """

    limit: int = 20
    order: Order = "desc"
    after: str | None = None
    before: str | None = None
    run_id: str | None = None
    filter: str | None = None
    purpose: str | None = None


def query(
    params: Params, *, limit: int = 20, most: int = _MAX_LIMIT, order: Order = "desc"
) -> ListQuery:
    """Returns the list parameters among decoded query parameters; unknown ones are ignored.

    `limit` is the size of a page that does not ask for one, `order` its order, and `most` the
    largest size that may be asked for. An empty cursor or filter counts as not given. Raises
    `BadRequest`.
    """
    given = {name: value for name, value in params if name in _NAMES}
    counts = Counter(name for name, _ in params)
    for name in given:
        if counts[name] > 1:
            raise refusals.duplicate(name)
    return ListQuery(
        limit=_limit(given["limit"], most) if "limit" in given else limit,
        order=_order(given.get("order", order)),
        after=given.get("after") or None,
        before=given.get("before") or None,
        run_id=given.get("run_id") or None,
        filter=_status(given["filter"]) if given.get("filter") else None,
        purpose=given.get("purpose") or None,
    )


def number(params: Params, name: str) -> int | None:
    """Returns a positive number of the query; None where it is not given. Raises `BadRequest`."""
    given = [value for key, value in params if key == name]
    if not given:
        return None
    if len(given) > 1:
        raise refusals.duplicate(name)
    return _limit(given[0], _MAX_NUMBER, name)


def _limit(text: str, most: int, name: str = "limit") -> int:
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise refusals.not_an_integer(name)
    limit = int(text)
    if limit > most:
        raise refusals.number_above(name, kind="integer", bound=most, value=limit)
    if limit < 1:
        raise refusals.number_below(name, kind="integer", bound=1, value=limit)
    return limit


def _order(text: str) -> Order:
    if text == "asc":
        return "asc"
    if text == "desc":
        return "desc"
    raise refusals.unsupported_value("order", value=text, supported=_ORDERS)


def _status(text: str) -> str:
    if text not in _STATUSES:
        raise refusals.unsupported_value("filter", value=text, supported=_STATUSES)
    return text


def include(params: Params, supported: Sequence[str] = (RESULT_CONTENT,)) -> frozenset[str]:
    """Returns what a request asks for beyond the plain form; of a step, `RESULT_CONTENT` or
    nothing.

    Both spellings, `include[]` and `include`, may repeat, and Azure's clients separate values by
    commas (spec 09 §2). Raises `BadRequest`.
    """
    given = [value for name, value in params if name in ("include[]", "include")]
    values = [value for listed in given for value in listed.split(",")]
    for index, value in enumerate(values):
        if value not in supported:
            raise refusals.unsupported_value(f"include[{index}]", value=value, supported=supported)
    return frozenset(values)


def check_id(value: str, *, name: str, prefix: str) -> None:
    """Refuses an id of a path or a body that is not of its kind (spec 05 §3.2).

    `prefix` is as the message shows it: `thread`, `asst`, `run`. Anything but a zero byte may
    follow it: an odd id is answered as unknown, not as malformed.
    """
    if not value.startswith(prefix) or not ids.is_possible(value):
        raise refusals.wrong_id(name, value=value, prefix=prefix)
