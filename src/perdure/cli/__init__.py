"""The command line: `commands.py` has what is typed, and each command a file of its own.

A command ends with exit code 1 and one sentence where it cannot do what was asked.
"""

import sys
from typing import Annotated

import typer

import perdure
from perdure.cli import commands
from perdure.errors import ConfigurationError

_INTERRUPTED = 130

app = typer.Typer(
    name="perdure",
    help=perdure.__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perdure {perdure.__version__}")
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
        typer.echo(f"perdure: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
