"""Finds the passage that a sentence evidently comes from, for models that cite nothing."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from perdure.retrieval import words

K = TypeVar("K")

# When a sentence evidently comes from a passage: it has so many different words, this part of
# them is in the passage, and so many stand there one behind the other. Scripts that are written
# without spaces are compared by pairs of characters, of which a word makes about two.
_WORDS = 4
_SHARE = 0.7
_RUN = 3
_PAIRS_OF_A_WORD = 2


class Evidence(Generic[K]):
    """The passages of a run, and which of them the sentences of an answer come from."""

    def __init__(self, passages: Mapping[K, str]) -> None:
        self._passages = {key: _Passage(text) for key, text in passages.items()}
        self._last: K | None = None

    def of_next(self, sentence: str) -> K | None:
        """The passage to cite behind the next sentence; None too where it is that of the sentence
        before: sentences that follow each other share one citation.
        """
        said = _words(sentence)
        key = self._source(said)
        if key is None:
            # A number or an abbreviation, such as that of a list, is no sentence of its own.
            if not all(word.isdigit() for word in said):
                self._last = None
            return None
        if key == self._last:
            return None
        self._last = key
        return key

    def _source(self, said: Sequence[str]) -> K | None:
        different = set(said)
        pairs = sum(map(_is_pair, said))
        unit = _PAIRS_OF_A_WORD if pairs * 2 > len(said) else 1
        if len(different) < _WORDS * unit:
            return None
        shares = {
            key: len(different & passage.words) / len(different)
            for key, passage in self._passages.items()
        }
        best = max(shares, key=shares.__getitem__, default=None)
        if best is None or shares[best] < _SHARE:
            return None
        return best if self._passages[best].has_run(said, _RUN * unit) else None


class _Passage:
    """A passage, and its words once they are asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_words(self._text))

    def has_run(self, said: Sequence[str], length: int) -> bool:
        """True if so many of the words stand in the passage as they were said."""
        runs = (said[at : at + length] for at in range(len(said) - length + 1))
        return any(f" {' '.join(run)} " in self._joined for run in runs)

    @cached_property
    def _joined(self) -> str:
        return f" {' '.join(_words(self._text))} "


def _words(text: str) -> list[str]:
    """The words that say something: short ones are in every text, but for scripts without case,
    which write more with less.
    """
    return [word for word in words.split(text) if len(word) > 2 or not word.islower()]


def _is_pair(word: str) -> bool:
    """True if it comes from a script without spaces."""
    return len(word) <= 2 and not word.isdigit() and not word.islower()
