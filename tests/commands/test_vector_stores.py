"""Rules for vector stores, on both databases (spec 01 §8, 06 §1.5 and §1.6)."""

import pytest

from perdure.commands import vector_stores
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.store.database import Database
from perdure.wire.chunking import AutoChunking
from perdure.wire.query import ListQuery
from perdure.wire.vector_stores import CreateVectorStore, ModifyVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, START
from tests.commands.shelf import Shelf

DAY = 86_400


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


async def modify(shelf: Shelf, store_id: str, body: ModifyVectorStore) -> None:
    await shelf.database.write(vector_stores.modify, store_id, body, project=PROJECT, now=shelf.now)


async def expire(shelf: Shelf) -> int:
    return await shelf.database.write(vector_stores.drop_expired, now=shelf.now, limit=10)


async def test_counts_status_and_usage_are_those_of_the_files(shelf: Shelf) -> None:
    file_ids = await shelf.files(3)
    store_id = await shelf.store(file_ids)
    assert (await shelf.look(store_id)).status == "in_progress"
    await shelf.finish(await shelf.begin(), "bees")
    await shelf.fail(await shelf.begin())
    assert await shelf.write(await shelf.begin(), "more bees") > 0
    found = await shelf.look(store_id)
    completed = await shelf.look_at(store_id, file_ids[0])
    assert (found.status, found.usage_bytes) == ("in_progress", completed.usage_bytes)
    counts = found.file_counts
    assert (counts.completed, counts.failed, counts.in_progress, counts.total) == (1, 1, 1, 3)


async def test_a_file_that_does_not_exist_makes_no_store(shelf: Shelf) -> None:
    file_id = await shelf.file()
    with pytest.raises(BadRequest, match="'file-gone'"):
        await shelf.store([file_id, "file-gone"])
    page = await shelf.database.read(
        vector_stores.page, ListQuery(), project=PROJECT, now=shelf.now
    )
    assert page.ids == []


async def test_a_file_that_is_named_twice_is_there_once(shelf: Shelf) -> None:
    file_id = await shelf.file()
    store_id = await shelf.store([file_id, file_id])
    assert (await shelf.look(store_id)).file_counts.total == 1


async def test_another_projects_store_and_files_do_not_exist(shelf: Shelf) -> None:
    theirs = await shelf.file(project="proj_other")
    store_id = await shelf.store(project="proj_other")
    with pytest.raises(BadRequest):
        await shelf.store([theirs])
    with pytest.raises(NotFound):
        await shelf.look(store_id)
    with pytest.raises(NotFound):
        await shelf.delete_store(store_id)
    with pytest.raises(NotFound):
        await shelf.add(store_id, await shelf.file())


async def test_a_policy_can_be_given_changed_and_cleared(shelf: Shelf) -> None:
    """It counts from the last use, not from the change (spec 06 §1.6)."""
    store_id = await shelf.store(days=2)
    assert (await shelf.look(store_id)).expires_at == START + 2 * DAY
    shelf.now += DAY
    await modify(
        shelf,
        store_id,
        ModifyVectorStore(expires_after=VectorStoreExpiresAfter(anchor="last_active_at", days=5)),
    )
    assert (await shelf.look(store_id)).expires_at == START + 5 * DAY
    await modify(shelf, store_id, ModifyVectorStore(name="n"))
    assert (await shelf.look(store_id)).expires_at == START + 5 * DAY
    await modify(shelf, store_id, ModifyVectorStore(expires_after=None))
    found = await shelf.look(store_id)
    assert (found.expires_at, found.expires_after, found.name) == (None, None, "n")


async def test_use_puts_the_expiry_off_to_the_minute_and_a_new_file_at_once(shelf: Shelf) -> None:
    store_id = await shelf.store(days=1)
    for seconds, last_active_at in ((59, START), (1, START + 60)):
        shelf.now += seconds
        await shelf.database.write(vector_stores.touch, store_id, now=shelf.now)
        found = await shelf.look(store_id)
        assert (found.last_active_at, found.expires_at) == (last_active_at, last_active_at + DAY)
    shelf.now += 1
    await shelf.add(store_id, await shelf.file())
    assert (await shelf.look(store_id)).expires_at == START + 61 + DAY


async def test_nothing_brings_an_expired_store_back(shelf: Shelf) -> None:
    store_id = await shelf.store(days=1)
    shelf.now += DAY
    await shelf.database.write(vector_stores.touch, store_id, now=shelf.now)
    found = await shelf.look(store_id)
    assert (found.status, found.expires_at) == ("expired", START + DAY)
    with pytest.raises(BadRequest) as refused:
        await shelf.add(store_id, await shelf.file())
    assert refused.value.code == "vector_store_expired"
    with pytest.raises(BadRequest):
        await modify(shelf, store_id, ModifyVectorStore(expires_after=None))
    await modify(shelf, store_id, ModifyVectorStore(name="n"))


async def test_a_store_that_expires_fails_the_files_that_were_not_read(shelf: Shelf) -> None:
    """Else they would be in progress for ever, and so would their batch."""
    waiting, held, done = await shelf.files(3)
    store_id = await shelf.store([done], days=1)
    await shelf.finish(await shelf.begin(), "bees")
    batch = await shelf.batch(store_id, [held, waiting])
    job = await shelf.begin()
    await shelf.write(job, "bees")
    shelf.now += DAY
    assert await expire(shelf) == 1
    for file_id in (held, waiting):
        file = await shelf.look_at(store_id, file_id)
        assert file.last_error is not None
        assert (file.status, file.last_error.code) == ("failed", "server_error")
        assert "expired" in file.last_error.message
    assert (await shelf.look_at(store_id, done)).status == "completed"
    assert (await shelf.look_at_batch(batch)).status == "failed"
    with pytest.raises(LeaseLost):
        await shelf.write(job, "bees")
    assert await expire(shelf) == 0
    assert await shelf.claim() is None


async def test_a_store_whose_time_is_past_is_emptied_once(shelf: Shelf) -> None:
    """Also where it never had a file: it may stay for years."""
    await shelf.store([], days=1)
    shelf.now += DAY
    assert await expire(shelf) == 1
    shelf.now += DAY
    assert await expire(shelf) == 0


async def test_a_deleted_store_leaves_its_files_and_no_attempt(shelf: Shelf) -> None:
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    job = await shelf.begin()
    await shelf.write(job, "bees")
    await shelf.delete_store(store_id)
    with pytest.raises(LeaseLost):
        await shelf.write(job, "bees")
    with pytest.raises(NotFound):
        await shelf.look(store_id)
    assert await shelf.claim() is None
    assert await shelf.store([file_id])


@pytest.mark.parametrize("file_ids", [None, []])
async def test_a_strategy_without_files_is_passed_over(
    shelf: Shelf, file_ids: list[str] | None
) -> None:
    asked = CreateVectorStore(file_ids=file_ids, chunking_strategy=AutoChunking())
    made = await shelf.database.write(vector_stores.create, asked, project=PROJECT, now=START)
    assert made.file_counts.total == 0
