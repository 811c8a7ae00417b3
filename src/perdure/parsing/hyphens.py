"""Words that are cut at the end of a line become whole again."""

import re

_SOFT = "\u00ad"
_HYPHENS = f"-{_SOFT}\u2010\u2011"
_WORD = re.compile(rf"[^\W_]+(?:[{_HYPHENS}][^\W_]+)*")
# A hyphen and the end of its line. The words around are looked for from here: a pattern that began
# with a word would be tried at each letter of it.
_CUT = re.compile(rf"(?<=[^\W_])[{_HYPHENS}][ \t]*\n{{1,2}}[ \t]*(?=[^\W_])")
_WORD_BEFORE = re.compile(rf"(?:[^\W_]+[{_HYPHENS}])*[^\W_]+\Z")
# Longer words are taken for this much of them.
_LONGEST_WORD = 100
# Behind a hyphen that stands for the end of a later word: "vor- und nachmittags".
_CONJUNCTIONS = frozenset("and bzw en et oder og or ou und y".split())  # noqa: SIM905


def joined(text: str) -> str:
    """The text with words whole that a hyphen cuts at the end of a line.

    A hyphen goes where the word without it stands elsewhere in the text, or where the next line
    begins in lower case and the word with it stands nowhere. Otherwise it stays, as in
    "Rhein-Main", and only the end of the line goes. Soft hyphens mark no more than a place to cut,
    and go everywhere.
    """
    if cuts := list(_CUT.finditer(text)):
        seen = _words_of(text, cuts)
        pieces, at = [], 0
        for cut in cuts:
            pieces += [text[at : cut.start()], _joint(text, cut, seen)]
            at = cut.end()
        text = "".join([*pieces, text[at:]])
    return text.replace(_SOFT, "")


def _words_of(text: str, cuts: list[re.Match[str]]) -> set[str]:
    """The words that stand within lines, in lower case, with plain hyphens."""
    ends = {cut.start() for cut in cuts}
    begins = {cut.end() for cut in cuts}
    return {
        _plain(found[0])
        for found in _WORD.finditer(text)
        if found.end() not in ends and found.start() not in begins
    }


def _plain(word: str) -> str:
    for hyphen in _HYPHENS[2:]:
        word = word.replace(hyphen, "-")
    return word.replace(_SOFT, "").casefold()


def _joint(text: str, cut: re.Match[str], seen: set[str]) -> str:
    """What stands in place of a cut."""
    if text[cut.start()] == _SOFT:
        return ""
    line = text[max(cut.start() - _LONGEST_WORD, 0) : cut.start()]
    before, after = (
        _WORD_BEFORE.search(line),
        _WORD.match(text, cut.end(), cut.end() + _LONGEST_WORD),
    )
    if before is None or after is None:
        return "-"
    if after[0] in _CONJUNCTIONS:
        return "- "
    whole, hyphenated = _plain(before[0] + after[0]), _plain(f"{before[0]}-{after[0]}")
    lower = after[0][0].islower() and before[0][-1].isalpha()
    return "" if whole in seen or (lower and hyphenated not in seen) else "-"
