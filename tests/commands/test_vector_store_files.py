"""Rules for files in vector stores, on both databases (spec 01 §9, 06 §1.5)."""

import pytest
from msgspec.structs import replace

from perdure.commands import vector_store_files
from perdure.commands.vector_store_files import ParsedContent
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.invariants import vector_stores as vector_store_invariants
from perdure.lifecycle import VectorStoreFileStatus
from perdure.retrieval import index_writer
from perdure.storage.database import Database
from perdure.wire.chunking import DEFAULT, AutoChunking, ChunkSizes, StaticChunking
from perdure.wire.query import ListQuery
from perdure.wire.vector_store_files import Attributes, ModifyVectorStoreFile
from tests.commands.acts import PROJECT
from tests.commands.filled_stores import BROKEN, FilledStore

SMALL = StaticChunking(static=ChunkSizes(max_chunk_size_tokens=100, chunk_overlap_tokens=50))


@pytest.fixture
def filled(database: Database) -> FilledStore:
    return FilledStore(database)


async def content(
    filled: FilledStore,
    store_id: str,
    file_id: str,
    *,
    ingestion: int | None = None,
    after: int = -1,
) -> ParsedContent:
    return await filled.database.read(
        vector_store_files.content,
        file_id,
        store_id=store_id,
        project=PROJECT,
        now=filled.now,
        ingestion=ingestion,
        after=after,
    )


async def test_a_new_file_waits_with_the_strategy_that_was_asked_for(filled: FilledStore) -> None:
    store_id = await filled.store()
    for asked, answered in ((None, DEFAULT), (AutoChunking(), DEFAULT), (SMALL, SMALL)):
        file = await filled.add(store_id, await filled.file(), chunking_strategy=asked)
        assert (file.status, file.usage_bytes, file.last_error) == ("in_progress", 0, None)
        assert (file.chunking_strategy, file.attributes) == (answered, {})


async def test_a_completed_file_that_is_added_again_stays_as_it_is(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id, attributes={"a": 1})
    await filled.finish(await filled.begin(), "bees")
    done = await filled.look_at(store_id, file_id)
    assert await filled.add(store_id, file_id, chunking_strategy=SMALL) == done
    changed = await filled.add(store_id, file_id, attributes={"b": True})
    assert (changed.status, changed.attributes) == ("completed", {"b": True})
    assert await filled.claim() is None


async def test_an_overlap_beyond_half_a_chunk_is_refused_for_a_file_that_is_there_too(
    filled: FilledStore,
) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    asked = StaticChunking(static=ChunkSizes(max_chunk_size_tokens=100, chunk_overlap_tokens=51))
    with pytest.raises(BadRequest) as refused:
        await filled.add(store_id, file_id, chunking_strategy=asked, attributes={"a": 1})
    assert refused.value.param == "chunking_strategy.static.chunk_overlap_tokens"
    assert (await filled.look_at(store_id, file_id)).attributes == {}


async def test_a_failed_file_that_is_added_again_begins_anew(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id, attributes={"a": 1})
    await filled.fail(await filled.begin())
    failed = await filled.look_at(store_id, file_id)
    assert (failed.status, failed.last_error) == ("failed", BROKEN)
    again = await filled.add(store_id, file_id, chunking_strategy=SMALL)
    assert (again.status, again.last_error) == ("in_progress", None)
    assert (again.chunking_strategy, again.attributes) == (SMALL, {"a": 1})
    await filled.finish(await filled.begin(), "bees")
    assert (await filled.look_at(store_id, file_id)).status == "completed"


async def test_a_completed_file_is_read_again_when_that_is_asked_for(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id, attributes={"a": 1}, read_again=True)
    await filled.finish(await filled.begin(), "bees")
    before = await filled.look_at(store_id, file_id)
    again = await filled.add(store_id, file_id, read_again=True)
    # its chunks are there until it has others
    assert again == replace(before, status=VectorStoreFileStatus.IN_PROGRESS)
    assert again.attributes == {"a": 1}
    with pytest.raises(BadRequest):
        await content(filled, store_id, file_id)
    # what is being read is not begun once more
    job = await filled.begin()
    await filled.add(store_id, file_id, read_again=True)
    await filled.finish(job, "wasps")
    assert (await content(filled, store_id, file_id)).texts == [(0, "wasps")]


async def test_a_file_that_cannot_be_read_again_keeps_its_text(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    await filled.finish(await filled.begin(), "bees")
    before = await filled.look_at(store_id, file_id)
    for _ in range(2):
        reading = await filled.add(store_id, file_id, read_again=True)
        assert (reading.status, reading.usage_bytes) == ("in_progress", before.usage_bytes)
        # a worker that was killed in the middle, and one that finds the file broken
        await filled.write(await filled.begin(), "half of the wasps")
        filled.now += 31
        job = await filled.begin()
        await filled.write(job, "wasps")
        assert await violations(filled) == []
        await filled.fail(job)
        after = await filled.look_at(store_id, file_id)
        assert after.last_error == BROKEN
        assert replace(after, last_error=None) == before
        assert (await content(filled, store_id, file_id)).texts == [(0, "bees")]
        assert await violations(filled) == []
    await filled.add(store_id, file_id, read_again=True)
    await filled.finish(await filled.begin(), "hornets")
    assert (await filled.look_at(store_id, file_id)).last_error is None
    assert (await content(filled, store_id, file_id)).texts == [(0, "hornets")]
    assert await violations(filled) == []


async def test_a_file_that_is_given_up_or_cancelled_while_it_is_read_again_keeps_its_text(
    filled: FilledStore,
) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    batch = await filled.batch(store_id, [file_id])
    await filled.finish(await filled.begin(), "bees")
    await filled.add(store_id, file_id, read_again=True)
    await filled.cancel(batch)
    assert (await filled.look_at(store_id, file_id)).status == "completed"
    await filled.add(store_id, file_id, read_again=True)
    for _ in range(100):
        await filled.claim()
        filled.now += 3_600
    given_up = await filled.look_at(store_id, file_id)
    assert given_up.status == "completed"
    assert given_up.last_error is not None
    assert given_up.last_error.code == "server_error"
    assert (await content(filled, store_id, file_id)).texts == [(0, "bees")]
    assert await violations(filled) == []


async def test_what_was_set_aside_goes_with_its_file_and_with_its_store(
    filled: FilledStore,
) -> None:
    for remove in (filled.remove, filled.delete_file, filled.delete_store):
        file_id = await filled.file()
        store_id = await filled.store([file_id])
        await filled.finish(await filled.begin(), "bees")
        await filled.add(store_id, file_id, read_again=True)
        given = {filled.remove: (store_id, file_id), filled.delete_file: (file_id,)}
        await remove(*given.get(remove, (store_id,)))
        while await filled.database.write(index_writer.drop, limit=100):
            pass
        left = await filled.database.read(lambda tx: tx.one("chunks.counts"))
        assert left is not None
        assert left["chunks"] == 0
        assert await violations(filled) == []


async def violations(filled: FilledStore) -> list[str]:
    """What the database has of vector stores that cannot be."""
    found = await filled.database.read(
        lambda tx: list(vector_store_invariants.check(tx, on_page=lambda _: None))
    )
    return [each.text for each in found]


async def test_a_file_that_leaves_the_store_while_it_is_read_can_be_written_no_more(
    filled: FilledStore,
) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    job = await filled.begin()
    await filled.remove(store_id, file_id)
    with pytest.raises(LeaseLost):
        await filled.write(job, "bees")
    with pytest.raises(NotFound):
        await filled.look_at(store_id, file_id)
    await filled.add(store_id, file_id)
    assert (await filled.look_at(store_id, file_id)).status == "in_progress"


async def test_a_file_that_is_deleted_leaves_every_store(filled: FilledStore) -> None:
    file_id = await filled.file()
    stores = [await filled.store([file_id]) for _ in range(2)]
    await filled.read_all("bees")
    await filled.delete_file(file_id)
    for store_id in stores:
        found = await filled.look(store_id)
        assert (found.file_counts.total, found.usage_bytes, found.status) == (0, 0, "completed")


async def test_deleting_files_while_iterating_over_their_store_skips_nothing(
    filled: FilledStore,
) -> None:
    """Spec 02 §3. A file stands elsewhere among all files than among those of the store."""
    file_ids = await filled.files(5)
    store_id = await filled.store()
    for file_id in reversed(file_ids):
        await filled.add(store_id, file_id)
    seen: list[str] = []
    while True:
        query = ListQuery(limit=2, after=seen[-1] if seen else None)
        page = await filled.database.read(
            vector_store_files.page, query, store_id=store_id, project=PROJECT
        )
        if not page.ids:
            break
        for file_id in page.ids:
            await filled.delete_file(file_id)
        seen += page.ids
    assert seen == file_ids


async def test_attributes_are_replaced_as_a_whole_and_cleared_by_null(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id, attributes={"a": 1, "b": "x"})
    given: tuple[Attributes | None, ...] = ({"c": 0.5}, None)
    for attributes in given:
        file = await filled.database.write(
            vector_store_files.modify,
            file_id,
            ModifyVectorStoreFile(attributes=attributes),
            store_id=store_id,
            project=PROJECT,
        )
        assert file.attributes == (attributes or {})
        assert await filled.look_at(store_id, file_id) == file


async def test_the_content_is_there_once_the_file_is_completed(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    job = await filled.begin()
    with pytest.raises(BadRequest, match="its status is 'in_progress'"):
        await content(filled, store_id, file_id)
    await filled.finish(job, "A colony of bees", "wakes up")
    found = await content(filled, store_id, file_id)
    assert [text for _, text in found.texts] == ["A colony of bees", "wakes up"]


async def test_the_content_comes_in_parts_until_none_is_left(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    wanted = [f"chunk {number}" for number in range(250)]
    await filled.finish(await filled.begin(), *wanted)
    texts: list[str] = []
    part = await content(filled, store_id, file_id)
    while part.texts:
        assert len(part.texts) <= 100
        texts += [text for _, text in part.texts]
        part = await content(
            filled, store_id, file_id, ingestion=part.ingestion, after=part.texts[-1][0]
        )
    assert texts == wanted


async def test_content_of_a_file_that_is_read_anew_is_not_mixed(filled: FilledStore) -> None:
    store_id, file_id = await filled.store(), await filled.file()
    await filled.add(store_id, file_id)
    await filled.finish(await filled.begin(), "bees")
    ingestion = (await content(filled, store_id, file_id)).ingestion
    await filled.remove(store_id, file_id)
    await filled.add(store_id, file_id)
    await filled.finish(await filled.begin(), "bees")
    with pytest.raises(NotFound, match="was taken out"):
        await content(filled, store_id, file_id, ingestion=ingestion, after=0)


async def test_a_file_of_another_store_is_not_found(filled: FilledStore) -> None:
    file_id = await filled.file()
    await filled.store([file_id])
    other = await filled.store()
    with pytest.raises(NotFound):
        await filled.look_at(other, file_id)
    with pytest.raises(NotFound):
        await filled.remove(other, file_id)
