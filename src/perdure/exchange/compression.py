"""Compression of archives, by the ending of their name."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO, BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD = b"\x28\xb5\x2f\xfd"
# Of the memory that what is read may ask for: 128 MiB, as the command line tool takes by default.
_MOST_WINDOW_LOG = 27

Error = zstd.ZstdError


def writer(name: str, out: BinaryIO) -> AbstractContextManager[IO[bytes]]:
    """Returns what compresses into a file whose name ends in `.zst`, or else the file."""
    if name.endswith(".zst"):
        return cast("AbstractContextManager[IO[bytes]]", zstd.ZstdFile(out, "w"))
    return nullcontext(out)


def reader(source: BinaryIO) -> IO[bytes]:
    """Returns what decompresses a file. Reading raises `Error` or `EOFError`."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MOST_WINDOW_LOG}
    return cast("IO[bytes]", zstd.ZstdFile(source, "r", options=options))
