"""Where an object ends, whatever the pieces are that it comes in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.engine.object_end import ObjectEndScanner
from tests.engine.dialects import Made, calls, cut


@given(made=calls(most=1), behind=st.sampled_from(["", "}", " {}", '"', "x"]), data=st.data())
def test_an_object_ends_where_json_says(made: list[Made], behind: str, data: st.DataObject) -> None:
    text = made[0].arguments + behind
    _, end = json.JSONDecoder().raw_decode(text)
    scanner, at = ObjectEndScanner(), 0
    for part in cut(text, data):
        assert not scanner.is_complete or at == end
        if not scanner.is_complete:
            at += scanner.feed(part)
    assert (scanner.is_complete, at) == (True, end)
    assert scanner.is_void == (made[0].value == {})


@given(text=st.text(), data=st.data())
def test_the_pieces_make_no_difference(text: str, data: st.DataObject) -> None:
    whole, parts = ObjectEndScanner(), ObjectEndScanner()
    end, at = whole.feed(text), 0
    for part in cut(text, data):
        if not parts.is_complete:
            at += parts.feed(part)
    assert at == end
    for fact in ("is_blank", "is_void", "is_complete"):
        assert getattr(whole, fact) == getattr(parts, fact)


@pytest.mark.parametrize(
    ("text", "is_void", "is_complete"),
    [
        ("", True, False), (" \n", True, False), ("{", True, False), ("{ }", True, True),
        ("nul", True, False), ("null", True, False), ("null ", True, False),
        ("nullable", False, False), ("[]", False, False), ('""', False, False), ("5", False, False),
        ('{"', False, False), ("{[", False, False), ("{a", False, False), ('{"a\\', False, False),
        ('{"a":"}"', False, False), ('{"a":"\\"}"', False, False), ('{"a":[{}]}', False, True),
    ],
)  # fmt: skip
def test_what_is_known_of_a_text(text: str, is_void: bool, is_complete: bool) -> None:
    scanner = ObjectEndScanner()
    scanner.feed(text)
    assert (scanner.is_void, scanner.is_complete) == (is_void, is_complete)


def test_what_stands_behind_makes_it_a_text() -> None:
    scanner = ObjectEndScanner()
    scanner.feed('{"a":1}')
    scanner.take_as_text()
    assert scanner.feed('{"b":2} and so on') == len('{"b":2} and so on')
    assert (scanner.is_void, scanner.is_complete) == (False, False)
