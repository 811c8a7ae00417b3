"""The end of a JSON object that comes in fragments. Each character is read once."""

import re

_BLANK = re.compile(r"\s*")
# The rest of a string, and how it ends: with its quote, in mid-escape, or not yet.
_REST = re.compile(r'(?:[^"\\]++|\\.)*+(?P<end>"|\\\Z|\Z)', re.DOTALL)
_MARK = re.compile(r'["{}\[\]]')


class ObjectEndScanner:
    """Reads a text that should be one JSON object.

    `is_complete`: the object has ended. A text that is no object has no end. `is_void`: all of it
    is nothing, `{}` or `null`, or the beginning of one of these.
    """

    __slots__ = (
        "_depth",
        "_in_escape",
        "_in_string",
        "_word",
        "is_blank",
        "is_complete",
        "is_void",
    )

    def __init__(self) -> None:
        self.is_blank = True
        self.is_void = True
        self.is_complete = False
        self._depth = 0
        self._in_string = False
        self._in_escape = False
        # the beginning of a text that is no object
        self._word: str | None = None

    def feed(self, text: str, start: int = 0) -> int:
        """Reads on; where the object ends in this text, or the text's length."""
        if start == len(text):
            return start
        if self.is_blank:
            start = _end(_BLANK, text, start)
            if start == len(text):
                return start
            self.is_blank = False
            if text[start] != "{":
                self._word = ""
        if self._word is not None:
            self._word = (self._word + text[start : start + 5].strip())[:5]
            self.is_void = "null".startswith(self._word)
            return len(text)
        if self._in_string:
            start = self._string(text, start)
        return start if self._in_string else self._structure(text, start)

    def take_as_text(self) -> None:
        """From now on it is text without an end: something stands behind the object."""
        self._word, self.is_complete, self.is_void = "text", False, False

    def _structure(self, text: str, start: int) -> int:
        """Reads on outside of strings."""
        while (mark := _MARK.search(text, start)) is not None:
            if self.is_void:
                self.is_void = self._says_nothing(text, start, mark.start())
            start = mark.end()
            char = mark[0]
            if char == '"':
                start = self._string(text, start)
            elif char in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if not self._depth:
                    self.is_complete = True
                    return start
        if self.is_void and text[start:].strip():
            self.is_void = False
        return len(text)

    def _says_nothing(self, text: str, start: int, mark: int) -> bool:
        """True if this is, so far, an object without anything in it."""
        is_brace = text[mark] == ("}" if self._depth else "{")
        return is_brace and not text[start:mark].strip()

    def _string(self, text: str, start: int) -> int:
        """Reads on in a string."""
        start += self._in_escape
        if text.find('"', start) < 0 and text.find("\\", start) < 0:
            # The common case, and much quicker than the expression.
            self._in_string, self._in_escape = True, False
            return len(text)
        rest = _REST.match(text, start)
        assert rest is not None  # noqa: S101 # it matches nothing, too
        self._in_string = rest["end"] != '"'
        self._in_escape = rest["end"] == "\\"
        return rest.end()


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    assert match is not None  # noqa: S101 # it matches nothing, too
    return match.end()
