"""Words of a text, in any language.

Case and Latin, Greek and Cyrillic accents do not count, nor does the width of letters. Scripts that
are written without spaces are cut into pairs of neighbouring characters; files also into single
ones, since a query may have only one. `stems.py` makes of a word what the index holds.
"""

import re
import unicodedata
from functools import cache, lru_cache

# A longer run of letters is no word: a hash, or base64.
_LONGEST = 64

# Hiragana to Hangul and Han, and the scripts of South East Asia that know no spaces.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ACCENTS = re.compile("[\u0300-\u036f]+")
# Nobody sees them within a word: soft hyphens, joiners and the signs of a direction.
_INVISIBLE = "\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_ASCII = re.compile(r"[a-z0-9]+")
_HAS_INVISIBLE = re.compile(f"[{_INVISIBLE}]")
_NO_PLURAL = ("ss", "us", "is")


@cache
def _marks() -> str:
    """Returns vowel signs and the like: they belong to their word, and Python does not know it."""
    return "".join(
        chr(code)
        for code in range(0x370, 0xFFFF)
        if unicodedata.category(chr(code)) in ("Mn", "Mc")
    )


@cache
def _any() -> re.Pattern[str]:
    """Returns the pattern of words in any script. Most servers never need it, and it takes as long
    to make as a tenth of their start.
    """
    word = rf"(?:(?![{_UNSPACED}])(?:[^\W_]|[{_marks()}]))+"
    return re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|{word}")


@cache
def _with_invisible() -> re.Pattern[str]:
    return re.compile(rf"(?:[^\W_]|[{_marks()}{_INVISIBLE}])+")


def split(text: str) -> list[str]:
    """Returns the words of a text, in order, each as often as it occurs, without the plural and
    possessive endings of English.
    """
    return [without_plural(word) for word in tokens(text)]


def tokens(text: str, *, singles: bool = False) -> list[str]:
    """Returns the words of a text as they stand there, in order, each as often as it occurs.
    `singles`: of scripts without spaces, the single characters too, as files have them.

    What invisible characters part is there in its parts, and at the end as a whole.
    """
    if text.isascii():
        return _ASCII.findall(text.lower())
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    folded = unicodedata.normalize("NFC", folded)
    found = _tokens(folded, singles=singles)
    if _HAS_INVISIBLE.search(folded):
        for match in _with_invisible().finditer(folded):
            whole, times = _HAS_INVISIBLE.subn("", match.group())
            if times and (inner := match.group().strip(_STRIPPED)) and whole != inner:
                found += _tokens(unicodedata.normalize("NFC", whole), singles=singles)
    return found


def _tokens(folded: str, *, singles: bool) -> list[str]:
    found: list[str] = []
    for match in _any().finditer(folded):
        word = match.group()
        if match["unspaced"] is None or len(word) == 1:
            found.append(word)
        else:
            found += [word[place : place + 2] for place in range(len(word) - 1)]
            found += word if singles else ""
    return found


_STRIPPED = "".join(filter(_HAS_INVISIBLE.match, map(chr, range(0x10000))))


@lru_cache(maxsize=65_536)
def without_plural(word: str) -> str:
    """Returns a word without an English plural ending, in ASCII; and no more than its beginning
    where it is very long.
    """
    if len(word) > 3 and word.endswith("s") and not word.endswith(_NO_PLURAL) and word.isascii():
        if word.endswith("ies") and len(word) > 4:
            return word[:-3] + "y"
        return word[:-1]
    return word[:_LONGEST]
