"""What `Database.read` promises, on every database."""

import asyncio
import threading

import pytest

from perdure.errors import NotFound, Unavailable
from perdure.storage.database import Database, Transaction
from tests.patience import PATIENCE_SECONDS
from tests.storage.rows import add_thread, count, has_thread, increment


async def test_a_read_sees_one_snapshot(database: Database) -> None:
    await database.write(add_thread, "thread_1")
    looked, written = threading.Event(), threading.Event()

    def look_twice(tx: Transaction) -> tuple[int, int]:
        first = count(tx, "thread_1")
        looked.set()
        assert written.wait(PATIENCE_SECONDS)
        return first, count(tx, "thread_1")

    reading = asyncio.create_task(database.read(look_twice))
    assert await asyncio.to_thread(looked.wait, PATIENCE_SECONDS)
    await database.write(increment, "thread_1")
    written.set()
    assert await reading == (0, 0)
    assert await database.read(count, "thread_1") == 1


async def test_a_query_that_would_write_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await database.read(add_thread, "thread_1")
    assert not await database.read(has_thread, "thread_1")


async def test_a_query_that_raises_spoils_no_connection(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        has_thread(tx, "thread_1")
        raise NotFound("nothing there")

    for _ in range(20):
        with pytest.raises(NotFound, match="nothing there"):
            await database.read(fail)
    assert not await database.read(has_thread, "thread_1")


async def test_many_reads_at_once_are_all_answered(database: Database) -> None:
    await database.write(add_thread, "thread_1")
    found = await asyncio.gather(*(database.read(has_thread, "thread_1") for _ in range(100)))
    assert found == [True] * 100


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    with pytest.raises(Unavailable, match=r"^The database is closed\.$"):
        await database.read(has_thread, "thread_1")
