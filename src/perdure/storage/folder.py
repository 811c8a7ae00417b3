"""Blob store in a folder: one file for each blob, made durable before its row counts."""

import asyncio
import os
import re
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from perdure import blocking_calls
from perdure.errors import ConfigurationError, Unavailable
from perdure.storage.blobs import Stored, to_blocks
from perdure.storage.reserve import is_full

P = ParamSpec("P")
T = TypeVar("T")

# The bytes that a thread is given at once: less costs more switches, more costs memory.
_WRITE_BYTES = 1024 * 1024
_READ_BYTES = 256 * 1024
# longer than the name of any folder beside it
ID_FILE = "folder-id"
# A slow disk keeps these waiting and nobody else.
_THREADS = 8


class FolderBlobs:
    """Blobs in a folder, which has an id in the file `id`.

    `is_own` is true if this is the first database whose server opens the folder, and no other is
    known to share it (`is_shared`): then nobody else can have anything there.
    """

    block_bytes = _WRITE_BYTES

    def __init__(self, folder: Path, *, is_shared: bool = False) -> None:
        self.path = folder
        self.location = "folder:"
        self.is_own = False
        self._is_shared = is_shared
        self._folder = folder
        self._threads: ThreadPoolExecutor | None = None

    async def open(self, *, to_look: bool = False) -> None:
        try:
            if not to_look:
                self._make()
            self.identify()
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self._folder} cannot be made: {error.strerror}."
            ) from None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="perdure-blobs")

    async def require_there(self) -> None:
        """Raises `Unavailable` where the folder is gone, or is another one by now."""
        if f"folder:{await self._run(_id_in, self._folder)}" != self.location:
            raise Unavailable("The folder for contents is not there.")

    def identify(self) -> None:
        """Reads the folder's id, if it has one."""
        if found := _id_in(self._folder):
            self.location = f"folder:{found}"

    def _make(self) -> None:
        """Makes the folder and its id, unless they are there."""
        # each by itself: a mode is only for the last one
        if not self._folder.parent.exists():
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(self._folder.parent)
        if not _id_in(self._folder):
            _give_id(self._folder)
            self.is_own = not self._is_shared

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        path, size = self._path(blob_id), 0
        async with self._opened(_create, path) as file:
            try:
                async for block in to_blocks(blocks, _WRITE_BYTES):
                    with _as_unavailable():
                        await self._run(_write, file, block)
                    size += len(block)
                with _as_unavailable():
                    await self._run(_sync, file, path.parent)
            except Unavailable:
                # It is of no use any more, and deleting it may need some space.
                await self._run(os.ftruncate, file, 0)
                raise
        return size

    async def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async with self._opened(os.open, self._path(blob_id), os.O_RDONLY) as file:
            while start < stop:
                with _as_unavailable():
                    block = await self._run(os.pread, file, min(_READ_BYTES, stop - start), start)
                if not block:
                    raise Unavailable("A part of the content is missing.")
                start += len(block)
                yield block

    async def size(self, blob_id: str) -> int | None:
        with _as_unavailable():
            return await self._run(_size, self._path(blob_id))

    async def delete(self, blob_id: str) -> None:
        with _as_unavailable():
            await self._run(_delete, self._path(blob_id))

    async def all(self) -> AsyncGenerator[Stored, None]:
        with _as_unavailable():
            folders = await self._run(_entries, self._folder)
        for folder in folders:
            with _as_unavailable():
                found = await self._run(_sizes, folder)
            for stored in found:
                yield stored

    async def close(self) -> None:
        # what is still open is closed by the event loop's own threads
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)

    def _path(self, blob_id: str) -> Path:
        """Returns the path of a blob. Blobs are spread over 256 folders, so that none grows too
        large.
        """
        return path_of(self._folder, blob_id)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await blocking_calls.run(lambda: work(*args, **kwargs), self._threads)

    @asynccontextmanager
    async def _opened(
        self, work: Callable[P, int], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[int, None]:
        """Yields the descriptor that the work opens, and closes it at the end."""

        def opened() -> int:
            with _as_unavailable():
                return work(*args, **kwargs)

        async with blocking_calls.acquire(opened, os.close, self._threads) as file:
            yield file


def path_of(folder: Path, blob_id: str) -> Path:
    """Returns the path of a blob in a folder of blobs."""
    return folder / blob_id[-2:] / blob_id


def paths(folder: Path) -> list[Path]:
    """Returns the paths of all blobs in a folder of blobs."""
    return [path for below in _entries(folder) if below.is_dir() for path in _entries(below)]


def id_text(folder: Path) -> bytes:
    """Returns the file with the id of a folder of blobs; empty if it has none."""
    try:
        return (folder / ID_FILE).read_bytes()
    except FileNotFoundError:
        return b""


def sync(folder: Path) -> None:
    """Makes the names of all blobs in a folder of blobs durable."""
    for below in (*_entries(folder), folder):
        if below.is_dir():
            _sync_folder(below)


@contextmanager
def _as_unavailable() -> Generator[None]:
    """Turns errors of the disk into `Unavailable`, also one of a full disk."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise Unavailable(
                "The disk of the data folder is full: the content cannot be stored. Delete what is "
                "not needed any more, or make room on the disk.",
                code="disk_full",
            ) from error
        raise Unavailable(f"The content cannot be stored or read now: {error.strerror}.") from error


def _id_in(folder: Path) -> str:
    """Returns the folder's id; empty, if it has none."""
    try:
        return (folder / ID_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _give_id(folder: Path) -> None:
    """Gives the folder an id, whole or not at all. It begins with the name of the host, for
    people.
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname())[:64] or "host"
    new = folder / f"{ID_FILE}.{secrets.token_hex(4)}"
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, f"{host}-{secrets.token_hex(4)}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    new.rename(folder / ID_FILE)
    _sync_folder(folder)


def _create(path: Path) -> int:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _write(file: int, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(file, left) :]


def _sync(file: int, folder: Path) -> None:
    """Makes the bytes durable, and then the names that lead to them."""
    os.fsync(file)
    _sync_folder(folder)
    _sync_folder(folder.parent)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _delete(path: Path) -> None:
    """Deletes a file durably: one that a power cut brings back would belong to no row."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync_folder(path.parent)


def _entries(folder: Path) -> list[Path]:
    """Lists a folder; empty, if it is not there (yet)."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _sizes(folder: Path) -> list[Stored]:
    found = []
    for path in _entries(folder):
        with suppress(FileNotFoundError):  # deleted meanwhile
            found.append(Stored(path.name, path.stat().st_size))
    return found


def _sync_folder(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
