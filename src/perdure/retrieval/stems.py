"""Stems: what the index holds of a word, by the rules of this version.

A stem is made of the word without an English plural ending, folded, by the Snowball stemmer of its
language. So words that were one by earlier rules are one by these.

Beside the stem stands the form of the word: one of four classes, by its ending. The common forms of
a regular English word have a class each; others may share one.
"""

# other scripts are meant

import re
import threading
import unicodedata
from functools import cache, lru_cache

import Stemmer

from perdure.retrieval import words

# The rules of this version, by their number. Whoever changes what a word becomes raises it; so
# does a new version of the stemmer, by itself.
RULES = 2
_MILLION, _THOUSAND = 1_000_000, 1_000
_MAJOR, _MINOR, _PATCH = (int(part) for part in (Stemmer.version().split(".") + ["0"] * 3)[:3])
STEMMER = _MAJOR * _MILLION + _MINOR * _THOUSAND + _PATCH

# Scripts whose vowels are points that most people do not write, and which are left out.
_POINTS = ((0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED))
_TATWEEL = 0x0640
# Letters of Arabic and Persian that are written one for another.
_ALIKE = {
    "\u0627": "\u0622\u0623\u0625\u0671\u0672\u0673",
    "\u0648": "\u0624",
    "\u064a": "\u0626\u0649\u06cc\u06d2",
    "\u0643": "\u06a9\u06aa",
    "\u0647": "\u0629\u06c0\u06c1\u06c2\u06d5",
}
# Accents do not count, so that this letter has become another; endings need it.
_SHORT_I = re.compile("(?<=[аеиоуыэюя])и(?=$|те$|ся$)")

# The classes of forms, by the last letter; a word that is its own stem has the first.
_ENDINGS = {"s": 1, "d": 2, "g": 3}
_LETTERS = 4

_local = threading.local()


@lru_cache(maxsize=65_536)
def stem(word: str, language: str) -> tuple[str, int]:
    """Returns the stem of a word of `words.tokens`, and the class of its form, 0 to 3."""
    found = _stemmed(fold(words.without_plural(word)), language)
    if word == found:
        return found, 0
    return found, _ENDINGS.get(word[-1], ord(word[-1]) % _LETTERS)


def fold(word: str) -> str:
    """Returns a word without vowel points, and with one letter and one digit for those that are
    written one for another.
    """
    if word.isascii():
        return word
    # One that has nothing else stays.
    return word.translate(_folded()) or word


def _stemmed(word: str, language: str) -> str:
    if language == "russian":
        word = _SHORT_I.sub("й", word)
    # A stemmer is for one thread.
    stemmers = _local.__dict__
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language)
    found: str = stemmers[language].stemWord(word)
    return found or word


@cache
def _folded() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: None
        for first, last in _POINTS
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) == "Mn"
    }
    table[_TATWEEL] = None
    for letter, others in _ALIKE.items():
        table |= dict.fromkeys(map(ord, others), letter)
    for code in range(0x80, 0x10000):
        if unicodedata.category(chr(code)) == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
    return table
