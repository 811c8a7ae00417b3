"""The code in a call's arguments is the same, however they come and whatever they are."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.tools.code_interpreter.arguments import CodeReader
from perdure.tools.code_interpreter.fence import without_fence

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
    said = re.sub("[\ud800-\udfff]", "\ufffd", code)
    assert read(arguments, cuts) == without_fence(said)


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
        ('{"code": "```python\\nprint(1)\\n```"}', "print(1)"),
        ('{"code": ["```", "a = 1", "```"]}', "a = 1"),
        ('{"code": "```python\\nprint(1)', "```python\nprint(1)"),
        ('"print(1)"', "print(1)"),
        ('{"code": ["a = 1", "a"]}', "a = 1\na"),
        ('{"script": "print(1)"}', '{"script": "print(1)"}'),
        ("", ""),
    ],
)
def test_what_is_there_is_taken(arguments: str, code: str) -> None:
    assert read(arguments, []) == code


_INDENT = "    x = 1\n    y = 2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"```python\n{_INDENT}\n```", _INDENT),
        (f"\n ```\n{_INDENT}\n ```\n\n", _INDENT),
        ("~~~py\nx\n~~~", "x"),
        ("````python\nx = '```'\n````", "x = '```'"),
        ("``` {.python .run}\nx\n```", "x"),
        ("```python\r\nx\r\n```", "x"),
        ("```python\nx```", "x"),
        ("```python\n```", ""),
        ("```python\ns = '''\n```sh\nls\n```\n'''\n```", "s = '''\n```sh\nls\n```\n'''"),
    ],
)
def test_a_fence_around_all_of_the_code_is_taken_off(text: str, code: str) -> None:
    assert read(json.dumps({"code": text}), []) == code
    assert read(text, []) == code


@pytest.mark.parametrize(
    "text",
    [
        "Here it is:\n```python\nx\n```",
        "```python\nx\n```\nThat is all.",
        "```python\nx\n```\nand\n```python\ny\n```",
        "```python\nx",
        "```python\nx\n~~~",
        "````python\nx\n```",
        "s = '''\n```\nx\n```\n'''",
        "~~5",
        "``",
        " " * 2000 + "```\nx\n```",
    ],
)
def test_what_is_not_all_in_a_fence_stays_as_it_is(text: str) -> None:
    assert read(json.dumps({"code": text}), []) == text


@given(st.text("`~ \n\tpy1", max_size=60), st.lists(st.integers(0)), st.booleans())
def test_the_pieces_of_a_fence_make_no_difference(text: str, cuts: list[int], bare: bool) -> None:
    arguments = text if bare else json.dumps({"code": text})
    assert read(arguments, cuts) == read(arguments, [])


def test_code_in_a_fence_is_told_when_its_end_is_known() -> None:
    reader = CodeReader()
    pieces = ['{"code": "``', "`\\nprint(1)", '\\n```"}']
    assert [reader.feed(piece) for piece in pieces] == ["", "", ""]
    assert reader.finish() == reader.code == "print(1)"


def test_code_is_told_before_it_is_complete() -> None:
    reader = CodeReader()
    assert [reader.feed(piece) for piece in ('{"co', 'de": "pri', "nt(", '1)"}')] == [
        "", "pri", "nt(", "1)",
    ]  # fmt: skip
    assert reader.finish() == ""
