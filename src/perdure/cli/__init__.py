"""The command line: one file for each command.

A command ends with exit code 1 and one sentence where it cannot do what was asked.
"""

import sys
from typing import Annotated

import typer

import perdure
from perdure.cli import chat, demo, doctor, files, serve, stores
from perdure.errors import ConfigurationError

_INTERRUPTED = 130

app = typer.Typer(
    name="perdure",
    help=perdure.__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.command)
app.command("doctor")(doctor.command)
app.command("chat")(chat.command)
app.command("demo")(demo.command)
app.add_typer(files.app, name="files")
app.add_typer(stores.app, name="stores")


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


def main() -> None:
    """Runs `perdure`."""
    try:
        app()
    except ConfigurationError as error:
        typer.echo(f"perdure: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
