"""Parts of the commands on objects of the API: an object is shown, and several are deleted."""

import sys
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import typer
from msgspec import json, to_builtins

from perdure.cli.client import Client, RequestRefused
from perdure.cli.terminal import line, say, tell, text
from perdure.errors import ConfigurationError
from perdure.wire.base import Object, encode

_INDENT = "    "


def time_of(seconds: float) -> str:
    """Returns a time in Unix seconds as the viewer's date and time."""
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a server may send any number
        return "?"


def show_fields(found: Object, *, as_json: bool) -> None:
    """Prints the fields of an object that say something, one a line; or all of it, as JSON."""
    if as_json:
        say(text(json.format(encode(found), indent=2).decode()))
        return
    fields = to_builtins(found)
    for name, value in fields.items():
        if value in (None, "", [], {}):
            continue
        if name.endswith("_at") and isinstance(value, int):
            say(f"{line(name)}: {time_of(value)}")
        elif isinstance(value, str) and "\n" in value:
            say(f"{line(name)}:")
            for row in text(value).splitlines():
                say(_INDENT + row)
        else:
            shown = value if isinstance(value, str) else encode(value).decode()
            say(f"{line(name)}: {line(shown)}")


def confirm_deletion(noun: str, ids: Sequence[str], *, yes: bool) -> None:
    """Asks whether these objects shall be deleted, unless `yes`. Raises `ConfigurationError` where
    nobody can answer, and `typer.Abort` for a no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("Deleting asks first, and nobody is there to answer: give --yes.")
    counted = f"{noun} {line(ids[0])}" if len(ids) == 1 else f"{len(ids)} {noun}s"
    typer.confirm(f"Delete {counted} for good?", abort=True, err=True)


async def delete_all(client: Client, path: str, ids: Sequence[str]) -> bool:
    """Deletes objects below a path. Returns True if one of them could not be deleted."""
    failed = False
    async with client:
        for each in ids:
            try:
                await client.delete(f"{path}/{quote(each, safe='')}")
                say(line(each))
            except RequestRefused as error:
                failed = True
                tell(f"{each}: {error}")
    return failed
