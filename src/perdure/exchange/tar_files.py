"""Tar files, written as a stream and read by the places of their members; lines of members."""

import os
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from perdure.errors import ConfigurationError
from perdure.wire.exchange import MOST_LINE_BYTES

_BLOCK, _RECORD = 512, 10_240
_MODE = 0o600
# Files in one archive.
MOST_MEMBERS = 20_000_000
_BLOCK_BYTES = 1024 * 1024


class Output(Protocol):
    """A file that is written from its start to its end."""

    def write(self, block: bytes, /) -> object:
        """Writes bytes."""
        ...

    def flush(self) -> object:
        """Passes on what was written."""
        ...


class TarWriter:
    """A tar file that is written member by member, all below one folder."""

    def __init__(self, out: Output, root: str) -> None:
        self._out = out
        self._root = root
        self._written = 0

    def begin(self, name: str, size: int) -> None:
        """Begins a member of so many bytes; they are written next."""
        self._pad(_BLOCK)
        info = tarfile.TarInfo(f"{self._root}/{name}")
        info.size, info.mode = size, _MODE
        self.write(info.tobuf(tarfile.PAX_FORMAT))

    def write(self, block: bytes) -> None:
        """Writes bytes of the member."""
        self._out.write(block)
        self._written += len(block)

    def finish(self) -> None:
        """Ends the tar file."""
        self._pad(_BLOCK)
        self.write(bytes(2 * _BLOCK))
        self._pad(_RECORD)
        self._out.flush()

    def _pad(self, size: int) -> None:
        self.write(bytes(-self._written % size))


class FilePart(NamedTuple):
    """Bytes of an open file: its descriptor, where they start, and how many they are."""

    fd: int
    start: int
    size: int

    def read(self, place: int, size: int) -> bytes:
        """Returns so many bytes from a place on, counted from the start; fewer at the end."""
        return os.pread(self.fd, max(min(size, self.size - place), 0), self.start + place)


def members(file: BinaryIO) -> dict[str, FilePart]:
    """Returns the plain files in a tar file by their names; links, devices and holes are passed
    over. Of two with one name, the first counts.

    Raises `tarfile.TarError`, and `ConfigurationError` where there are too many.
    """
    found: dict[str, FilePart] = {}
    fd = file.fileno()
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for number, info in enumerate(tar):
            if number > MOST_MEMBERS:
                raise ConfigurationError("The archive has too many files.")
            tar.members.clear()  # type: ignore[attr-defined] # else it keeps all of them
            if info.isreg() and not info.issparse():
                part = FilePart(fd, info.offset_data, info.size)
                found.setdefault(info.name, part)
    return found


def lines_of(part: FilePart) -> Iterator[tuple[int, int, bytes | None]]:
    """Yields number, start and text of each line of a file, with its end; no text where it is
    longer than a line may be.
    """
    number, start, place = 1, 0, 0
    waiting = bytearray()
    is_too_long = False
    while block := part.read(place, _BLOCK_BYTES):
        at = 0
        while (end := block.find(b"\n", at)) >= 0:
            text = None if is_too_long else bytes(waiting + block[at : end + 1])
            yield number, start, text
            at = end + 1
            number, start, is_too_long = number + 1, place + at, False
            waiting.clear()
        waiting += block[at:]
        place += len(block)
        if len(waiting) > MOST_LINE_BYTES:
            is_too_long = True
            waiting.clear()
    if waiting or is_too_long:
        yield number, start, None if is_too_long else bytes(waiting)
