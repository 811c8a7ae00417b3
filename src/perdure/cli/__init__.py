"""The command line: `commands.py` has the commands and their flags, and each command has a file of
its own.

A command that cannot do what was asked ends with exit code 1 and one sentence.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import perdure
from perdure.cli import commands, terminal
from perdure.errors import ConfigurationError

_INTERRUPTED = 130
# A wrong command line. A newer typer has a click of its own, an older one takes the real one.
_Complaint: type[Exception] = next(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)


class _Root(TyperGroup):
    """The root command. Complaints about the command line quote it, so their text is made
    harmless.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _harmless():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _harmless():
            return super().invoke(ctx)


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except _Complaint as complaint:
        vars(complaint)["message"] = terminal.text(str(vars(complaint)["message"]))
        raise


app = typer.Typer(
    name="perdure",
    cls=_Root,
    help=perdure.__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        terminal.say(f"perdure {perdure.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # _print_version acts on it
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keep programs that speak the Assistants API v2 running, on any model."""


app.add_typer(commands.app)


def main() -> None:
    """Runs `perdure`."""
    try:
        app()
    except ConfigurationError as error:
        terminal.tell(f"perdure: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
