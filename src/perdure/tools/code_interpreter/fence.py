"""The fence that models write around their code, as in Markdown (```` ```python ````): it is taken
off where all of the text is in it.
"""

import re

_OPENING = re.compile(r"(`{3,})[^`]*|(~{3,})[^~]*")
# the shortest ones
_MARKS = ("```", "~~~")
_LEAST = 3
# white space in front of it
_LONGEST_BLANK = 1000


class FenceRemover:
    """Filter of code that comes in fragments. It gives the same code, whatever the fragments are.

    A text that begins with a fence is held until its end: only that tells if all of it is fenced.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        # None while that cannot be told
        self._begins_fenced: bool | None = None

    def feed(self, fragment: str) -> str:
        """Returns the code that is certain now."""
        if self._begins_fenced is None:
            fragment = "".join([*self._held, fragment])
            self._held.clear()
            self._begins_fenced = _begins_with_fence(fragment)
        if self._begins_fenced is False:
            return fragment
        self._held.append(fragment)
        return ""

    def finish(self) -> str:
        """Returns the rest of the code, when there are no more fragments."""
        held = "".join(self._held)
        self._held.clear()
        return without_fence(held)


def _begins_with_fence(text: str) -> bool | None:
    """Returns true if a text begins with a fence; None if that cannot be told yet."""
    begun = text.lstrip()
    if len(text) - len(begun) > _LONGEST_BLANK:
        return False
    if len(begun) >= _LEAST:
        return begun.startswith(_MARKS)
    return None if any(mark.startswith(begun) for mark in _MARKS) else False


def without_fence(text: str) -> str:
    """Returns the content of the fence that a text is in; the text itself if it is in none, or if
    something is before or behind it.
    """
    first, _, rest = text.strip().partition("\n")
    opening = _OPENING.fullmatch(first)
    if opening is None:
        return text
    fence = opening[1] or opening[2]
    # the closing one may stand behind the last line of the code
    code = rest.rstrip(fence[0])
    if len(rest) - len(code) < len(fence):
        return text
    code = code.rstrip(" \t").removesuffix("\n").removesuffix("\r")
    return code if _is_whole(code, fence) else text


def _is_whole(code: str, fence: str) -> bool:
    """Returns true if no line of the code ends its fence. Fences inside, as a text in Markdown has
    them, begin with the name of a language.
    """
    is_inside = False
    for line in re.finditer(rf"^ {{0,3}}{fence}{fence[0]}*[ \t]*(\S?)", code, re.MULTILINE):
        if not line[1] and not is_inside:
            return False
        is_inside = bool(line[1])
    return not is_inside
