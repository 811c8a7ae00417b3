"""Two servers of one PostgreSQL database at the same file or store: one waits for the other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest

from perdure import invariants
from perdure.bus.memory import MemoryBus
from perdure.commands import files, ingestions, vector_store_files, vector_stores
from perdure.errors import NotFound
from perdure.storage import connect
from perdure.storage.database import Database, Transaction
from perdure.wire.vector_store_files import CreateVectorStoreFile
from tests.commands.acts import PROJECT, START
from tests.commands.filled_stores import FilledStore
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
async def servers(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    opened = [connect(postgres_url, tmp_path, bus=MemoryBus()) for _ in range(2)]
    for database in opened:
        await database.open()
    yield opened[0], opened[1]
    for database in opened:
        await database.close()


async def race(
    servers: tuple[Database, Database],
    url: str,
    first: Callable[[Transaction], object],
    second: Callable[[Database], Awaitable[object]],
) -> tuple[object, object]:
    """Commits `first` only when `second` waits for it, or is done; what became of both."""
    done, commit = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held(tx: Transaction) -> object:
        found = first(tx)
        loop.call_soon_threadsafe(done.set)
        commit.wait(PATIENCE_SECONDS)
        return found

    async with asyncio.timeout(PATIENCE_SECONDS):
        one = asyncio.ensure_future(servers[0].write(held))
        await done.wait()
        two = asyncio.ensure_future(second(servers[1]))
        with psycopg.connect(url, autocommit=True) as look:
            while not two.done():
                if look.execute(_WAITING).fetchone() is not None:
                    break
                await asyncio.sleep(0)
        commit.set()
        return await asyncio.gather(one, two, return_exceptions=True)


_WAITING = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def wrong(database: Database) -> list[str]:
    def read(tx: Transaction) -> list[str]:
        return [f"{found.id} {found.text}" for found in invariants.check(tx)]

    return await database.read(read)


async def test_a_file_that_is_deleted_while_another_server_adds_it_is_in_no_store(
    servers: tuple[Database, Database], postgres_url: str
) -> None:
    filled = FilledStore(servers[0])
    store_id, file_id = await filled.store(), await filled.file()
    body = CreateVectorStoreFile(file_id=file_id)

    def add(tx: Transaction) -> object:
        return vector_store_files.create(tx, store_id, body, project=PROJECT, now=START)

    def delete(database: Database) -> Awaitable[object]:
        return database.write(files.delete, file_id, project=PROJECT, now=START)

    added, deleted = await race(servers, postgres_url, add, delete)
    assert isinstance(added, str)
    assert not isinstance(deleted, Exception)
    assert (await filled.look(store_id)).file_counts.total == 0
    assert await wrong(servers[0]) == []


async def test_a_file_that_another_server_deletes_cannot_be_added(
    servers: tuple[Database, Database], postgres_url: str
) -> None:
    filled = FilledStore(servers[0])
    store_id, file_id = await filled.store(), await filled.file()

    def delete(tx: Transaction) -> object:
        return files.delete(tx, file_id, project=PROJECT, now=START)

    def add(database: Database) -> Awaitable[object]:
        return FilledStore(database).add(store_id, file_id)

    _, added = await race(servers, postgres_url, delete, add)
    assert isinstance(added, NotFound)
    assert await wrong(servers[0]) == []


async def test_a_store_that_is_deleted_while_another_server_begins_on_its_file_leaves_nothing(
    servers: tuple[Database, Database], postgres_url: str
) -> None:
    filled = FilledStore(servers[0])
    store_id = await filled.store([await filled.file()])

    def begin(tx: Transaction) -> object:
        return ingestions.claim(tx, owner="w", now=START, lease_seconds=30, embedding=None)

    def delete(database: Database) -> Awaitable[object]:
        return database.write(vector_stores.delete, store_id, project=PROJECT, now=START)

    begun, deleted = await race(servers, postgres_url, begin, delete)
    assert begun is not None
    assert not isinstance(deleted, Exception)
    with pytest.raises(NotFound):
        await filled.look(store_id)
    assert await wrong(servers[0]) == []


async def test_a_store_that_is_used_as_it_expires_is_not_emptied(
    servers: tuple[Database, Database], postgres_url: str
) -> None:
    """The upkeep of one server has seen it as expired when another one's file puts that off."""
    filled = FilledStore(servers[0])
    store_id = await filled.store([await filled.file()], days=1)
    await filled.read_all("bees")
    expires_at, late = START + 86_400, await filled.file()
    body = CreateVectorStoreFile(file_id=late)

    def add(tx: Transaction) -> object:
        return vector_store_files.create(tx, store_id, body, project=PROJECT, now=expires_at - 1)

    def expire(database: Database) -> Awaitable[object]:
        return database.write(vector_stores.drop_expired, now=expires_at, limit=10)

    await race(servers, postgres_url, add, expire)
    filled.now = expires_at
    assert (await filled.look(store_id)).status == "in_progress"
    live = await filled.database.read(
        lambda tx: tx.all("invariants_of_vector_stores.attempts", after=0, limit=10)
    )
    assert len(live) == 1
    assert await wrong(servers[0]) == []
