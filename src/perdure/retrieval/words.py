"""Words of a text for the lexical index, in any language.

No language is guessed. Case and Latin, Greek and Cyrillic accents do not count. Scripts that are
written without spaces are cut into pairs of neighbouring characters; files also into single ones,
since a query may have only one. Words in ASCII lose the plural and possessive endings of English,
which are also those of some other languages.
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
_ASCII = re.compile(r"[a-z0-9]+")
_NO_PLURAL = ("ss", "us", "is")


@cache
def _any() -> re.Pattern[str]:
    """Returns the pattern of words in any script. Most servers never need it, and it takes as long
    to make as a tenth of their start.
    """
    # Vowel signs and the like belong to their word, which Python's \w does not know.
    marks = "".join(
        chr(code)
        for code in range(0x370, 0xFFFF)
        if unicodedata.category(chr(code)) in ("Mn", "Mc")
    )
    return re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?:(?![{_UNSPACED}])(?:[^\W_]|[{marks}]))+")


def split(text: str, *, singles: bool = False) -> list[str]:
    """Returns the words of a text, in order, each as often as it occurs. `singles`: of scripts
    without spaces, the single characters too, as files have them.
    """
    if text.isascii():
        return [_stem(word) for word in _ASCII.findall(text.lower())]
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    found: list[str] = []
    for match in _any().finditer(unicodedata.normalize("NFC", folded)):
        word = match.group()
        if match["unspaced"] is None:
            found.append(_stem(word))
        elif len(word) == 1:
            found.append(word)
        else:
            found += [word[place : place + 2] for place in range(len(word) - 1)]
            found += word if singles else ""
    return found


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(_NO_PLURAL) and word.isascii():
        if word.endswith("ies") and len(word) > 4:
            return word[:-3] + "y"
        return word[:-1]
    return word[:_LONGEST]
