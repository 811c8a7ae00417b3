"""Moves contents to the blob store for new ones, beside servers at work.

A content is copied to a new blob and read again; then one transaction gives its owner the new blob
in place of the old one. A mover that dies at any point leaves an unfinished blob, which is swept
like any other, and is simply started again. The old bytes stay for as long as a silent writer is
waited for, so that a download under way goes on.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import NamedTuple

from perdure import ids
from perdure.clock import Clock
from perdure.commands import blob_locations, blobs
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.errors import Unavailable
from perdure.storage.blob_stores import UNKNOWN, BlobStores
from perdure.storage.blobs import Blobs
from perdure.storage.database import Database

_AT_ONCE = 200
# If so many in a row cannot be moved, something is away.
_FAULTS = 3


class ContentsMove(NamedTuple):
    """The outcome of a move: contents and bytes that were moved, contents that nobody knew and
    that were removed, and the reasons for which others stayed, with their ids.
    """

    contents: int = 0
    bytes: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()


class ContentsMover:
    """Moves what this process can reach. `on_moved` is called with the bytes of each content."""

    def __init__(
        self,
        database: Database,
        stores: BlobStores,
        clock: Clock,
        *,
        on_moved: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        self._on_moved = on_moved

    async def run(self) -> ContentsMove:
        """Moves all contents within reach, then removes what nobody knows any more."""
        moved, after, faults = ContentsMove(), "", 0
        while some := await self._database.read(
            blobs.list_elsewhere, self._stores.location, limit=_AT_ONCE, after=after
        ):
            after = some[-1].id
            for blob in some:
                try:
                    if await self._move(blob):
                        moved = moved._replace(
                            contents=moved.contents + 1, bytes=moved.bytes + blob.bytes
                        )
                        self._on_moved(blob.bytes)
                    faults = 0
                except Unavailable as error:
                    problem = f"{blob.id}: {error.message}"
                    moved = moved._replace(problems=(*moved.problems, problem))
                    faults += 1
                    if faults == _FAULTS:
                        return moved
        return moved._replace(removed=await self._remove_unknown())

    async def _move(self, blob: WrittenBlob) -> bool:
        """Moves a content. Returns False where it cannot be reached from here, or was deleted
        meanwhile.
        """
        location = blob.location
        if location == UNKNOWN:
            location = await self._stores.find(blob.id) or UNKNOWN
        source = self._stores.at(location)
        if source is None or source is self._stores.default:
            return False
        new_id = ids.new_hex(ids.BLOB)
        await self._database.write(
            blobs.begin, new_id, self._stores.location, now=self._clock.now()
        )
        try:
            await self._copy(source, blob, new_id)
            new = WrittenBlob(new_id, blob.bytes, self._stores.location)
            return await self._database.write(blobs.replace, blob.id, new, now=self._clock.now())
        finally:
            await self._database.write(blobs.abandon, new_id)

    async def _copy(self, source: Blobs, blob: WrittenBlob, new_id: str) -> None:
        """Copies the bytes. Raises `Unavailable` unless the copy, read again, is the same."""
        read, written = hashlib.sha256(), hashlib.sha256()

        async def blocks() -> AsyncGenerator[bytes, None]:
            renewed = self._clock.now()
            async with aclosing(source.read(blob.id, 0, blob.bytes)) as found:
                async for block in found:
                    await asyncio.to_thread(read.update, block)
                    if self._clock.now() - renewed > LEASE_SECONDS / 10:
                        renewed = self._clock.now()
                        await self._database.write(blobs.renew, new_id, now=renewed)
                    yield block

        if (await source.size(blob.id) or 0) != blob.bytes:
            raise Unavailable("Its size is not what the database says.")
        await self._stores.write(new_id, blocks())
        async with aclosing(self._stores.default.read(new_id, 0, blob.bytes)) as again:
            async for block in again:
                await asyncio.to_thread(written.update, block)
        if read.digest() != written.digest():
            raise Unavailable("It was not stored as it was read.")

    async def _remove_unknown(self) -> int:
        """Deletes what is in a folder and has no row; only where no other database may know it. A
        row comes before its bytes, so it is no matter what is written meanwhile.
        """
        removed = 0
        for store in self._stores.all:
            if not await self._database.read(blob_locations.is_own, store.location):
                continue
            listed = [stored.id async for stored in store.all()]
            for start in range(0, len(listed), _AT_ONCE):
                some = listed[start : start + _AT_ONCE]
                known = await self._database.read(blobs.list_known, some)
                for blob_id in set(some) - known:
                    await store.delete(blob_id)
                    removed += 1
        return removed
