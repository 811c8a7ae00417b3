"""`perdure files`: uploads and lists files, over HTTP like any other client."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from perdure.cli.client import Client
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say
from perdure.wire.files import File

_READ_BYTES = 256 * 1024


async def upload_all(client: Client, paths: list[Path], purpose: str) -> None:
    """Uploads files and prints their ids."""
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
                say(f"{line(made.id)}  {line(made.filename)}")


async def supply(client: Client, file_id: str, path: Path) -> None:
    """Gives a file its content."""
    async with client:
        with path.open("rb") as file:
            where = f"/files/{quote(file_id, safe='')}/content"
            content = _content(file, lambda _: None)
            made = await client.upload(where, path.name, content, {}, File)
        say(f"{line(made.id)}  {line(made.filename)}")


async def send(client: Client, path: Path, purpose: str, sent: Callable[[float], None]) -> File:
    """Uploads a file. `sent` is called with the size of each block when the next one is wanted.

    Raises `RequestFailed`, and `OSError` where the file cannot be opened.
    """
    with path.open("rb") as file:
        fields = {"purpose": purpose}
        return await client.upload("/files", path.name, _content(file, sent), fields, File)


async def _content(file: BinaryIO, sent: Callable[[float], None]) -> AsyncGenerator[bytes, None]:
    while block := await asyncio.to_thread(file.read, _READ_BYTES):
        yield block
        sent(len(block))


async def list_all(client: Client, purpose: str | None) -> None:
    """Prints the files of the server, the newest first."""
    query = {"purpose": purpose} if purpose else None
    async with client:
        async for file in objects(client, "/files", File, query):
            say(f"{line(file.id)}  {file.bytes:>13,}  {file.purpose:<17}  {line(file.filename)}")
