"""Rules for vector stores, on both databases (spec 01 §8, 06 §1.5 and §1.6)."""

import pytest

from perdure.commands import vector_stores
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.storage.database import Database
from perdure.wire.chunking import AutoChunking
from perdure.wire.query import ListQuery
from perdure.wire.vector_stores import CreateVectorStore, ModifyVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, START
from tests.commands.filled_stores import FilledStore

DAY = 86_400


@pytest.fixture
def filled(database: Database) -> FilledStore:
    return FilledStore(database)


async def modify(filled: FilledStore, store_id: str, body: ModifyVectorStore) -> None:
    await filled.database.write(
        vector_stores.modify, store_id, body, project=PROJECT, now=filled.now
    )


async def expire(filled: FilledStore) -> int:
    return await filled.database.write(vector_stores.drop_expired, now=filled.now, limit=10)


async def test_counts_status_and_usage_are_those_of_the_files(filled: FilledStore) -> None:
    file_ids = await filled.files(3)
    store_id = await filled.store(file_ids)
    assert (await filled.look(store_id)).status == "in_progress"
    await filled.finish(await filled.begin(), "bees")
    await filled.fail(await filled.begin())
    assert await filled.write(await filled.begin(), "more bees") > 0
    found = await filled.look(store_id)
    completed = await filled.look_at(store_id, file_ids[0])
    assert (found.status, found.usage_bytes) == ("in_progress", completed.usage_bytes)
    counts = found.file_counts
    assert (counts.completed, counts.failed, counts.in_progress, counts.total) == (1, 1, 1, 3)


async def test_a_file_that_does_not_exist_makes_no_store(filled: FilledStore) -> None:
    file_id = await filled.file()
    with pytest.raises(BadRequest, match="'file-gone'"):
        await filled.store([file_id, "file-gone"])
    page = await filled.database.read(
        vector_stores.page, ListQuery(), project=PROJECT, now=filled.now
    )
    assert page.ids == []


async def test_a_file_that_is_named_twice_is_there_once(filled: FilledStore) -> None:
    file_id = await filled.file()
    store_id = await filled.store([file_id, file_id])
    assert (await filled.look(store_id)).file_counts.total == 1


async def test_another_projects_store_and_files_do_not_exist(filled: FilledStore) -> None:
    theirs = await filled.file(project="proj_other")
    store_id = await filled.store(project="proj_other")
    with pytest.raises(BadRequest):
        await filled.store([theirs])
    with pytest.raises(NotFound):
        await filled.look(store_id)
    with pytest.raises(NotFound):
        await filled.delete_store(store_id)
    with pytest.raises(NotFound):
        await filled.add(store_id, await filled.file())


async def test_a_policy_can_be_given_changed_and_cleared(filled: FilledStore) -> None:
    """It counts from the last use, not from the change (spec 06 §1.6)."""
    store_id = await filled.store(days=2)
    assert (await filled.look(store_id)).expires_at == START + 2 * DAY
    filled.now += DAY
    await modify(
        filled,
        store_id,
        ModifyVectorStore(expires_after=VectorStoreExpiresAfter(anchor="last_active_at", days=5)),
    )
    assert (await filled.look(store_id)).expires_at == START + 5 * DAY
    await modify(filled, store_id, ModifyVectorStore(name="n"))
    assert (await filled.look(store_id)).expires_at == START + 5 * DAY
    await modify(filled, store_id, ModifyVectorStore(expires_after=None))
    found = await filled.look(store_id)
    assert (found.expires_at, found.expires_after, found.name) == (None, None, "n")


async def test_use_puts_the_expiry_off_to_the_minute_and_a_new_file_at_once(
    filled: FilledStore,
) -> None:
    store_id = await filled.store(days=1)
    for seconds, last_active_at in ((59, START), (1, START + 60)):
        filled.now += seconds
        await filled.database.write(vector_stores.touch, store_id, project=PROJECT, now=filled.now)
        found = await filled.look(store_id)
        assert (found.last_active_at, found.expires_at) == (last_active_at, last_active_at + DAY)
    filled.now += 1
    await filled.add(store_id, await filled.file())
    assert (await filled.look(store_id)).expires_at == START + 61 + DAY


async def test_nothing_brings_an_expired_store_back(filled: FilledStore) -> None:
    store_id = await filled.store(days=1)
    filled.now += DAY
    await filled.database.write(vector_stores.touch, store_id, project=PROJECT, now=filled.now)
    found = await filled.look(store_id)
    assert (found.status, found.expires_at) == ("expired", START + DAY)
    with pytest.raises(BadRequest) as refused:
        await filled.add(store_id, await filled.file())
    assert refused.value.code == "vector_store_expired"
    with pytest.raises(BadRequest):
        await modify(filled, store_id, ModifyVectorStore(expires_after=None))
    await modify(filled, store_id, ModifyVectorStore(name="n"))


async def test_a_store_that_expires_fails_the_files_that_were_not_read(filled: FilledStore) -> None:
    """Else they would be in progress for ever, and so would their batch."""
    waiting, held, done = await filled.files(3)
    store_id = await filled.store([done], days=1)
    await filled.finish(await filled.begin(), "bees")
    batch = await filled.batch(store_id, [held, waiting])
    job = await filled.begin()
    await filled.write(job, "bees")
    filled.now += DAY
    assert await expire(filled) == 1
    for file_id in (held, waiting):
        file = await filled.look_at(store_id, file_id)
        assert file.last_error is not None
        assert (file.status, file.last_error.code) == ("failed", "server_error")
        assert "expired" in file.last_error.message
    assert (await filled.look_at(store_id, done)).status == "completed"
    assert (await filled.look_at_batch(batch)).status == "failed"
    with pytest.raises(LeaseLost):
        await filled.write(job, "bees")
    assert await expire(filled) == 0
    assert await filled.claim() is None


async def test_a_store_whose_time_is_past_is_emptied_once(filled: FilledStore) -> None:
    """Also where it never had a file: it may stay for years."""
    await filled.store([], days=1)
    filled.now += DAY
    assert await expire(filled) == 1
    filled.now += DAY
    assert await expire(filled) == 0


async def test_a_deleted_store_leaves_its_files_and_no_attempt(filled: FilledStore) -> None:
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    job = await filled.begin()
    await filled.write(job, "bees")
    await filled.delete_store(store_id)
    with pytest.raises(LeaseLost):
        await filled.write(job, "bees")
    with pytest.raises(NotFound):
        await filled.look(store_id)
    assert await filled.claim() is None
    assert await filled.store([file_id])


@pytest.mark.parametrize("file_ids", [None, []])
async def test_a_strategy_without_files_is_passed_over(
    filled: FilledStore, file_ids: list[str] | None
) -> None:
    asked = CreateVectorStore(file_ids=file_ids, chunking_strategy=AutoChunking())
    made = await filled.database.write(vector_stores.create, asked, project=PROJECT, now=START)
    assert made.file_counts.total == 0
