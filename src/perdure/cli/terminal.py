"""Words of others on their way to the operator's terminal: all that a command says goes this way.

Whoever wrote a text, be it a model, a file, a server or a user, it neither moves the cursor nor
changes how the text around it looks.
"""

import re

import typer

from perdure.marks import CONTROLS, DIRECTIONS, HALVES

_UNSEEN = re.compile(f"[{CONTROLS}{DIRECTIONS}{HALVES}]")
# all of these but tab and the end of a line
_OBEYED = re.compile(f"(?![\t\n])[{CONTROLS}{DIRECTIONS}{HALVES}]")


def line(said: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return " ".join(_UNSEEN.sub(" ", said).split())


def text(said: str) -> str:
    """The text with its lines and tabs, without what a terminal would obey. A text that comes in
    pieces may be given piece by piece.
    """
    return _OBEYED.sub("", said)


def say(said: str, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text, made harmless: to stdout, or to stderr. `nl`: and ends the line."""
    typer.echo(text(said), err=err, nl=nl)
