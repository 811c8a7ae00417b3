"""Tells the database which blob stores this server has, and where the contents of earlier versions
are: each server looks in its own stores, and who has the bytes says so.
"""

import platform

import structlog

from perdure.clock import Clock
from perdure.commands import blob_locations, blobs
from perdure.commands.blob_locations import BlobLocation
from perdure.errors import Unavailable
from perdure.storage.blob_stores import BlobStores, describe
from perdure.storage.database import Database

_log = structlog.get_logger(__name__)

_AT_ONCE = 200
# Contents that are not here are looked for again after this.
_SEARCH_SECONDS = 600.0


class BlobLocator:
    """The part of a server that knows where contents are."""

    def __init__(self, database: Database, stores: BlobStores, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        self._search_at = 0.0

    async def start(self) -> None:
        """Notes the blob stores of this server. Where there are contents already, such as those of
        an earlier version, it is logged once where new ones go.
        """
        if self._stores.location not in await self._note():
            return
        used = await self._database.read(blob_locations.list_used)
        if used:
            _log.info("contents_location", where=describe(self._stores.location))

    async def step(self) -> None:
        """Notes them again, and looks for contents whose location is not known."""
        await self._note()
        now = self._clock.now()
        if now >= self._search_at:
            self._search_at = now + _SEARCH_SECONDS
            await self._search()

    async def _note(self) -> list[str]:
        """Notes the blob stores. Returns the locations that were not known before."""
        folder, new = self._stores.folder, []
        for location in self._stores.locations:
            found = BlobLocation(location, platform.node())
            if folder is not None and location == folder.location:
                found = found._replace(path=str(folder.path.absolute()), is_own=folder.is_own)
            now = int(self._clock.now())
            if await self._database.write(blob_locations.see, found, now=now):
                new.append(location)
        return new

    async def _search(self) -> None:
        after = ""
        while some := await self._database.read(blobs.list_unlocated, limit=_AT_ONCE, after=after):
            after = some[-1]
            found = {}
            for blob_id in some:
                try:
                    location = await self._stores.find(blob_id)
                except Unavailable as error:
                    _log.warning("contents_not_located", reason=error.message)
                    return
                if location is not None:
                    found[blob_id] = location
            if found:
                await self._database.write(blobs.locate, found)
