"""`perdure stores`: uploads of folders to vector stores, and searches in them, over HTTP like any
client.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from perdure.cli.client import Client, RequestFailed, RequestRefused
from perdure.cli.files import send
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say
from perdure.errors import ConfigurationError
from perdure.lifecycle import VectorStoreFileStatus
from perdure.parsing.formats import SUPPORTED, extension
from perdure.wire.file_batches import FileBatch
from perdure.wire.search import SearchResultsPage
from perdure.wire.vector_store_files import VectorStoreFile
from perdure.wire.vector_stores import VectorStore

_BATCH = 500
_SECONDS_BETWEEN_LOOKS = 0.5
_SHOWN_CHARACTERS = 200
# So few that most of a vector store is found while its files are read again.
_KEPT = " The text that was read of it before stays."
_AGAIN_AT_ONCE = 10
_READABLE_AGAIN = (VectorStoreFileStatus.COMPLETED, VectorStoreFileStatus.FAILED)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Returns the files, and the searchable files in the folders. Raises `ConfigurationError` where
    there is none.
    """
    wanted = list(chain.from_iterable(map(_files_in, paths)))
    if not wanted:
        raise ConfigurationError("There is no file in there that can be searched.")
    return wanted


def _files_in(path: Path) -> Iterable[Path]:
    """Returns a file itself, or the searchable files of a folder that are not hidden."""
    if path.is_file():
        return [path]
    return sorted(
        found
        for found in path.rglob("*")
        if found.is_file()
        and extension(found.name) in SUPPORTED
        and not any(part.startswith(".") for part in found.relative_to(path).parts)
    )


async def add_all(
    client: Client, paths: list[Path], store_id: str | None, name: str | None
) -> bool:
    """Uploads files into a vector store, or into a new one. Returns True if a file failed."""
    # The bars are for people and go where nobody redirects them to a file.
    console = Console(stderr=True)
    async with client:
        store = await _store(client, store_id, name)
        say(line(store.id))
        with _bars(console, DownloadColumn()) as bars:
            uploaded, failures = await _upload_all(client, paths, bars)
        with _bars(console, MofNCompleteColumn()) as bars:
            reading = partial(bars.advance, bars.add_task("reading", total=len(uploaded)))
            file_ids = list(uploaded)
            for first in range(0, len(file_ids), _BATCH):
                batch = file_ids[first : first + _BATCH]
                for failed in await _read(client, store.id, batch, reading):
                    why = failed.last_error.message if failed.last_error else failed.status
                    failures.append((uploaded[failed.id], why))
    for path, why in failures:
        say(f"{line(str(path))}: {line(why)}", err=True)
    return bool(failures)


async def _store(client: Client, store_id: str | None, name: str | None) -> VectorStore:
    """Returns the vector store for the files. Raises `RequestFailed` where it cannot take them."""
    if store_id is None:
        return await client.post("/vector_stores", {"name": name}, VectorStore)
    store = await client.get(f"/vector_stores/{quote(store_id, safe='')}", VectorStore)
    if store.status == "expired":
        raise RequestFailed(f"Vector store '{store.id}' has expired.")
    return store


def _bars(console: Console, done: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        done,
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


async def _upload_all(
    client: Client, paths: list[Path], bars: Progress
) -> tuple[dict[str, Path], list[tuple[Path, str]]]:
    """Returns the files that the server took, by id, and those that it did not take or that cannot
    be read, with the reason.
    """
    sizes = [path.stat().st_size for path in paths]
    bar = bars.add_task("uploading", total=sum(sizes))
    uploaded: dict[str, Path] = {}
    failures: list[tuple[Path, str]] = []
    done = 0
    for path, size in zip(paths, sizes, strict=True):
        try:
            made = await send(client, path, "assistants", partial(bars.advance, bar))
            uploaded[made.id] = path
        except RequestRefused as error:
            failures.append((path, str(error)))
        except OSError as error:
            failures.append((path, f"It cannot be read: {error.strerror}."))
        done += size
        bars.update(bar, completed=done)
    return uploaded, failures


async def _read(
    client: Client, store_id: str, file_ids: list[str], read: Callable[[float], None]
) -> list[VectorStoreFile]:
    """Waits until the files are ingested. Returns those that failed. `read` is called with the
    number of files that ended since.
    """
    batches = f"/vector_stores/{store_id}/file_batches"
    batch = await client.post(batches, {"file_ids": file_ids}, FileBatch)
    done = 0
    while True:
        now = batch.file_counts.total - batch.file_counts.in_progress
        read(now - done)
        done = now
        if not batch.file_counts.in_progress:
            break
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        batch = await client.get(f"{batches}/{batch.id}", FileBatch)
    failed = {"filter": "failed", "order": "asc"}
    return [
        file
        async for file in objects(client, f"{batches}/{batch.id}/files", VectorStoreFile, failed)
    ]


async def read_all_again(client: Client, store_id: str) -> bool:
    """Has the server read all files of a vector store again that it has read or that failed.
    Returns True if one could not be read; it keeps the text that it had.
    """
    files = f"/vector_stores/{quote(store_id, safe='')}/files"
    failures: list[VectorStoreFile] = []
    async with client:
        file_ids = [file.id for file in await _all_files(client, files)]
        with _bars(Console(stderr=True), MofNCompleteColumn()) as bars:
            bar = bars.add_task("reading", total=len(file_ids))
            for first in range(0, len(file_ids), _AGAIN_AT_ONCE):
                batch = file_ids[first : first + _AGAIN_AT_ONCE]
                for file_id in batch:
                    body = {"file_id": file_id, "read_again": True}
                    await client.post(files, body, VectorStoreFile)
                for file_id in batch:
                    file = await _when_read(client, f"{files}/{quote(file_id, safe='')}")
                    # One that could not be read again is completed, with its text from before.
                    failures += [file] if file.last_error else []
                    bars.advance(bar)
    for file in failures:
        why = line(file.last_error.message if file.last_error else file.status)
        kept = file.status == VectorStoreFileStatus.COMPLETED
        say(f"{line(file.id)}: {why}{_KEPT if kept else ''}", err=True)
    return bool(failures)


async def _all_files(client: Client, files: str) -> list[VectorStoreFile]:
    found = objects(client, files, VectorStoreFile, {"order": "asc"})
    return [file async for file in found if file.status in _READABLE_AGAIN]


async def _when_read(client: Client, path: str) -> VectorStoreFile:
    while True:
        file = await client.get(path, VectorStoreFile)
        if file.status != VectorStoreFileStatus.IN_PROGRESS:
            return file
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)


async def list_all(client: Client) -> None:
    """Prints the vector stores, the newest first."""
    async with client:
        async for store in objects(client, "/vector_stores", VectorStore):
            counts = store.file_counts
            files = f"{counts.completed:,} of {counts.total:,} files"
            name = line(store.name or "")
            say(f"{line(store.id)}  {store.status:<11}  {files:<20}  {name}")


async def search(client: Client, store_id: str, query: str, limit: int) -> None:
    """Prints the passages that were found: score, file and the beginning of each."""
    async with client:
        body = {"query": query, "max_num_results": limit}
        found = await client.post(f"/vector_stores/{store_id}/search", body, SearchResultsPage)
    for result in found.data:
        text = line(" ".join(part.text for part in result.content))
        say(f"{result.score:.2f}  {line(result.filename)}")
        say(f"      {text[:_SHOWN_CHARACTERS]}")
