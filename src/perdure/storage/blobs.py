"""The seam to where contents are: what a blob store must do.

A blob is written once. Its row in the database says whether it counts (`commands/blobs.py`), so
a store needs no transactions of its own. `tests/storage/test_blobs.py` runs against every
implementation.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import NamedTuple, Protocol


class Stored(NamedTuple):
    """The bytes that there are of a blob, written in full or not."""

    id: str
    bytes: int


class S3Settings(NamedTuple):
    """Where the bucket is, and who we are there.

    `url`: `s3://bucket` or `s3://bucket/prefix`. Without keys, those of the machine are used:
    the variables and roles that AWS defines.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


class Blobs(Protocol):
    """Keeps bytes under names of ours.

    No call holds more than a few megabytes in memory or keeps the event loop from others. All
    raise `Unavailable` where the store cannot do its part now.
    """

    piece_bytes: int
    """How many bytes of a blob are in memory while it is written."""

    async def open(self) -> None:
        """Sees that the store can be used. Raises `ConfigurationError` in one sentence."""
        ...

    async def write(self, blob_id: str, chunks: AsyncIterable[bytes]) -> int:
        """Writes a new blob; when this returns its size, the bytes outlive a power cut.

        After an error, be it one of the chunks', what was written stays until it is deleted.
        """
        ...

    def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`, both within the blob.

        Raises `Unavailable` where they are not there (any more).
        """
        ...

    async def delete(self, blob_id: str) -> None:
        """Deletes all there is of a blob, written in full or not; nothing at all will do too."""
        ...

    def all(self) -> AsyncGenerator[Stored, None]:
        """Every blob that has bytes, once. What is written or deleted meanwhile may be missing."""
        ...

    async def close(self) -> None:
        """Lets go of threads and connections."""
        ...


async def read(
    store: Blobs, blobs: Iterable[tuple[str, int]], start: int, stop: int
) -> AsyncGenerator[bytes, None]:
    """The bytes from `start` up to `stop` of content that is several blobs, given with sizes."""
    begin = 0
    for blob_id, size in blobs:
        low, high = max(start - begin, 0), min(stop - begin, size)
        if low < high:
            async with aclosing(store.read(blob_id, low, high)) as chunks:
                async for chunk in chunks:
                    yield chunk
        begin += size


async def joined(chunks: AsyncIterable[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces of exactly this size, but for the last one; none is empty."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(memoryview(waiting)[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)
