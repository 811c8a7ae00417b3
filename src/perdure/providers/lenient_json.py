"""JSON as model servers write it where they do not keep to the format.

Seen: characters cut in two between two fragments of an answer, as halves of an escape (`\\ud83d`)
or as bytes; NaN; line ends inside of strings; several documents in one event.
"""

import codecs
import json
from collections.abc import Iterator

_decoder = json.JSONDecoder(strict=False)
_BLANK = "\ufeff \t\r\n"


class LenientJson:
    """Decoder of the JSON fragments of one response.

    A text of a fragment continues the text at the same place of an earlier fragment. A character
    that was cut in two comes whole, with its second half. A half that nothing follows is left out.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[str, ...], _End] = {}

    def documents(self, fragment: bytes) -> list[object]:
        """Returns the documents in a fragment, which follow one another. Raises `ValueError` or
        `RecursionError` for what is no JSON.
        """
        try:
            text, is_utf8 = fragment.decode(), True
        except UnicodeDecodeError:
            text, is_utf8 = fragment.decode(errors="surrogateescape"), False
        return [self._joined(each, (), is_utf8=is_utf8) for each in _each(text.strip(_BLANK))]

    def _joined(self, value: object, path: tuple[str, ...], *, is_utf8: bool) -> object:
        """Returns the value with whole characters."""
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
    """The end of a text, maybe in the midst of a character."""

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
    """Returns the key of a list's member: its `index` if it has one, else its place."""
    return str(value.get("index", place)) if isinstance(value, dict) else str(place)
