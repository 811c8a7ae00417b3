"""What is known of JSON before it is decoded, and that others can go on meanwhile."""

import asyncio
import itertools
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perdure.wire import scan
from perdure.wire.scan import JsonSize, JsonSizeScanner

_TEXTS = st.text(st.sampled_from('ab"\\,[]{}:\n é😀'), max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXTS, inner, max_size=5),
    max_leaves=30,
)
_LAYOUTS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


def members(value: Any) -> int:
    """The commas and opening brackets that a value is written with."""
    match value:
        case list():
            return 1 + max(0, len(value) - 1) + sum(map(members, value))
        case dict():
            return 1 + max(0, len(value) - 1) + sum(map(members, value.values()))
        case _:
            return 0


def depth(value: Any) -> int:
    """The brackets that are open at its deepest place."""
    match value:
        case list() | dict():
            inner = value.values() if isinstance(value, dict) else value
            return 1 + max(map(depth, inner), default=0)
        case _:
            return 0


@given(_VALUES, _LAYOUTS, st.booleans(), st.lists(st.integers(0, 400), max_size=20))
@example(["\\", '\\"', ",\\"], (",", ":"), False, list(range(40)))
def test_members_are_counted_outside_of_strings_in_whatever_pieces_they_come(
    value: object, layout: tuple[str, str], ascii_only: bool, cuts: list[int]
) -> None:
    text = json.dumps(value, separators=layout, ensure_ascii=ascii_only).encode()
    scanner, plain = JsonSizeScanner(measures=True), JsonSizeScanner()
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for low, high in itertools.pairwise(edges):
        scanner.feed(text[low:high])
        plain.feed(text[low:high])
        assert (plain.members, plain.depth) == (scanner.members, scanner.depth)
    assert (scanner.members, scanner.depth, scanner.inside) == (members(value), 0, False)
    assert scanner.deepest == depth(value)


@given(st.binary(max_size=200), st.integers(0, 5))
async def test_whatever_is_counted_is_no_error(text: bytes, most: int) -> None:
    assert min(await scan.measure(text, most=JsonSize(most, most))) >= 0
    assert await scan.find(text, "model") is None or b'"model"' in text


async def test_commas_in_texts_are_no_members() -> None:
    text = json.dumps({"texts": ["1,2,[3],{4}\n" * 10_000] * 10}).encode()
    assert await scan.measure(text, most=JsonSize(100, 5)) == (1 + 1 + 9, 2)


@pytest.mark.parametrize("text", [b"," * 10**6, b"[" * 10**6, b'{"a":[' * 10**5])
async def test_counting_ends_soon_after_the_bound(text: bytes) -> None:
    assert 1000 < (await scan.measure(text, most=JsonSize(1000, 10**9))).members < 40_000


async def test_others_go_on_while_a_long_text_is_looked_at() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await scan.measure(b'["' + b"," * 10**7 + b'"]', most=JsonSize(100, 100))
    counted, turns = turns, 0
    await scan.find(b'["' + b"," * 10**7 + b'"], "model"', "model")
    found, turns = turns, 0
    await scan.find(b"[" + b'"model",' * 10**5, "model")
    task.cancel()
    assert min(counted, found, turns) > 200


@given(
    st.lists(st.tuples(st.sampled_from(["model", "x", '"model"', "mode"]), _VALUES), max_size=5),
    _LAYOUTS,
)
@example([("x", {"model": "a"}), ("model", "b")], (",", ":"))
@example([("model", "a"), ("model", 5)], (",", ":"))
@example([("x", '\\"model\\": \\"a\\"')], (",", ":"))
async def test_the_member_that_is_found_is_the_one_that_a_decoder_would_give(
    pairs: list[tuple[str, object]], layout: tuple[str, str]
) -> None:
    comma, colon = layout
    written = [f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in pairs]
    text = f"{{{comma.join(written)}}}".encode()
    expected = json.loads(text).get("model")
    span = await scan.find(text, "model")
    found = None if span is None else json.loads(text[span.start : span.stop])
    assert found == (expected if isinstance(expected, str) else None)


async def test_a_string_that_is_no_name_is_not_found() -> None:
    assert await scan.find(b'{"model": "' + b"m" * 2000 + b'"}', "model") is None
