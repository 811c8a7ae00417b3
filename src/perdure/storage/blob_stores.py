"""The blob stores that one server reaches: one for new blobs, and those that older ones are in.

The row of a blob says which of them has its bytes. Rows of earlier versions do not: those blobs are
looked for.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from contextlib import aclosing

from perdure.errors import ConfigurationError, Unavailable
from perdure.metrics import CONTENTS, Metrics
from perdure.storage.blobs import DATABASE, Blobs
from perdure.storage.folder import FolderBlobs

# The location of a blob that is known to nobody yet.
UNKNOWN = ""


class BlobStores:
    """The blob stores of a server; `default` takes the new blobs."""

    def __init__(
        self, default: Blobs, others: Sequence[Blobs] = (), *, metrics: Metrics | None = None
    ) -> None:
        self._metrics = metrics or Metrics()
        self.default = default
        self.all = (default, *others)

    @property
    def block_bytes(self) -> int:
        """Returns the bytes of a blob that are in memory while it is written."""
        return self.default.block_bytes

    @property
    def location(self) -> str:
        """Returns the location of new blobs, for their rows; known once it is open."""
        return self.default.location

    @property
    def locations(self) -> list[str]:
        """Returns the locations that can be reached."""
        return [store.location for store in self.all]

    @property
    def folder(self) -> FolderBlobs | None:
        """Returns the store that is a folder, if there is one."""
        return next((each for each in self.all if isinstance(each, FolderBlobs)), None)

    async def open(self, *, to_look: bool = False) -> None:
        """Checks that all can be used; `to_look`: without making anything. Raises
        `ConfigurationError` in one sentence.
        """
        done = 0
        try:
            for store in self.all:
                await store.open(to_look=to_look)
                done += 1
        except ConfigurationError:
            for store in self.all[:done]:
                await store.close()
            raise

    def identify(self) -> None:
        """Reads the locations of stores that are not opened, for a look from outside."""
        if self.folder is not None:
            self.folder.identify()

    async def close(self) -> None:
        """Closes threads and connections."""
        for store in self.all:
            await store.close()

    async def require_reachable(self) -> None:
        """Raises `Unavailable` where the store of new blobs cannot be used now."""
        if self.default.location == DATABASE:
            return  # whoever asks looks at the database too
        if isinstance(self.default, FolderBlobs):
            await self.default.require_there()
        await self.default.size("blob_none")

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        """Writes a new blob to the default store; see `Blobs.write`."""
        written = await self.default.write(blob_id, blocks)
        self._metrics.count(CONTENTS, kind_of(self.default.location), "written", by=written)
        return written

    async def read(
        self, blob_id: str, location: str, start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        """Yields the bytes from `start` up to `stop`, both within the blob. Raises `Unavailable`
        where the blob's location cannot be reached, and names it.
        """
        store = await self._holder(blob_id, location)
        async with aclosing(store.read(blob_id, start, stop)) as blocks:
            async for block in blocks:
                self._metrics.count(CONTENTS, kind_of(store.location), "read", by=len(block))
                yield block

    async def require(self, blobs: Iterable[tuple[str, int, str]]) -> None:
        """Raises `Unavailable` unless all bytes of these blobs, given by id, size and location,
        are within reach. Reads none of them.
        """
        for blob_id, size, location in blobs:
            if size:
                store = await self._holder(blob_id, location)
                if await store.size(blob_id) != size:
                    raise Unavailable("A part of the content is missing.")

    async def find(self, blob_id: str) -> str | None:
        """Returns the location of a blob whose row has none; None if its bytes cannot be found.

        The database is not looked at: what is there has always had a location.
        """
        for store in self.all:
            if store.location != DATABASE and await store.size(blob_id) is not None:
                return store.location
        return None

    def at(self, location: str) -> Blobs | None:
        """Returns the store of a location; None if it cannot be reached."""
        return next((each for each in self.all if each.location == location), None)

    async def _holder(self, blob_id: str, location: str) -> Blobs:
        found = await self.find(blob_id) if location == UNKNOWN else location
        if found is None:
            raise Unavailable(
                "The content is in no place that this server can reach; another server may have it."
            )
        store = self.at(found)
        if store is None:
            raise Unavailable(
                f"The content is in {describe(location)}, which this server cannot reach."
            )
        return store


def kind_of(location: str) -> str:
    """Returns the word of a location's kind: `database`, `folder` or `s3`."""
    kind = location.partition(":")[0]
    return kind if kind in (DATABASE, "folder") else "s3"


def describe(location: str) -> str:
    """Returns a location in words."""
    if location == DATABASE:
        return "the database"
    kind, _, name = location.partition(":")
    return f"the data folder {name}" if kind == "folder" else f"the bucket {location}"


async def read(
    stores: BlobStores, blobs: Iterable[tuple[str, int, str]], start: int, stop: int
) -> AsyncGenerator[bytes, None]:
    """Yields the bytes from `start` up to `stop` of content that is several blobs, given with
    sizes and locations.
    """
    begin = 0
    for blob_id, size, location in blobs:
        low, high = max(start - begin, 0), min(stop - begin, size)
        if low < high:
            async with aclosing(stores.read(blob_id, location, low, high)) as blocks:
                async for block in blocks:
                    yield block
        begin += size
