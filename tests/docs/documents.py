"""The project's documents, and what is in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = tuple(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a document."""

    document: str
    language: str
    text: str


def read(document: str) -> str:
    """A document's text."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(language: str) -> list[Block]:
    """All fenced blocks in this language."""
    return [
        Block(document, found, text)
        for document in DOCUMENTS
        for found, text in _BLOCK.findall(read(document))
        if found == language
    ]


def prose(document: str) -> str:
    """A document without its fenced blocks."""
    return _BLOCK.sub("", read(document))


def rows(document: str, heading: str) -> list[list[str]]:
    """The cells of the table whose header row begins with this cell."""
    lines = read(document).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found
