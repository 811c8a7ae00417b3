"""Words of others on their way to the operator's terminal: all that a command says goes this way.

Whoever wrote a text, be it a model, a file, a server or a user, it neither moves the cursor nor
changes how the text around it looks.
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
_LEAST_ROOM = 20


def line(said: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return " ".join(_UNSEEN.sub(" ", said).split())


def text(said: str) -> str:
    """The text with its lines and tabs, without what a terminal would obey. A text that comes in
    pieces may be given piece by piece.
    """
    return _OBEYED.sub("", said)


def folded(said: str, width: int | None, *, indent: int) -> list[str]:
    """A line as several, each at most so wide behind its indent, and broken between words only: a
    word that is wider stays whole, so that it can be copied. No width: one line.
    """
    if width is None:
        return [said]
    room = max(width - indent, _LEAST_ROOM)
    return textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False) or [""]


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal that a stream is; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def tell(said: str) -> None:
    """Prints a sentence to stderr, made harmless, and on a terminal broken between words only."""
    for row in folded(line(said), width_of(sys.stderr), indent=0):
        say(row, err=True)


def say(said: str, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text, made harmless: to stdout, or to stderr. `nl`: and ends the line."""
    typer.echo(text(said), err=err, nl=nl)
