"""Archives that are written: a folder, a tar file, or a tar file that is compressed (spec 10 §2).

The manifest comes last, so that an archive that was cut off is known by its lack.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from perdure.errors import ConfigurationError
from perdure.exchange import compression
from perdure.exchange.items import ContentItem, Items, LineItem
from perdure.exchange.tar_files import TarWriter
from perdure.wire.base import encode
from perdure.wire.exchange import Manifest

ROOT, OBJECTS, MANIFEST, FILES = "perdure-export", "objects.jsonl", "manifest.json", "files"
# What is exported is for its owner alone, as the database is.
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_COPY_BYTES = 1024 * 1024


class ArchiveWriter(Protocol):
    """An archive that is being written."""

    async def content(self, item: ContentItem) -> None:
        """Writes the content of a file."""
        ...

    def line(self, text: bytes) -> None:
        """Writes a line of objects."""
        ...

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest. Without it, the archive is not complete."""
        ...


async def write(items: Items, archive: ArchiveWriter) -> Manifest:
    """Writes all items. Returns the manifest."""
    async with aclosing(items) as each:
        async for item in each:
            if isinstance(item, LineItem):
                archive.line(item.text)
            elif isinstance(item, ContentItem):
                await archive.content(item)
            else:
                archive.finish(item)
                return item
    raise ConfigurationError("The export ended without its manifest.")


@contextmanager
def open_to_write(path: str) -> Iterator[ArchiveWriter]:
    """Makes an archive at a path: a tar file where it ends in `.tar` or `.tar.zst`, a tar file to
    stdout for `-`, else a folder. Raises `ConfigurationError`, also where there is something.
    """
    try:
        if path == "-" or path.endswith((".tar", ".tar.zst")):
            with tar_output(path) as out, _Tar(out) as tar:
                yield tar
        else:
            with _Folder(Path(path)) as folder:
                try:
                    yield folder
                except BaseException:
                    shutil.rmtree(path)  # it would be in the way of the next try
                    raise
    except FileExistsError:
        raise ConfigurationError(f"There is something at {path} already.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def tar_output(path: str) -> Iterator[IO[bytes]]:
    """Opens a file that is new and for its owner alone, or stdout for `-`, to write a tar file to;
    it is compressed where the path ends in `.zst`. Raises `OSError`.
    """
    if path == "-":
        yield sys.stdout.buffer
        return
    with _new_file(Path(path)) as file:
        try:
            with compression.writer(path, file) as out:
                yield out
                out.flush()
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(path).unlink()  # it has no end, and would be in the way of the next try
            raise


def _new_file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb")


class _Folder:
    """See `ArchiveWriter`."""

    def __init__(self, path: Path) -> None:
        path.mkdir(_FOLDER_MODE, parents=True)
        (path / FILES).mkdir(_FOLDER_MODE)
        self._path = path
        self._objects = _new_file(path / OBJECTS)

    def __enter__(self) -> "_Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self._objects.close()

    async def content(self, item: ContentItem) -> None:
        with _new_file(self._path / FILES / Path(item.file_id).name) as file:
            async for block in item.blocks:
                file.write(block)

    def line(self, text: bytes) -> None:
        self._objects.write(text)

    def finish(self, manifest: Manifest) -> None:
        self._objects.flush()
        os.fsync(self._objects.fileno())
        with _new_file(self._path / MANIFEST) as file:
            file.write(encode(manifest) + b"\n")


class _Tar:
    """See `ArchiveWriter`. Lines wait in a file until all contents are written: a tar file says the
    size of each member before it.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = TarWriter(out, ROOT)
        self._objects = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 # `__exit__`

    def __enter__(self) -> "_Tar":
        return self

    def __exit__(self, *_: object) -> None:
        self._objects.close()

    async def content(self, item: ContentItem) -> None:
        self._tar.begin(f"{FILES}/{item.file_id}", item.size)
        async for block in item.blocks:
            self._tar.write(block)

    def line(self, text: bytes) -> None:
        self._objects.write(text)

    def finish(self, manifest: Manifest) -> None:
        self._tar.begin(OBJECTS, self._objects.tell())
        self._objects.seek(0)
        while block := self._objects.read(_COPY_BYTES):
            self._tar.write(block)
        text = encode(manifest) + b"\n"
        self._tar.begin(MANIFEST, len(text))
        self._tar.write(text)
        self._tar.finish()
