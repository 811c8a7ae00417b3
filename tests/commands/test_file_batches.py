"""Rules for batches of files, on both databases (spec 01 §10, 06 §1.5)."""

import pytest

from perdure.commands import file_batches
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.storage.database import Database
from perdure.wire.file_batches import CreateFileBatch
from perdure.wire.query import ListQuery
from perdure.wire.vector_store_files import CreateVectorStoreFile
from tests.commands.acts import PROJECT
from tests.commands.filled_stores import FilledStore


@pytest.fixture
def filled(database: Database) -> FilledStore:
    return FilledStore(database)


async def test_a_batch_counts_its_files_and_no_others(filled: FilledStore) -> None:
    first, second = await filled.files(2)
    store_id = await filled.store([first])
    await filled.finish(await filled.begin(), "bees")
    batch = await filled.batch(store_id, [second])
    assert (batch.status, batch.file_counts.in_progress, batch.file_counts.total) == (
        "in_progress", 1, 1,
    )  # fmt: skip
    assert (await filled.look(store_id)).file_counts.total == 2


async def test_a_batch_has_the_files_that_were_there_already(filled: FilledStore) -> None:
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    await filled.read_all("bees")
    batch = await filled.batch(store_id, [file_id, file_id])
    assert (batch.status, batch.file_counts.completed, batch.file_counts.total) == (
        "completed", 1, 1,
    )  # fmt: skip


@pytest.mark.parametrize(("failing", "status"), [(0, "completed"), (1, "completed"), (2, "failed")])
async def test_a_batch_fails_only_if_nothing_worked(
    filled: FilledStore, failing: int, status: str
) -> None:
    batch = await filled.batch(await filled.store(), await filled.files(2))
    for number in range(2):
        job = await filled.begin()
        await (filled.fail(job) if number < failing else filled.finish(job, "bees"))
    ended = await filled.look_at_batch(batch)
    assert (ended.status, ended.file_counts.failed) == (status, failing)


async def test_one_missing_file_keeps_all_out(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    with pytest.raises(BadRequest, match="'file-gone'"):
        await filled.batch(store_id, [file_id, "file-gone"])
    assert (await filled.look(store_id)).file_counts.total == 0


async def test_a_cancel_ends_what_waits_and_what_is_read_and_leaves_what_is_done(
    filled: FilledStore,
) -> None:
    done, held, waiting = await filled.files(3)
    store_id = await filled.store()
    batch = await filled.batch(store_id, [done, held, waiting])
    await filled.finish(await filled.begin(), "bees")
    job = await filled.begin()
    ended = await filled.cancel(batch)
    counts = ended.file_counts
    assert (ended.status, counts.completed, counts.cancelled, counts.in_progress) == (
        "cancelled", 1, 2, 0,
    )  # fmt: skip
    with pytest.raises(LeaseLost):
        await filled.write(job, "bees")
    file = await filled.look_at(store_id, held)
    assert (file.status, file.last_error) == ("cancelled", None)
    assert await filled.claim() is None
    assert await filled.cancel(batch) == ended


async def test_a_batch_that_is_done_stays_completed_when_it_is_cancelled(
    filled: FilledStore,
) -> None:
    batch = await filled.batch(await filled.store(), [await filled.file()])
    await filled.read_all("bees")
    assert (await filled.cancel(batch)).status == "completed"


async def test_a_file_that_leaves_the_store_leaves_the_batch(filled: FilledStore) -> None:
    first, second = await filled.files(2)
    store_id = await filled.store()
    batch = await filled.batch(store_id, [first, second])
    await filled.remove(store_id, first)
    assert (await filled.look_at_batch(batch)).file_counts.total == 1
    await filled.delete_file(second)
    ended = await filled.look_at_batch(batch)
    assert (ended.status, ended.file_counts.total) == ("completed", 0)


async def test_files_of_their_own_have_their_own_attributes(filled: FilledStore) -> None:
    first, second = await filled.files(2)
    store_id = await filled.store()
    body = CreateFileBatch(
        files=[
            CreateVectorStoreFile(file_id=first, attributes={"a": 1}),
            CreateVectorStoreFile(file_id=second),
        ]
    )
    await filled.database.write(
        file_batches.create, store_id, body, project=PROJECT, now=filled.now
    )
    assert (await filled.look_at(store_id, first)).attributes == {"a": 1}
    assert (await filled.look_at(store_id, second)).attributes == {}


async def test_a_batch_lists_its_files_by_status(filled: FilledStore) -> None:
    first, second = await filled.files(2)
    store_id = await filled.store()
    batch = await filled.batch(store_id, [first, second])
    await filled.finish(await filled.begin(), "bees")
    at = {"store_id": store_id, "project": PROJECT}
    for status, expected in ((None, [second, first]), ("completed", [first]), ("failed", [])):
        query = ListQuery(filter=status)
        page = await filled.database.read(file_batches.page, query, batch.id, **at)
        assert page.ids == expected


@pytest.mark.parametrize("deleted", [False, True])
async def test_files_that_leave_while_a_batch_is_iterated_keep_their_place(
    filled: FilledStore, deleted: bool
) -> None:
    file_ids = await filled.files(5)
    store_id = await filled.store()
    batch = await filled.batch(store_id, file_ids[::-1])
    seen: list[str] = []
    while True:
        page = await filled.database.read(
            file_batches.page,
            ListQuery(limit=2, after=seen[-1] if seen else None),
            batch.id,
            store_id=store_id,
            project=PROJECT,
        )
        if not page.ids:
            break
        for file_id in page.ids:
            await (filled.delete_file(file_id) if deleted else filled.remove(store_id, file_id))
        seen += page.ids
    assert seen == file_ids


async def test_a_batch_of_another_store_is_not_found(filled: FilledStore) -> None:
    batch = await filled.batch(await filled.store(), [await filled.file()])
    other = await filled.store()
    with pytest.raises(NotFound):
        await filled.database.read(file_batches.get, batch.id, store_id=other, project=PROJECT)
