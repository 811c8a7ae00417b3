"""Sample of a text that matches a regular expression, for simple ones as tool schemas have them.

It knows literals, classes, groups, alternatives and repetition; not look-around or back references.
"""

import re
import warnings

_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t"}
_NOTHING = frozenset("bBAZz")
_REPEATED = re.compile(r"\{(\d{1,4})(,\d*)?\}\??|[*+?]\??")
_MAX_LENGTH = 10_000
# The characters that a negated class is tried with.
_LETTERS = "a0 -_.A"


class _TooHard(Exception):
    """The expression is beyond what is known here."""


def matching(pattern: str, *, repeats: int) -> str | None:
    """Returns a text that the pattern matches; None for a pattern that is too hard.

    Each repetition is written `repeats` times, as far as the pattern demands or permits that.
    """
    try:
        # Not proved by matching it: a hostile pattern can make that last for ever.
        return _Pattern(pattern, repeats).text()
    except (_TooHard, re.error, RecursionError):
        return None


class _Pattern:
    """Reads an expression from left to right and writes a text that matches it."""

    def __init__(self, pattern: str, repeats: int) -> None:
        self._pattern = pattern
        self._repeats = repeats
        self._place = 0

    def text(self) -> str:
        text = self._alternatives()
        if self._place < len(self._pattern):
            raise _TooHard
        return text

    def _alternatives(self) -> str:
        """Returns the first of the alternatives; the others are only read."""
        text = self._sequence()
        while self._at("|"):
            self._sequence()
        return text

    def _sequence(self) -> str:
        text = ""
        while self._place < len(self._pattern) and self._pattern[self._place] not in "|)":
            atom, count = self._atom(), self._count()
            if len(text) + len(atom) * count > _MAX_LENGTH:
                raise _TooHard
            text += atom * count
        return text

    def _atom(self) -> str:
        letter = self._next()
        match letter:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "^" | "$":
                return ""
            case ".":
                return "a"
            case "*" | "+" | "?" | "{":
                raise _TooHard
            case _:
                return letter

    def _group(self) -> str:
        if self._at("?") and not self._at(":"):
            raise _TooHard
        text = self._alternatives()
        if not self._at(")"):
            raise _TooHard
        return text

    def _class(self) -> str:
        end = self._pattern.find("]", self._place + 1)
        while end > 0 and self._pattern[end - 1] == "\\":
            end = self._pattern.find("]", end + 1)
        if end < 0:
            raise _TooHard
        inner = self._pattern[self._place : end]
        self._place = end + 1
        if not inner.startswith(("^", "\\")):
            return inner[0]
        with warnings.catch_warnings():
            # Python warns of what it may read otherwise one day; JSON schemas mean it as it is.
            warnings.simplefilter("ignore", FutureWarning)
            of_class = re.compile(f"[{inner}]")
        letters = _CLASSES.get(inner[1], inner[1]) + _LETTERS
        for letter in letters:
            if of_class.fullmatch(letter):
                return letter
        raise _TooHard

    def _escape(self) -> str:
        letter = self._next()
        if letter in _NOTHING:
            return ""
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum():
            raise _TooHard
        return letter

    def _count(self) -> int:
        """Returns how often the last atom is written, by the quantifier that follows it."""
        found = _REPEATED.match(self._pattern, self._place)
        if found is None:
            return 1
        self._place = found.end()
        if found[1] is not None:
            return self._within(int(found[1]), found[2])
        most = 1 if found[0].startswith("?") else None
        least = 1 if found[0].startswith("+") else 0
        return max(least, self._repeats if most is None else min(most, self._repeats))

    def _within(self, least: int, upper: str | None) -> int:
        if upper is None:
            return least
        most = int(upper[1:]) if upper[1:] else self._repeats
        return max(least, min(most, self._repeats))

    def _next(self) -> str:
        if self._place >= len(self._pattern):
            raise _TooHard
        self._place += 1
        return self._pattern[self._place - 1]

    def _at(self, letter: str) -> bool:
        """Reads the letter if it comes next. Returns true if it did."""
        there = self._pattern.startswith(letter, self._place)
        self._place += there
        return there
