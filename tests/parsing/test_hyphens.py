"""Words that were cut at the end of a line are whole; those with a hyphen of their own keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.parsing.hyphens import joined


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("an effi-\ncient way", "an efficient way"),
        ("an effi\u2010\ncient way", "an efficient way"),
        ("an effi\u00ad\ncient way", "an efficient way"),
        ("Donau\u00addampf", "Donaudampf"),
        ("at the of-\n\nfice", "at the office"),
        # the hyphenated form stands elsewhere
        ("a long-\nterm plan, a long-term lease", "a long-term plan, a long-term lease"),
        # the whole word stands elsewhere, in whatever case
        ("the Nord-\nSEE, and the Nordsee", "the NordSEE, and the Nordsee"),
        # neither stands elsewhere, and the next line does not begin in lower case
        ("the Rhein-\nMain area", "the Rhein-Main area"),
        ("in 1990-\n1995", "in 1990-1995"),
        ("section 4-\nb of it", "section 4-b of it"),
        # the end of a later word is left out
        ("vor-\nund nachmittags", "vor- und nachmittags"),
        # no hyphen of a word
        ("he said -\nand left", "he said -\nand left"),
        ("- one\n- two", "- one\n- two"),
        ("----\nrule", "----\nrule"),
        # more than one
        ("mainte-\nnance refri-\ngeration", "maintenance refrigeration"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_where_it_only_cuts(text: str, whole: str) -> None:
    assert joined(text) == whole


@given(st.text("ab-\n AB\u00ad1", max_size=60))
def test_nothing_but_hyphens_and_ends_of_lines_goes(text: str) -> None:
    assert _letters(joined(text)) == _letters(text)


def _letters(text: str) -> str:
    return "".join(each for each in text if each.isalnum())
