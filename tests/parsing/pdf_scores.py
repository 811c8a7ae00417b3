"""How much of a text was read, how often, and in which order."""

import unicodedata
from collections import Counter
from difflib import SequenceMatcher

import msgspec

from tests.parsing.pdf_corpus import Sample


class Score(msgspec.Struct, frozen=True):
    """Shares between 0 and 1, of the words of a sample, or the characters of one without spaces."""

    recall: float
    """Of the words that are in the sample, those that were read."""
    order: float
    """Of those that were read, those that are in the longest run of rows in the right order."""
    extra: float
    """What was read too often, or is not in the sample, to what is in it."""


def score(sample: Sample, text: str) -> Score:
    """How well the text of a sample was read."""
    expected, found = (_tokens(sample, each) for each in (sample.text, text))
    there, read = Counter(expected), Counter(found)
    common = (there & read).total()
    matcher = SequenceMatcher(None, expected, found, autojunk=False)
    in_order = sum(block.size for block in matcher.get_matching_blocks())
    return Score(
        recall=common / len(expected),
        order=min(in_order / max(common, 1), 1.0),
        extra=(read - there).total() / len(expected),
    )


def _tokens(sample: Sample, text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text)
    return list("".join(text.split())) if sample.by_character else text.split()
