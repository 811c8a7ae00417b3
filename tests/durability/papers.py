"""The files that the load of ingestion sends, and how reading each of them must end.

What a file holds follows from its name, so that every file in the database can be judged.
"""

from collections.abc import Callable
from typing import NamedTuple

from tests.parsing import samples


class Paper(NamedTuple):
    """A file. `words` is what must be found in it, in order; None: it fails with `error`."""

    name: str
    content: bytes
    words: list[str] | None = None
    error: str | None = None


def _words(number: int, paragraphs: int) -> str:
    return "\n\n".join(f"file{number} part{part} " + "filler " * 300 for part in range(paragraphs))


def _text(paragraphs: int) -> Callable[[int, str], Paper]:
    def make(number: int, name: str) -> Paper:
        text = _words(number, paragraphs)
        return Paper(name, text.encode(), text.split())

    return make


def _document(make: Callable[[str], bytes]) -> Callable[[int, str], Paper]:
    return lambda number, name: Paper(name, make(f"file{number} says so."), [f"file{number}"])


def _failing(content: bytes, error: str) -> Callable[[int, str], Paper]:
    return lambda _, name: Paper(name, content, error=error)


# By the ending of the name; `large` takes several transactions.
_KINDS: dict[str, Callable[[int, str], Paper]] = {
    "txt": _text(6),
    "py": _text(1),
    "large.md": _text(400),
    "html": _document(samples.html),
    "docx": _document(samples.docx),
    "pdf": _document(samples.pdf),
    "empty.txt": _failing(b"", "invalid_file"),
    "liar.pdf": _failing(b"no PDF at all", "invalid_file"),
    "xls": _failing(b"a table", "unsupported_file"),
}
KINDS = tuple(_KINDS)


def paper(name: str) -> Paper:
    """The file of a name: its number, a dot, its kind."""
    number, _, kind = name.partition(".")
    return _KINDS[kind](int(number), name)
