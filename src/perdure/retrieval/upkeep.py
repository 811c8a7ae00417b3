"""Upkeep of the index: removes what was dropped, and merges small segments."""

from perdure.retrieval import index_writer, segments
from perdure.storage.database import Database

# Rows of one transaction, so that nobody waits long behind it.
_AT_ONCE = 5_000


async def step(database: Database) -> None:
    """Does all that is due, in short transactions. Every server of a database may call it."""
    while await database.write(index_writer.drop, limit=_AT_ONCE):
        pass
    while merge := await database.read(segments.plan):
        if not await database.write(segments.merge, merge):
            return  # another server is at it
        while await database.write(index_writer.drop, limit=_AT_ONCE):
            pass
