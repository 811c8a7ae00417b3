"""The command line: one file for each command.

A command ends with exit code 1 and one sentence where it cannot do what was asked.
"""

import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

import perdure
from perdure.errors import ConfigurationError

_INTERRUPTED = 130
_COMMANDS = ("serve", "doctor", "chat", "demo", "files", "stores")


class _Commands(TyperGroup):
    """Imports the command that is asked for and no other: the server takes long to import, and
    most commands only talk to one.
    """

    # A newer typer has a click of its own, an older one takes the real one: no type fits both.
    def list_commands(self, _: typer.Context) -> list[str]:  # type: ignore[override]
        return list(_COMMANDS)

    def get_command(  # type: ignore[override]
        self, _: typer.Context, cmd_name: str
    ) -> TyperCommand | TyperGroup | None:
        if cmd_name not in _COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"perdure.cli.{cmd_name}").app)
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 # typer's promise
        return command


app = typer.Typer(
    name="perdure",
    cls=_Commands,
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


def main() -> None:
    """Runs `perdure`."""
    try:
        app()
    except ConfigurationError as error:
        typer.echo(f"perdure: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
