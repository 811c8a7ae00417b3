"""Attribute filters decide which files are searched at all (spec 06 §1.8)."""

import json
import operator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.errors import BadRequest
from perdure.retrieval import filters
from perdure.wire.base import decode
from perdure.wire.search import Filter, Value
from tests.examples import WITH_FIXTURES
from tests.retrieval.filled_stores import FilledStore

FILES: dict[str, dict[str, Value]] = {
    "file-a": {"lang": "en", "year": 2020, "draft": True},
    "file-b": {"lang": "de", "year": 2021.5, "draft": False},
    "file-c": {"lang": "en", "year": "2020"},
    "file-d": {},
}
NUMBERS = count()


def parsed(document: object) -> Filter:
    return decode(json.dumps(document), Filter)  # type: ignore[arg-type]


def comparison(kind: str, key: str, value: object) -> Filter:
    return parsed({"type": kind, "key": key, "value": value})


@pytest.mark.parametrize(
    ("kind", "key", "value", "expected"),
    [
        ("eq", "lang", "en", "ac"),
        ("ne", "lang", "en", "bd"),
        ("eq", "year", 2020, "a"),
        ("eq", "year", 2020.0, "a"),
        ("eq", "year", "2020", "c"),
        ("gt", "year", 2020, "b"),
        ("gte", "year", 2020, "ab"),
        ("lt", "year", 2021, "a"),
        ("lte", "year", 2021.5, "ab"),
        ("lt", "lang", "e", "b"),
        ("eq", "draft", True, "a"),
        ("eq", "draft", 1, ""),
        ("ne", "draft", 1, "abcd"),
        ("gte", "draft", False, ""),
        ("in", "lang", ["de", "fr"], "b"),
        ("nin", "lang", ["de", "fr"], "acd"),
        ("in", "year", [2020, "2020"], "ac"),
        ("in", "year", [], ""),
        ("nin", "year", [], "abcd"),
        ("eq", "nothing", "x", ""),
        ("ne", "nothing", "x", "abcd"),
        ("eq", "'; DROP TABLE chunks; --", "x", ""),
    ],
)
async def test_a_comparison_lets_these_files_be_found(
    filled: FilledStore, kind: str, key: str, value: object, expected: str
) -> None:
    await stock(filled)
    found = await filled.found("common", filters=comparison(kind, key, value))
    assert sorted(found) == [f"common file-{letter}" for letter in expected]


async def test_filters_apply_before_the_ranking(filled: FilledStore) -> None:
    """The only file that is accepted is found though many others rank before it."""
    store = await filled.store()
    for n in range(60):
        await filled.file(store, f"file-{n}", "honey honey honey", attributes={"n": n})
    await filled.file(store, "file-last", "a little honey in much else", attributes={"n": 99})
    found = await filled.found("honey", filters=comparison("eq", "n", 99), limit=1)
    assert found == ["a little honey in much else"]


VALUES = st.one_of(
    st.sampled_from(["", "a", "b", "ä", "\U0001f41d", "A"]),
    st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1]),
    st.sampled_from([-1.5, 0.0, 2.0, 1e300]),
    st.booleans(),
)
KEYS = st.sampled_from(["k", "l", "a.b", '"', "$", "\x00"])
OPERATORS: dict[str, Any] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip
COMPARISONS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["eq", "ne", *OPERATORS]), "key": KEYS, "value": VALUES}
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["in", "nin"]),
            "key": KEYS,
            "value": st.lists(VALUES.filter(lambda value: not isinstance(value, bool)), max_size=3),
        }
    ),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["and", "or"]), "filters": st.lists(inner, max_size=3)}
    ),
    max_leaves=8,
)


def kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def reference(document: dict[str, Any], attributes: dict[str, Any]) -> bool:
    """The rules once more, in other words."""
    kind = document["type"]
    if kind in ("and", "or"):
        inner = [reference(each, attributes) for each in document["filters"]]
        return False not in inner if kind == "and" else True in inner
    if kind in ("ne", "nin"):
        return not reference({**document, "type": {"ne": "eq", "nin": "in"}[kind]}, attributes)
    if document["key"] not in attributes:
        return False
    had, value = attributes[document["key"]], document["value"]
    if kind == "in":
        return any(kind_of(each) == kind_of(had) and each == had for each in value)
    if kind_of(had) != kind_of(value):
        return False
    if kind == "eq":
        return bool(had == value)
    return kind_of(had) != "boolean" and bool(OPERATORS[kind](had, value))


@given(
    files=st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=4),
    document=FILTERS,
)
@settings(WITH_FIXTURES, max_examples=40)
async def test_any_filter_finds_what_the_rules_say(
    filled: FilledStore, files: list[dict[str, Any]], document: dict[str, Any]
) -> None:
    store = await filled.store(f"vs_{next(NUMBERS)}")
    for n, attributes in enumerate(files):
        await filled.file(store, f"file-{n}", f"common {n}", attributes=attributes)
    found = await filled.found("common", stores=[store], filters=parsed(document))
    expected = [f"common {n}" for n, each in enumerate(files) if reference(document, each)]
    assert sorted(found) == expected


def test_a_filter_may_be_nested_eight_deep_and_have_a_hundred_comparisons() -> None:
    leaf = {"type": "eq", "key": "k", "value": 1}
    deep: dict[str, Any] = leaf
    for _ in range(7):
        deep = {"type": "and", "filters": [deep]}
    filters.check(parsed(deep))
    with pytest.raises(BadRequest, match=r"The filter has more than 8 levels\."):
        filters.check(parsed({"type": "or", "filters": [deep]}))
    filters.check(parsed({"type": "or", "filters": [leaf] * 100}))
    some = {"type": "and", "filters": [leaf] * 100}
    with pytest.raises(BadRequest, match=r"The filter has more than 100 comparisons\."):
        filters.check(parsed({"type": "or", "filters": [some, leaf]}))


async def test_a_filter_that_is_too_large_is_refused_before_any_search(filled: FilledStore) -> None:
    some = {"type": "and", "filters": [{"type": "eq", "key": "k", "value": 1}] * 51}
    with pytest.raises(BadRequest) as refused:
        await filled.search("x", filters=parsed({"type": "or", "filters": [some, some]}))
    assert refused.value.param == "filters"


async def stock(filled: FilledStore) -> None:
    store = await filled.store()
    for file_id, attributes in FILES.items():
        await filled.file(store, file_id, f"common {file_id}", attributes=attributes)
