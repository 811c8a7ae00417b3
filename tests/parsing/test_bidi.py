"""A line on paper is read in the order of its script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.parsing.bidi import logical, shaped_back

_HEBREW = "אבגדה"


@pytest.mark.parametrize(
    ("on_paper", "read"),
    [
        ("plain text 12", "plain text 12"),
        ("דגב א", "א בגד"),
        ("ב 1,200.50 א", "א 1,200.50 ב"),
        ("ב 12/05/2024 א", "א 12/05/2024 ב"),
        ("ב 30 20 א", "א 20 30 ב"),
        ("ב Ltd 7 אבגד", "דגבא Ltd 7 ב"),
        ("the word אבג stands here", "the word גבא stands here"),
        ("the words דג בא stand here", "the words אב גד stand here"),
    ],
)
def test_numbers_and_other_scripts_keep_their_order(on_paper: str, read: str) -> None:
    assert logical(list(on_paper)) == read


@given(st.text(f"{_HEBREW} ab1.", max_size=30))
def test_every_glyph_is_read_once(on_paper: str) -> None:
    assert sorted(logical(list(on_paper))) == sorted(on_paper)


@given(st.text(f"{_HEBREW} ", max_size=30))
def test_a_line_of_one_script_is_read_from_the_right(on_paper: str) -> None:
    expected = on_paper[::-1] if on_paper.strip() else on_paper
    assert logical(list(on_paper)) == expected


def test_a_glyph_of_several_letters_is_read_as_it_stands() -> None:
    assert logical(["ג", "לא", "ב"]) == "בלאג"


def test_shapes_and_ligatures_are_letters() -> None:
    assert shaped_back("eﬃcient ﺳﻼﻡ") == "efficient سلام"
