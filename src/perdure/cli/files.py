"""`perdure files`: uploads and lists files, over HTTP like any other client."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from perdure.cli import options
from perdure.cli.client import Client, Failed, connect
from perdure.cli.terminal import line
from perdure.errors import ConfigurationError
from perdure.wire.base import Object
from perdure.wire.files import File

_READ_BYTES = 256 * 1024
_PAGE = 1000

app = typer.Typer(
    name="files",
    add_completion=False,
    help="Upload and list the files of a server.",
    no_args_is_help=True,
)


class _Files(Object):
    data: list[File]
    has_more: bool


@app.command("upload")
def upload(
    paths: Annotated[
        list[Path],
        typer.Argument(help="The files to upload.", exists=True, dir_okay=False, readable=True),
    ],
    *,
    purpose: Annotated[
        str, typer.Option(help="What they are for: assistants, vision, batch, …")
    ] = "assistants",
    url: options.Url = None,
    api_key: options.ApiKey = None,
    config: options.Config = None,
) -> None:
    """Upload files. Their ids are printed, one a line."""
    client = connect(config, url, api_key)
    try:
        asyncio.run(_upload_all(client, paths, purpose))
    except Failed as error:
        raise ConfigurationError(str(error)) from None


@app.command("list")
def list_all(
    *,
    purpose: Annotated[str | None, typer.Option(help="Only files of this purpose.")] = None,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    config: options.Config = None,
) -> None:
    """List the files of the server, the newest first: id, bytes, purpose, name."""
    client = connect(config, url, api_key)
    try:
        asyncio.run(_list_all(client, purpose))
    except Failed as error:
        raise ConfigurationError(str(error)) from None


async def _upload_all(client: Client, paths: list[Path], purpose: str) -> None:
    # The bars are for people and go where nobody redirects them to a file.
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    async with client:
        with bars:
            for path in paths:
                bar = bars.add_task(line(path.name), total=path.stat().st_size)
                made = await send(client, path, purpose, partial(bars.advance, bar))
                typer.echo(f"{made.id}  {line(made.filename)}")


async def send(client: Client, path: Path, purpose: str, sent: Callable[[float], None]) -> File:
    """Uploads a file; `sent` hears of each piece when the next one is wanted.

    Raises `Failed`, and `OSError` where the file cannot be opened.
    """
    with path.open("rb") as file:
        fields = {"purpose": purpose}
        return await client.upload("/files", path.name, _content(file, sent), fields, File)


async def _content(file: BinaryIO, sent: Callable[[float], None]) -> AsyncGenerator[bytes, None]:
    while piece := await asyncio.to_thread(file.read, _READ_BYTES):
        yield piece
        sent(len(piece))


async def _list_all(client: Client, purpose: str | None) -> None:
    query = {"limit": str(_PAGE), **({"purpose": purpose} if purpose else {})}
    async with client:
        while True:
            page = await client.get(f"/files?{urlencode(query)}", _Files)
            for file in page.data:
                typer.echo(
                    f"{file.id}  {file.bytes:>13,}  {file.purpose:<17}  {line(file.filename)}"
                )
            if not (page.has_more and page.data):
                return
            query["after"] = page.data[-1].id
