"""Ends files, uploads and vector stores that are past their time, and deletes the contents that
nobody has: the only one that deletes bytes.
"""

from perdure.clock import Clock
from perdure.commands import blobs, files, uploads, vector_stores
from perdure.retrieval import upkeep
from perdure.store.blobs import Blobs
from perdure.store.database import Database, Transaction

_AT_ONCE = 200


class Sweeper:
    """The upkeep of contents; every server of a database may do it."""

    def __init__(self, database: Database, store: Blobs, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def step(self) -> None:
        """Ends what is due, and deletes some of what is doomed."""
        doomed = await self._database.write(_end_due, self._clock.now())
        for blob_id in doomed:
            await self._store.delete(blob_id)
        if doomed:
            await self._database.write(blobs.forget, doomed)

    async def tidy_index(self) -> None:
        """Drops what was indexed of expired stores, removes what was dropped, merges segments."""
        now = int(self._clock.now())
        await self._database.write(vector_stores.drop_expired, now=now, limit=_AT_ONCE)
        await upkeep.step(self._database)

    async def recover(self) -> None:
        """At the start of a server: nobody else can be writing where it is alone."""
        await self._database.write(
            blobs.doom_lapsed, now=self._clock.now(), everybody=self._database.exclusive
        )


def _end_due(tx: Transaction, now: float) -> list[str]:
    files.expire_due(tx, now=int(now), limit=_AT_ONCE)
    uploads.expire_due(tx, now=int(now), limit=_AT_ONCE)
    blobs.doom_lapsed(tx, now=now, everybody=False)
    return blobs.doomed(tx, limit=_AT_ONCE)
