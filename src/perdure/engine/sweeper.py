"""Ends files, uploads and vector stores that are past their time, and deletes the contents that
nobody has: the only one that deletes bytes.
"""

from collections.abc import Mapping

import structlog

from perdure.clock import Clock
from perdure.commands import backups, blobs, files, uploads, vector_stores
from perdure.errors import Unavailable
from perdure.retrieval import upkeep
from perdure.storage.blob_stores import UNKNOWN, BlobStores
from perdure.storage.database import Database, Transaction

_log = structlog.get_logger(__name__)

_AT_ONCE = 200
# If so many cannot be deleted, the blob store is away, and each more would have to wait for it.
_FAULTS = 3


class Sweeper:
    """The upkeep of contents; every server of a database may do it."""

    def __init__(self, database: Database, stores: BlobStores, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        # for each location the doomed blob that was tried last
        self._after: dict[str, str] = {}

    async def step(self) -> None:
        """Ends what is due, and deletes some of what is doomed and within reach: only the server
        that has a folder deletes there.
        """
        now = self._clock.now()
        after = {
            location: self._after.get(location, "")
            for location in (*self._stores.locations, UNKNOWN)
        }
        doomed = await self._database.write(_end_due, now, after=after)
        for location, some in doomed.items():
            if gone := await self._delete(some, location):
                await self._database.write(blobs.forget, gone)

    async def _delete(self, doomed: list[str], location: str) -> list[str]:
        """Deletes blobs; those that are gone. The next step goes on behind the last one, so that
        one that cannot be deleted keeps none from its turn.
        """
        gone, faults = [], 0
        for blob_id in doomed:
            self._after[location] = blob_id
            try:
                if await self._is_deleted(blob_id, location):
                    gone.append(blob_id)
            except Unavailable as error:
                _log.warning("content_not_deleted", blob_id=blob_id, reason=error.message)
                faults += 1
                if faults == _FAULTS:
                    return gone
        if len(doomed) < _AT_ONCE:
            self._after[location] = ""
        return gone

    async def _is_deleted(self, blob_id: str, location: str) -> bool:
        """Deletes the bytes of a blob. Returns False if another server may have them."""
        found = location
        if location == UNKNOWN:
            found = await self._stores.find(blob_id) or UNKNOWN
        store = self._stores.at(found)
        if store is None:
            # without other servers, it has none
            return self._database.exclusive
        await store.delete(blob_id)
        return True

    async def tidy_index(self) -> None:
        """Drops what was indexed of expired stores, and does the upkeep of the index."""
        now = self._clock.now()
        await self._database.write(vector_stores.drop_expired, now=int(now), limit=_AT_ONCE)
        await upkeep.step(self._database, now=now)

    async def recover(self) -> None:
        """At the start of a server: nobody else can be writing where it is alone."""
        await self._database.write(
            blobs.doom_lapsed, now=self._clock.now(), everybody=self._database.exclusive
        )


def _end_due(tx: Transaction, now: float, *, after: Mapping[str, str]) -> dict[str, list[str]]:
    """Ends what is due. Returns some doomed blobs of each location, behind the one in `after`; none
    while a back-up may be copying them.
    """
    files.expire_due(tx, now=int(now), limit=_AT_ONCE)
    uploads.expire_due(tx, now=int(now), limit=_AT_ONCE)
    blobs.doom_lapsed(tx, now=now, everybody=False)
    if backups.is_any_living(tx, now=now):
        return {}
    return {
        location: blobs.list_doomed(tx, location, limit=_AT_ONCE, after=last)
        for location, last in after.items()
    }
