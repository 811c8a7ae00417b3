"""The few pieces of Markdown that the printed documents are made of."""

import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 99


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, of cells that hold no bar."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "|".join(["", *(f" {cell}".rstrip() + " " for cell in line), ""]) for line in lines
    )


def code(*words: str | None) -> str:
    """The words as code, with commas between; what is None or empty is left out."""
    return ", ".join(f"`{word}`" for word in words if word)


def prose(text: str) -> str:
    """A paragraph, wrapped; however its lines stand in the code."""
    return _wrapped(text)


def item(text: str) -> str:
    """An item of a list, wrapped in the same way."""
    return _wrapped(text, first="- ", later="  ")


def page(*parts: str) -> str:
    """A document of these parts, with an empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _wrapped(text: str, *, first: str = "", later: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
