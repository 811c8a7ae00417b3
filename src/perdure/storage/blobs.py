"""The seam to blob stores, which hold contents: the protocol of a blob store.

A blob is written once. Its row in the database says whether it counts (`commands/blobs.py`), so a
blob store needs no transactions of its own. `tests/storage/test_blobs.py` runs against every
implementation.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import NamedTuple, Protocol

# The location of what is in the database itself.
DATABASE = "database"


class Stored(NamedTuple):
    """The number of bytes that are stored of a blob, written in full or not."""

    id: str
    bytes: int


class S3Settings(NamedTuple):
    """The address of a bucket, and the keys to it.

    `url`: `s3://bucket` or `s3://bucket/prefix`. Without keys, those of the machine are used: the
    variables and roles that AWS defines.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


class Blobs(Protocol):
    """A blob store: it stores bytes by names of ours.

    No call holds more than a few megabytes in memory or blocks the event loop. All raise
    `Unavailable` where the blob store does not work now.
    """

    block_bytes: int
    """The bytes of a blob that are in memory while it is written."""

    location: str
    """The name of this blob store in the rows of its blobs, the same for ever; known once it is
    open.
    """

    async def open(self, *, to_look: bool = False) -> None:
        """Checks that the blob store can be used; `to_look`: without making anything. Raises
        `ConfigurationError` in one sentence.
        """
        ...

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        """Writes a new blob and returns its size. When this returns, the bytes outlive a power cut.

        After an error, also one that `blocks` raises, what was written stays until it is deleted.
        """
        ...

    def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yields the bytes from `start` up to `stop`, both within the blob.

        Raises `Unavailable` where they are not there (any more).
        """
        ...

    async def size(self, blob_id: str) -> int | None:
        """Returns the number of bytes that are stored of a blob, written in full or not; None if
        there is nothing of it. An empty blob may be nothing.
        """
        ...

    async def delete(self, blob_id: str) -> None:
        """Deletes all bytes of a blob, written in full or not. It is no error if there are none."""
        ...

    def all(self) -> AsyncGenerator[Stored, None]:
        """Yields every blob that has bytes, once. Blobs written or deleted meanwhile may be
        missing.
        """
        ...

    async def close(self) -> None:
        """Closes threads and connections."""
        ...


async def to_blocks(blocks: AsyncIterable[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """Yields the same bytes in blocks of exactly this size, but for the last one; none is empty."""
    waiting = bytearray()
    async for block in blocks:
        waiting += block
        while len(waiting) >= size:
            yield bytes(memoryview(waiting)[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)
