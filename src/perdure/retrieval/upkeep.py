"""Upkeep of the index: removes what was dropped, renews outdated segments and merges small ones."""

from perdure.retrieval import index_writer, segments
from perdure.storage.database import Database

# Rows of one transaction, so that nobody waits long behind it.
_AT_ONCE = 5_000


async def step(database: Database, *, now: float) -> None:
    """Does all that is due, in short transactions; of outdated segments, it renews some chunks.
    Every server of a database may call it.
    """
    await _renew(database, now)
    while await database.write(index_writer.drop, limit=_AT_ONCE):
        pass
    while merge := await database.read(segments.plan):
        if not await database.write(segments.merge, merge):
            return  # another server is at it
        while await database.write(index_writer.drop, limit=_AT_ONCE):
            pass


async def _renew(database: Database, now: float) -> None:
    from perdure.retrieval import renewal  # it needs numpy

    until = await database.write(renewal.lease, now=now)
    if until is None:
        return
    try:
        if renewed := await database.read(renewal.plan):
            await database.write(renewal.apply, renewed)
    finally:
        await database.write(renewal.release, until=until)
