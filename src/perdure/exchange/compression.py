"""Compression of archives: by the ending of their name where they are written, by their first bytes
where they are read.
"""

import gzip
import stat
import sys
import zipfile
import zlib
from contextlib import AbstractContextManager, nullcontext
from typing import IO, BinaryIO, Literal, cast

from perdure.errors import ConfigurationError
from perdure.exchange.tar_files import MOST_MEMBERS, Output, TarWriter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Kind = Literal["zstd", "gzip", "zip"]

HEAD_BYTES = 4
_HEADS: dict[bytes, Kind] = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
_BLOCK_BYTES = 1024 * 1024
# Of the memory that what is read may ask for: 128 MiB, as the command line tool takes by default.
_MOST_WINDOW_LOG = 27

# What reading raises where an archive was cut off, or is damaged.
ERRORS = (zstd.ZstdError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, EOFError)


def writer(name: str, out: BinaryIO) -> AbstractContextManager[IO[bytes]]:
    """Returns what compresses into a file whose name ends in `.zst`, or else the file."""
    if name.endswith(".zst"):
        return cast("AbstractContextManager[IO[bytes]]", zstd.ZstdFile(out, "w"))
    return nullcontext(out)


def kind_of(head: bytes) -> Kind | None:
    """Returns how a file is compressed, by its first `HEAD_BYTES`."""
    return next((kind for start, kind in _HEADS.items() if head.startswith(start)), None)


def reader(source: BinaryIO, kind: Literal["zstd", "gzip"]) -> IO[bytes]:
    """Returns what decompresses a file. Reading raises `ERRORS`."""
    if kind == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MOST_WINDOW_LOG}
    return cast("IO[bytes]", zstd.ZstdFile(source, "r", options=options))


def write_as_tar(source: BinaryIO, out: Output) -> None:
    """Writes the plain files of a zip file as a tar file, below a folder `zip`; links and folders
    are passed over. Raises `ERRORS`, and `ConfigurationError` for what is encrypted, compressed
    in a way that is not known, or too much.
    """
    tar = TarWriter(out, "zip")
    with zipfile.ZipFile(source) as archive:
        found = archive.infolist()
        if len(found) > MOST_MEMBERS:
            raise ConfigurationError("The archive has too many files.")
        for info in found:
            mode = info.external_attr >> 16
            if info.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
                continue
            try:
                with archive.open(info) as member:
                    tar.begin(info.filename, info.file_size)
                    left = info.file_size
                    while block := member.read(_BLOCK_BYTES):
                        left -= len(block)
                        tar.write(block)
            except (NotImplementedError, RuntimeError) as error:
                raise ConfigurationError(f"The archive cannot be read: {error}.") from None
            if left:
                raise zipfile.BadZipFile("a member is shorter than it says")
    tar.finish()
