"""Attribute filters of a search (spec 06 §1.8): which files may be found at all.

They are applied before ranking, to the attributes that the database holds of each file. That is
done here and not in SQL, where text, numbers and truth values compare differently from database
to database.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from perdure.errors import BadRequest
from perdure.wire.search import (
    MOST_COMPARISONS,
    All,
    AnyOf,
    Equal,
    Filter,
    Greater,
    GreaterOrEqual,
    In,
    Less,
    LessOrEqual,
    NotEqual,
    NotIn,
    Value,
)

Test: TypeAlias = Callable[[Mapping[str, Value]], bool]

MOST_DEPTH = 8


def check(filters: Filter) -> None:
    """Raises `BadRequest` for a filter that is nested too deep, or too large."""
    comparisons, level, depth = 0, [filters], 0
    while level:
        depth += 1
        deeper: list[Filter] = []
        for each in level:
            if isinstance(each, All | AnyOf):
                deeper += each.filters
            else:
                comparisons += 1
        if depth > MOST_DEPTH:
            raise _too_large(f"more than {MOST_DEPTH} levels")
        if comparisons > MOST_COMPARISONS:
            raise _too_large(f"more than {MOST_COMPARISONS} comparisons")
        level = deeper


def test(filters: Filter) -> Test:
    """What says whether a file with some attributes may be found.

    Values of different types are never equal, and none is before the other. A file without the
    attribute fails every comparison but `ne` and `nin`. An empty `and` holds, an empty `or` not.
    """
    match filters:
        case All():
            parts = [test(each) for each in filters.filters]
            return lambda attributes: all(part(attributes) for part in parts)
        case AnyOf():
            parts = [test(each) for each in filters.filters]
            return lambda attributes: any(part(attributes) for part in parts)
        case Equal(key=key, value=value):
            return lambda attributes: _equal(attributes.get(key), value)
        case NotEqual(key=key, value=value):
            return lambda attributes: not _equal(attributes.get(key), value)
        case In(key=key, value=values):
            return lambda attributes: any(_equal(attributes.get(key), value) for value in values)
        case NotIn(key=key, value=values):
            return lambda attributes: (
                not any(_equal(attributes.get(key), value) for value in values)
            )
        case _:
            return lambda attributes: _ordered(filters, attributes.get(filters.key))


def _equal(had: Value | None, value: Value) -> bool:
    # To Python, true is 1.
    return had == value and isinstance(had, bool) is isinstance(value, bool)


def _ordered(filters: Greater | GreaterOrEqual | Less | LessOrEqual, had: Value | None) -> bool:
    order = _order(had, filters.value)
    if order is None:
        return False
    match filters:
        case Greater():
            return order > 0
        case GreaterOrEqual():
            return order >= 0
        case Less():
            return order < 0
        case LessOrEqual():
            return order <= 0


def _order(had: Value | None, value: Value) -> int | None:
    """1, 0 or -1; None where there is no order. Texts go by their characters' code points."""
    if isinstance(had, bool) or isinstance(value, bool):
        return None
    if isinstance(had, str) and isinstance(value, str):
        return (had > value) - (had < value)
    if isinstance(had, int | float) and isinstance(value, int | float):
        return (had > value) - (had < value)
    return None


def _too_large(what: str) -> BadRequest:
    return BadRequest(f"The filter has {what}.", param="filters")
