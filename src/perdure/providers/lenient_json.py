"""JSON as model servers write it where they do not keep to the format.

Seen: characters cut in two between two pieces of an answer, as halves of an escape (`\\ud83d`) or
as bytes; NaN; line ends inside of strings; several documents in one event.
"""

import codecs
import json
from collections.abc import Iterator

_decoder = json.JSONDecoder(strict=False)
_BLANK = "\ufeff \t\r\n"


class LenientJson:
    """Reads the pieces of one answer.

    Each text of a piece goes on where the text at the same place of an earlier piece ended, and a
    character that was cut in two comes whole, with its second half. A half that nothing follows is
    no text, and is left out.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[str, ...], _End] = {}

    def documents(self, piece: bytes) -> list[object]:
        """The documents in a piece, which stand one after the other. Raises `ValueError` or
        `RecursionError` for what is no JSON.
        """
        try:
            text, is_utf8 = piece.decode(), True
        except UnicodeDecodeError:
            text, is_utf8 = piece.decode(errors="surrogateescape"), False
        return [self._joined(each, (), is_utf8=is_utf8) for each in _each(text.strip(_BLANK))]

    def _joined(self, value: object, path: tuple[str, ...], *, is_utf8: bool) -> object:
        """The value with whole characters."""
        match value:
            case str():
                end = self._ends.get(path) or self._ends.setdefault(path, _End())
                return end.joined(value, is_utf8=is_utf8)
            case dict():
                return {
                    name: self._joined(each, (*path, name), is_utf8=is_utf8)
                    for name, each in value.items()
                }
            case list():
                return [
                    self._joined(each, (*path, _place(each, place)), is_utf8=is_utf8)
                    for place, each in enumerate(value)
                ]
        return value


class _End:
    """Where a text ended: maybe in the midst of a character."""

    def __init__(self) -> None:
        self._escapes = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def joined(self, text: str, *, is_utf8: bool) -> str:
        if is_utf8:
            return self._escapes.decode(text.encode("utf-16-le", "surrogatepass"))
        return self._bytes.decode(text.encode(errors="surrogateescape"))


def _each(text: str) -> Iterator[object]:
    at = 0
    while at < len(text):
        document, at = _decoder.raw_decode(text, at)
        yield document
        while at < len(text) and text[at] in _BLANK:
            at += 1


def _place(value: object, place: int) -> str:
    """Which of a list's members this is: parts of an answer say so."""
    return str(value.get("index", place)) if isinstance(value, dict) else str(place)
