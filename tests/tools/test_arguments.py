"""The code in a call's arguments is the same, however they come and whatever they are."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.tools.code_interpreter.arguments import CodeReader

OTHERS = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key != "code"),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def read(arguments: str, cuts: list[int]) -> str:
    """The code, from arguments that come in these pieces."""
    reader = CodeReader()
    places = [0, *sorted(cut % (len(arguments) + 1) for cut in cuts), len(arguments)]
    pieces = [reader.feed(arguments[begin:end]) for begin, end in itertools.pairwise(places)]
    code = "".join([*pieces, reader.finish()])
    assert reader.code == code
    return code


@given(
    st.text(), OTHERS, OTHERS, st.booleans(), st.sampled_from([None, 1]), st.lists(st.integers(0))
)
def test_the_code_is_what_the_json_says(
    code: str,
    before: dict[str, object],
    after: dict[str, object],
    escaped: bool,
    indent: int | None,
    cuts: list[int],
) -> None:
    arguments = json.dumps({**before, "code": code, **after}, ensure_ascii=escaped, indent=indent)
    assert read(arguments, cuts) == re.sub("[\ud800-\udfff]", "\ufffd", code)


@given(st.text() | st.text('{}[]",:\\ucode d8\n`'), st.lists(st.integers(0)))
def test_whatever_the_model_writes_the_pieces_make_no_difference(
    arguments: str, cuts: list[int]
) -> None:
    assert read(arguments, cuts) == read(arguments, [])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"code": "', ""),
        ('{"code": "print(1)', "print(1)"),
        ('{"code": "a\nb"}', "a\nb"),
        (r'{"code": "\d \u12"}', r"\d \u12"),
        (r'{"code": "\ud83dx"}', "\ufffdx"),
        ("print(1)", "print(1)"),
        ("```python\nprint(1)\n```\n", "print(1)"),
        ('"print(1)"', "print(1)"),
        ('{"code": ["a = 1", "a"]}', "a = 1\na"),
        ('{"script": "print(1)"}', '{"script": "print(1)"}'),
        ("", ""),
    ],
)
def test_what_is_there_is_taken(arguments: str, code: str) -> None:
    assert read(arguments, []) == code


def test_code_is_told_before_it_is_complete() -> None:
    reader = CodeReader()
    assert [reader.feed(piece) for piece in ('{"co', 'de": "pri', "nt(", '1)"}')] == [
        "", "pri", "nt(", "1)",
    ]  # fmt: skip
    assert reader.finish() == ""
