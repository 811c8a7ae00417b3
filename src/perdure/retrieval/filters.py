"""Attribute filters of a search (spec 06 §1.8): the files that may be found at all.

They are applied before ranking, to the attributes that the database holds of each file. That is
done here and not in SQL, where text, numbers and truth values compare differently from database to
database.
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

Predicate: TypeAlias = Callable[[Mapping[str, Value]], bool]

MOST_DEPTH = 8
MOST_COMPOUNDS = 100


def check(filters: Filter) -> None:
    """Checks the size of a filter. Raises `BadRequest` if it is nested too deep, or too large."""
    comparisons, compounds, level, depth = 0, 0, [filters], 0
    while level:
        depth += 1
        deeper: list[Filter] = []
        for each in level:
            if isinstance(each, All | AnyOf):
                compounds += 1
                deeper += each.filters
            else:
                comparisons += 1
        if depth > MOST_DEPTH:
            raise _too_large(f"more than {MOST_DEPTH} levels")
        if comparisons > MOST_COMPARISONS:
            raise _too_large(f"more than {MOST_COMPARISONS} comparisons")
        if compounds > MOST_COMPOUNDS:
            raise _too_large(f"more than {MOST_COMPOUNDS} compounds")
        level = deeper


def predicate(filters: Filter) -> Predicate:
    """Returns a function that is true for the attributes of a file that may be found.

    Values of different types are never equal, and none is before the other. A file without the
    attribute fails every comparison but `ne` and `nin`. An empty `and` holds, an empty `or` not.
    """
    match filters:
        case All():
            predicates = [predicate(each) for each in filters.filters]
            return lambda attributes: all(each(attributes) for each in predicates)
        case AnyOf():
            predicates = [predicate(each) for each in filters.filters]
            return lambda attributes: any(each(attributes) for each in predicates)
        case Equal(key=key, value=value):
            return lambda attributes: _equal(attributes.get(key), value)
        case NotEqual(key=key, value=value):
            return lambda attributes: not _equal(attributes.get(key), value)
        case In(key=key, value=values):
            known = frozenset(map(_exact, values))
            return lambda attributes: _exact(attributes.get(key)) in known
        case NotIn(key=key, value=values):
            known = frozenset(map(_exact, values))
            return lambda attributes: _exact(attributes.get(key)) not in known
        case _:
            return lambda attributes: _ordered(filters, attributes.get(filters.key))


def _equal(had: Value | None, value: Value) -> bool:
    return _exact(had) == _exact(value)


def _exact(value: Value | None) -> tuple[bool, Value | None]:
    # To Python, true is 1.
    return isinstance(value, bool), value


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
    """Returns 1, 0 or -1; None where there is no order. Texts go by their characters' code
    points.
    """
    if isinstance(had, bool) or isinstance(value, bool):
        return None
    if isinstance(had, str) and isinstance(value, str):
        return (had > value) - (had < value)
    if isinstance(had, int | float) and isinstance(value, int | float):
        return (had > value) - (had < value)
    return None


def _too_large(what: str) -> BadRequest:
    return BadRequest(f"The filter has {what}.", param="filters")
