"""Words that are cut at the end of a line become whole again."""

import re

_HYPHENS = "-\u00ad\u2010\u2011"
_WORD = re.compile(rf"[^\W_]+(?:[{_HYPHENS}][^\W_]+)*")
_CUT = re.compile(
    rf"(?P<before>[^\W_]+(?:[{_HYPHENS}][^\W_]+)*)(?P<hyphen>[{_HYPHENS}])[ \t]*\n{{1,2}}[ \t]*"
    rf"(?P<after>[^\W_]+(?:[{_HYPHENS}](?!\s)[^\W_]+)*)"
)
_SOFT = "\u00ad"
# Behind a hyphen that stands for the end of a later word: "vor- und nachmittags".
_CONJUNCTIONS = frozenset("and bzw en et oder og or ou und y".split())  # noqa: SIM905


def joined(text: str) -> str:
    """The text with words whole that a hyphen cuts at the end of a line.

    A hyphen goes where the word without it stands elsewhere in the text, or where the next line
    begins in lower case and the word with it stands nowhere. Otherwise it stays, as in
    "Rhein-Main", and only the end of the line goes. Soft hyphens mark no more than a place to cut,
    and go everywhere.
    """
    cuts = list(_CUT.finditer(text))
    if cuts:
        seen = _words_of(text)
        text = _CUT.sub(lambda found: _whole(found, seen), text)
    return text.replace(_SOFT, "")


def _words_of(text: str) -> set[str]:
    """The words that stand within lines, in lower case, with plain hyphens."""
    ends = {found.start() for found in _CUT.finditer(text)}
    begins = {found.start("after") for found in _CUT.finditer(text)}
    return {
        _plain(found[0])
        for found in _WORD.finditer(text)
        if found.start() not in ends and found.start() not in begins
    }


def _plain(word: str) -> str:
    for hyphen in _HYPHENS[2:]:
        word = word.replace(hyphen, "-")
    return word.replace(_SOFT, "").casefold()


def _whole(found: re.Match[str], seen: set[str]) -> str:
    before, after = found["before"], found["after"]
    if found["hyphen"] == _SOFT:
        return before + after
    if after in _CONJUNCTIONS:
        return f"{before}- {after}"
    whole, hyphenated = _plain(before + after), _plain(f"{before}-{after}")
    if whole in seen or (after[0].islower() and before[-1].isalpha() and hyphenated not in seen):
        return before + after
    return f"{before}-{after}"
