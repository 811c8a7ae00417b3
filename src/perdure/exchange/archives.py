"""Archives that are read: a folder, a tar file, compressed or not, or a zip file (spec 10 §2 and
§4.5).

What is read is hostile. Names inside of an archive are only compared with those that are looked
for: nothing is unpacked by its name, and links and devices are passed over.
"""

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from perdure.errors import ConfigurationError
from perdure.exchange import compression
from perdure.exchange.archive_writers import FILES, MANIFEST, OBJECTS
from perdure.exchange.items import ContentItem
from perdure.exchange.tar_files import FilePart, members
from perdure.wire.base import decode
from perdure.wire.exchange import FORMAT, VERSION, Manifest

_COPY_BYTES = 1024 * 1024
_MOST_MANIFEST_BYTES = 1024 * 1024
# Left on the disk for others where an archive is decompressed.
_SPARE_BYTES = 512 * 1024 * 1024


class Archive(Protocol):
    """An archive that is read."""

    manifest: Manifest
    objects: FilePart
    """`objects.jsonl`."""

    def content(self, file_id: str) -> ContentItem | None:
        """Returns the content of a file; None where the archive has none."""
        ...


@contextmanager
def open_to_read(path: str) -> Iterator[Archive]:
    """Opens the archive at a path, or that from stdin for `-`. Raises `ConfigurationError` where it
    is none, or was cut off.
    """
    with telling(path):
        if path != "-" and Path(path).is_dir():
            with _Folder(Path(path)) as folder:
                yield folder
            return
        with seekable(path) as file, _Tar(file) as tar:
            yield tar


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Makes a `ConfigurationError` of what reading an archive raises."""
    try:
        yield
    except tarfile.TarError as error:
        raise ConfigurationError(f"{path} is no archive that can be read: {error}.") from None
    except compression.ERRORS:
        raise ConfigurationError(f"{path} was cut off, or is damaged.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None


def check(manifest: Manifest, path: str) -> None:
    """Raises `ConfigurationError` unless a manifest is that of a complete export which this version
    can read.
    """
    if manifest.format != FORMAT:
        raise ConfigurationError(f"{path} is no export of Perdure.")
    if manifest.version != VERSION:
        raise ConfigurationError(
            f"{path} has version {manifest.version} of the format, and this version of Perdure "
            f"reads {VERSION}."
        )
    if not manifest.complete:
        raise ConfigurationError(f"{path} is not complete: export it again.")


@contextmanager
def seekable(path: str) -> Iterator[BinaryIO]:
    """Yields the tar file at a path, or that from stdin for `-`. One that is compressed, or comes
    from stdin, is copied to a file without a name first, and so are the files of a zip file.
    """
    with BufferedReader(FileIO(0 if path == "-" else path, closefd=path != "-")) as source:
        raw = cast("BinaryIO", source)
        kind = compression.kind_of(source.peek(compression.HEAD_BYTES))
        if path != "-" and kind is None:
            yield raw
            return
        with tempfile.TemporaryFile() as copy:
            if kind != "zip":
                _copy(compression.reader(raw, kind) if kind else source, copy)
            elif path == "-":
                raise ConfigurationError("A zip file is read from a file, not from stdin.")
            else:
                compression.write_as_tar(raw, _Room(copy))
                copy.seek(0)
            yield cast("BinaryIO", copy)


def _copy(source: IO[bytes], copy: IO[bytes]) -> None:
    shutil.copyfileobj(source, _Room(copy), _COPY_BYTES)
    copy.seek(0)


class _Room:
    """A temporary file that is written as long as the disk has room for others."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._folder = tempfile.gettempdir()
        self._unchecked = 0

    def write(self, block: bytes, /) -> None:
        self._unchecked -= len(block)
        if self._unchecked <= 0:
            self._unchecked = _COPY_BYTES
            if shutil.disk_usage(self._folder).free < _SPARE_BYTES:
                raise ConfigurationError(
                    f"The archive does not fit into {self._folder} while it is read: set TMPDIR "
                    "to a folder with more room."
                )
        self._file.write(block)

    def flush(self) -> None:
        self._file.flush()


def names(path: str) -> list[str]:
    """Returns the names of the plain files in a tar or zip file, compressed or not; none for what
    is neither.
    """
    try:
        with Path(path).open("rb") as source:
            kind = compression.kind_of(source.read(compression.HEAD_BYTES))
            source.seek(0)
            if kind is None:
                return [*members(source)]
            if kind == "zip":
                with zipfile.ZipFile(source) as found:
                    return found.namelist()
            # Its names alone are read, and it is not copied.
            plain = compression.reader(source, kind)
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                return [info.name for info in tar if info.isreg()]
    except (tarfile.TarError, *compression.ERRORS, OSError):
        return []


def _manifest(text: bytes, where: str) -> Manifest:
    try:
        found = decode(text, Manifest)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"The {MANIFEST} of {where} is none.") from None
    check(found, where)
    return found


def _cut(where: str) -> ConfigurationError:
    return ConfigurationError(
        f"{where} has no {MANIFEST}: it is no export of Perdure, or it was cut off."
    )


class _Folder:
    """See `Archive`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with (path / MANIFEST).open("rb") as file:
                text = file.read(_MOST_MANIFEST_BYTES)
        except FileNotFoundError:
            raise _cut(str(path)) from None
        self.manifest = _manifest(text, str(path))
        self._file = (path / OBJECTS).open("rb")
        self.objects = FilePart(self._file.fileno(), 0, (path / OBJECTS).stat().st_size)

    def __enter__(self) -> "_Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def content(self, file_id: str) -> ContentItem | None:
        path = self._path / FILES / Path(file_id).name
        if path.is_symlink() or not path.is_file():
            return None
        size = path.stat().st_size
        return ContentItem(file_id, size, blocks_of_file(path, size))


async def blocks_of_file(path: Path, size: int) -> AsyncGenerator[bytes, None]:
    """Yields so many bytes of a file."""
    with path.open("rb") as file:
        async for block in _blocks(FilePart(file.fileno(), 0, size)):
            yield block


async def _blocks(part: FilePart) -> AsyncGenerator[bytes, None]:
    place = 0
    while block := part.read(place, _COPY_BYTES):
        place += len(block)
        yield block


class _Tar:
    """See `Archive`. Members are found once, and read at their places."""

    def __init__(self, file: BinaryIO) -> None:
        self._contents: dict[str, FilePart] = {}
        found: dict[str, FilePart] = {}
        for path, part in members(file).items():
            *folders, name = path.split("/")
            if folders[-1:] == [FILES]:
                self._contents[name] = part
            else:
                found.setdefault(name, part)
        if MANIFEST not in found or OBJECTS not in found:
            raise _cut("The archive")
        self.manifest = _manifest(found[MANIFEST].read(0, _MOST_MANIFEST_BYTES), "the archive")
        self.objects = found[OBJECTS]

    def __enter__(self) -> "_Tar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def content(self, file_id: str) -> ContentItem | None:
        member = self._contents.get(file_id)
        if member is None:
            return None
        return ContentItem(file_id, member.size, _blocks(member))
