"""Output on the operator's terminal that makes the text of others harmless. All commands print
through it.

No text, be it of a model, a file, a server or a user, moves the cursor or changes how the text
around it looks.
"""

import re
import shutil
import sys
import textwrap
from typing import TextIO

import typer

from perdure.marks import CONTROLS, DIRECTIONS, HALVES

_UNSEEN = re.compile(f"[{CONTROLS}{DIRECTIONS}{HALVES}]")
# all of these but tab and the end of a line
_OBEYED = re.compile(f"(?![\t\n])[{CONTROLS}{DIRECTIONS}{HALVES}]")

# A narrow terminal breaks lines by itself.
_LEAST_COLUMNS = 20


def line(said: str) -> str:
    """Returns the text on one line, without control characters."""
    return " ".join(_UNSEEN.sub(" ", said).split())


def text(said: str) -> str:
    """Returns the text with its lines and tabs, without other control characters. A streamed text
    may be given fragment by fragment.
    """
    return _OBEYED.sub("", said)


def fold(said: str, width: int | None, *, indent: int) -> list[str]:
    """Returns a line as several. Each is at most so wide behind its indent, and broken between
    words only. A wider word stays whole, so that it can be copied. Without a width it is one line.
    """
    if width is None:
        return [said]
    columns = max(width - indent, _LEAST_COLUMNS)
    return textwrap.wrap(said, columns, break_long_words=False, break_on_hyphens=False) or [""]


def width_of(stream: TextIO) -> int | None:
    """Returns the columns of a stream that is a terminal; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def tell(said: str) -> None:
    """Prints a sentence to stderr, made harmless. On a terminal it is broken between words only."""
    for row in fold(line(said), width_of(sys.stderr), indent=0):
        say(row, err=True)


def say(said: str, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text, made harmless, to stdout or, with `err`, to stderr. `nl` ends the line."""
    typer.echo(text(said), err=err, nl=nl)
