"""Reading files into vector stores: durable work that ends honestly (spec 06 §1.5)."""

import asyncio
import sys
from contextlib import aclosing, suppress
from itertools import count
from pathlib import Path

import pytest

from perdure.commands import ingestions, store_membership, vector_store_files, vector_stores
from perdure.commands.ingestions import IngestionJob
from perdure.engine.file_reader import FileReader
from perdure.engine.ingest import Ingest
from perdure.errors import LeaseLost, Unavailable
from perdure.lifecycle import Signal
from perdure.parsing.limits import MiB, ParsingLimits
from perdure.parsing.parser import Parser
from perdure.retrieval import index_writer, search
from perdure.storage.database import Transaction
from perdure.wire.base import decode
from perdure.wire.vector_store_files import CreateVectorStoreFile, VectorStoreFile
from tests.commands.acts import PROJECT
from tests.engine import filled_stores
from tests.engine.filled_stores import BEES, RENT
from tests.engine.stage import (
    AbsentDatabase,
    Crash,
    CrashingDatabase,
    SlowDatabase,
    Stage,
)
from tests.patience import PATIENCE_SECONDS
from tests.providers.embedding_server import refusal, serving


@pytest.fixture
def stage(stage: Stage, parser: Parser) -> Stage:
    """The workers share a parser: what they do with it is tested, and not its life."""
    stage.parser = parser
    return stage


async def settle(stage: Stage, ingest: Ingest) -> None:
    """Lets a worker read all that waits."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await ingest.take()
        await ingest.settle()


async def files_of(stage: Stage, store_id: str) -> dict[str, VectorStoreFile]:
    """The files of a store by name."""

    def read(tx: Transaction) -> dict[str, VectorStoreFile]:
        rows = tx.all(
            "vector_store_files.oldest_first",
            parent=store_id, low=0, high=2**62, limit=100, status=None,
        )  # fmt: skip
        names = {row["id"]: decode(row["body"], VectorStoreFile) for row in rows}
        return {
            str(tx.one("vector_store_files.get", id=each, parent=store_id)["filename"]): file  # type: ignore[index]
            for each, file in names.items()
        }

    return await stage.database.read(read)


async def chunks_of(stage: Stage, store_id: str) -> list[str]:
    """All that searches can find in a store."""
    found = await search.search(stage.database, {}, [store_id], ["bees rent"], limit=50)
    return sorted(passage.text for passage in found)


async def left(stage: Stage) -> int:
    """Rows that are still there of attempts that were dropped, after the upkeep."""
    while await stage.database.write(index_writer.drop, limit=1000):
        pass
    counted = await stage.database.read(lambda tx: tx.one("ingestions.count"))
    assert counted is not None
    return int(counted["dropped"])


async def test_each_file_ends_for_itself(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(
        stage, bees_txt=BEES, empty_txt="", table_xls="x", liar_pdf="no pdf at all"
    )
    assert (await filled_stores.look(stage, store_id)).status == "in_progress"
    ingest = stage.ingest()
    await settle(stage, ingest)
    await ingest.drain()
    files = await files_of(stage, store_id)
    ends = {
        name: (file.status, file.last_error.code if file.last_error else None)
        for name, file in files.items()
    }
    assert ends == {
        "bees.txt": ("completed", None),
        "empty.txt": ("failed", "invalid_file"),
        "table.xls": ("failed", "unsupported_file"),
        "liar.pdf": ("failed", "invalid_file"),
    }
    seen = await filled_stores.look(stage, store_id)
    assert (seen.status, seen.file_counts.completed, seen.file_counts.failed) == ("completed", 1, 3)
    assert seen.usage_bytes == files["bees.txt"].usage_bytes > len(BEES)
    assert await chunks_of(stage, store_id) == [BEES]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_at_every_commit_leads_to_the_same_store(
    stage: Stage, *, committed: bool
) -> None:
    for at in count(1):
        store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
        dying = CrashingDatabase(stage.database, crash_at=at, committed=committed)
        doomed = stage.ingest(dying)
        crashed = await _crashes(stage, doomed, dying)
        stage.clock.advance(31)
        ingest = stage.ingest()
        await settle(stage, ingest)
        await ingest.drain()
        (file,) = (await files_of(stage, store_id)).values()
        assert file.status == "completed", f"crash at write {at}"
        assert await chunks_of(stage, store_id) == [BEES], f"crash at write {at}"
        assert await left(stage) == 0
        if not crashed:
            # claim, chunks, the end, and one look for more
            assert at - 1 == 4
            return


@pytest.mark.parametrize("at", [3, 4], ids=["at its chunks", "at its end"])
async def test_a_file_whose_storage_is_away_for_a_moment_is_read_again(
    stage: Stage, at: int
) -> None:
    """It is no fault of the file (spec 06 §1.5)."""
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    absent = AbsentDatabase(stage.database, crash_at=at, committed=False)
    ingest = stage.ingest(absent)
    await settle(stage, ingest)
    assert (await filled_stores.look(stage, store_id)).status == "in_progress"
    stage.clock.advance(31)
    await settle(stage, ingest)
    await ingest.drain()
    assert (await filled_stores.look(stage, store_id)).file_counts.completed == 1
    assert await chunks_of(stage, store_id) == [BEES]


async def test_a_file_whose_content_is_lost_is_given_up_in_the_end(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    for blob in [each async for each in stage.blobs.default.all()]:
        await stage.blobs.default.delete(blob.id)
    ingest = stage.ingest()
    seconds = 0
    while (await filled_stores.look(stage, store_id)).status == "in_progress":
        await settle(stage, ingest)
        stage.clock.advance(5)
        seconds += 5
    await ingest.drain()
    (file,) = (await files_of(stage, store_id)).values()
    assert file.last_error is not None
    assert (file.status, file.last_error.code) == ("failed", "server_error")
    assert "cannot be stored or read now: No such file" in file.last_error.message
    assert "gave it up" in file.last_error.message
    assert 3600 < seconds < 3700


async def test_a_file_waits_for_an_embeddings_server_that_is_away(
    stage: Stage, impatient: None
) -> None:
    """It keeps no other file from being read, and is no fault of this one."""
    async with serving() as server:
        model = server.model()
        ingest = stage.ingest(embedder=model)
        store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
        server.answers = [refusal(503, "restarting")] * 4
        await settle(stage, ingest)
        assert (await filled_stores.look(stage, store_id)).status == "in_progress"
        await settle(stage, ingest)
        assert len(server.asked) == 4
        stage.clock.advance(5)
        await settle(stage, ingest)
        assert (await filled_stores.look(stage, store_id)).file_counts.completed == 1
        await ingest.drain()
        await model.close()


async def test_a_file_that_the_embeddings_server_refuses_fails_at_once(
    stage: Stage, impatient: None
) -> None:
    async with serving() as server:
        model = server.model()
        ingest = stage.ingest(embedder=model)
        store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
        server.answers = [refusal(401, "bad key")]
        await settle(stage, ingest)
        (file,) = (await files_of(stage, store_id)).values()
        assert file.last_error is not None
        assert "Check embedding_base_url" in file.last_error.message
        assert len(server.asked) == 1
        await ingest.drain()
        await model.close()


async def test_a_file_waits_for_a_parser_that_cannot_be_started(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    stage.parser = None
    ingest = stage.ingest()
    for program in ("/bin/false", "/nowhere"):
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", program)
            await settle(stage, ingest)
        assert (await filled_stores.look(stage, store_id)).status == "in_progress"
        stage.clock.advance(10)
    await settle(stage, ingest)
    assert (await filled_stores.look(stage, store_id)).file_counts.completed == 1
    await ingest.drain()


async def test_a_file_that_is_put_off_is_not_taken_for_one_that_stops_its_server(
    stage: Stage,
) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    for _ in range(5):
        job = await filled_stores.claim(stage)
        assert job is not None
        now = stage.clock.now()
        await stage.database.write(ingestions.postpone, job, "It is away.", now=now)
        assert await filled_stores.claim(stage) is None
        stage.clock.advance(80)


async def test_stores_take_turns(stage: Stage) -> None:
    large = await filled_stores.waiting_store(stage, a_txt="a", b_txt="b", c_txt="c", d_txt="d")
    small = await filled_stores.waiting_store(stage, bees_txt=BEES)
    ingest = stage.ingest()
    await settle(stage, ingest)
    await ingest.drain()
    # In the order in which they were begun.
    attempts = await stage.database.read(
        lambda tx: tx.all("invariants_of_vector_stores.attempts", after=0, limit=10)
    )
    begun = [row["vector_store_id"] for row in attempts]
    assert sorted(begun[:2]) == sorted([large, small])
    assert begun[2:] == [large] * 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("table_xls", "[.xls] are not supported"),
        ("large_txt", "larger than 1 MiB"),
        ("empty_txt", "it is empty"),
    ],
)
async def test_a_file_that_is_refused_by_its_name_or_size_is_not_fetched(
    stage: Stage, name: str, said: str
) -> None:
    stage.parser = Parser(ParsingLimits(file_bytes=MiB))
    text = "" if name == "empty_txt" else "x" * (MiB + 1)
    store_id = await filled_stores.waiting_store(stage, **{name: text})
    for blob in [each async for each in stage.blobs.default.all()]:
        await stage.blobs.default.delete(blob.id)
    ingest = stage.ingest()
    await settle(stage, ingest)
    await ingest.drain()
    (file,) = (await files_of(stage, store_id)).values()
    assert file.last_error is not None
    assert said in file.last_error.message


async def test_the_copy_of_a_file_that_is_read_has_no_name(stage: Stage, tmp_path: Path) -> None:
    """So nothing is left of it where the server is killed."""
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    job = await filled_stores.claim(stage)
    assert job is not None
    folder = tmp_path / "copies"
    assert stage.parser is not None
    reading = FileReader(stage.database, stage.blobs, stage.parser, {}, folder=folder)
    async with aclosing(reading.pieces(job)) as pieces:
        await anext(pieces)
        assert _names(folder) == []


async def test_a_folder_that_cannot_be_written_is_no_fault_of_the_file(
    stage: Stage, tmp_path: Path
) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    job = await filled_stores.claim(stage)
    assert job is not None
    (tmp_path / "file").touch()
    assert stage.parser is not None
    reading = FileReader(
        stage.database, stage.blobs, stage.parser, {}, folder=tmp_path / "file" / "copies"
    )
    with pytest.raises(Unavailable, match="No file can be copied"):
        await anext(reading.pieces(job))


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def _crashes(stage: Stage, doomed: Ingest, dying: CrashingDatabase) -> bool:
    """Lets a worker work until its process dies; whether it did."""
    with suppress(Crash):
        await settle(stage, doomed)
    with suppress(Crash):
        await doomed.drain()
    return dying.crashed.is_set()


async def test_a_woken_zombie_writes_nothing(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    zombie = await filled_stores.claim(stage, owner="zombie")
    assert isinstance(zombie, IngestionJob)
    stage.clock.advance(31)
    heir = await filled_stores.claim(stage, owner="heir")
    assert isinstance(heir, IngestionJob)
    assert heir.ingestion != zombie.ingestion
    with pytest.raises(LeaseLost):
        await filled_stores.finish(stage, zombie, "zombie's")
    await filled_stores.finish(stage, heir, BEES)
    with pytest.raises(LeaseLost):
        await stage.database.write(ingestions.complete, zombie, usage_bytes=1)
    assert await chunks_of(stage, store_id) == [BEES]
    assert await left(stage) == 0


async def test_a_file_that_stops_its_server_keeps_no_other_waiting(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES, rent_txt=RENT)
    begun = []
    for _ in range(3):
        job = await filled_stores.claim(stage)
        assert job is not None
        begun.append(job.filename)
        stage.clock.advance(31)
    assert begun == ["bees.txt", "bees.txt", "rent.txt"]


async def test_a_file_that_is_put_back_at_shutdown_is_not_held_against_it(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    for _ in range(5):
        job = await filled_stores.claim(stage)
        assert job is not None
        await stage.database.write(ingestions.release, job)
    assert await filled_stores.claim(stage) is not None


async def test_a_worker_that_drains_takes_no_file(stage: Stage) -> None:
    """Its loop goes on for as long as runs may take to finish."""
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    ingest = stage.ingest()
    await ingest.drain()
    await settle(stage, ingest)
    job = await filled_stores.claim(stage)
    assert job is not None
    assert job.lease.epoch == 1


async def test_a_file_whose_claim_is_under_way_at_shutdown_is_put_back(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    slow = SlowDatabase(stage.database)
    ingest = stage.ingest(slow)
    listening = asyncio.create_task(ingest.listen())
    await asyncio.wait_for(slow.written.wait(), PATIENCE_SECONDS)
    listening.cancel()
    draining = asyncio.create_task(ingest.drain())
    slow.let.set()
    await asyncio.wait_for(draining, PATIENCE_SECONDS)
    job = await filled_stores.claim(stage)
    assert job is not None
    assert job.lease.epoch == 2


async def test_a_file_in_hand_at_shutdown_is_put_back(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES, rent_txt=RENT)
    slow = SlowDatabase(stage.database)
    slow.let.set()
    ingest = stage.ingest(slow)
    taking = asyncio.create_task(ingest.take())
    await asyncio.wait_for(slow.written.wait(), PATIENCE_SECONDS)
    slow.let.clear()  # what is claimed can go no further than its first chunks
    draining = asyncio.create_task(ingest.drain())
    slow.let.set()
    await asyncio.wait_for(draining, PATIENCE_SECONDS)
    await asyncio.wait_for(taking, PATIENCE_SECONDS)
    assert all([await filled_stores.claim(stage) for _ in range(2)])


async def test_what_is_removed_while_it_is_read_is_gone(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    job = await filled_stores.claim(stage)
    assert job is not None
    await stage.database.write(
        vector_store_files.delete,
        job.file_id,
        store_id=store_id,
        project=PROJECT,
        now=int(stage.clock.now()),
    )
    with pytest.raises(LeaseLost):
        await filled_stores.finish(stage, job, BEES)
    assert await left(stage) == 0


async def test_a_store_that_is_deleted_while_it_is_read_leaves_nothing(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(stage, bees_txt=BEES)
    job = await filled_stores.claim(stage)
    assert job is not None
    piece = index_writer.prepare([filled_stores.Paragraph(BEES, 0)])
    await stage.database.write(ingestions.write, job, piece, now=stage.clock.now())
    await stage.database.write(
        vector_stores.delete, store_id, project=PROJECT, now=int(stage.clock.now())
    )
    with pytest.raises(LeaseLost):
        await stage.database.write(ingestions.complete, job, usage_bytes=1)
    assert await left(stage) == 0


async def test_a_failed_file_begins_anew_when_it_is_added_again(stage: Stage) -> None:
    store_id = await filled_stores.waiting_store(stage, empty_txt="")
    ingest = stage.ingest()
    await settle(stage, ingest)
    await ingest.drain()
    (file,) = (await files_of(stage, store_id)).values()
    assert file.status == "failed"
    await stage.database.write(
        vector_store_files.create,
        store_id,
        CreateVectorStoreFile(file_id=file.id),
        project=PROJECT,
        now=int(stage.clock.now()),
    )
    job = await filled_stores.claim(stage)
    assert job is not None
    await filled_stores.finish(stage, job, RENT)
    (file,) = (await files_of(stage, store_id)).values()
    assert (file.status, file.last_error) == ("completed", None)


async def test_a_new_server_frees_what_a_dead_one_held_where_it_is_alone(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    assert await filled_stores.claim(stage, owner="dead") is not None
    ingest = stage.ingest()
    await ingest.recover()
    freed = await filled_stores.claim(stage, owner="next")
    assert (freed is not None) is stage.database.exclusive


async def test_the_status_of_a_file_moves_by_the_table_alone(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=BEES)
    job = await filled_stores.claim(stage)
    assert job is not None
    await filled_stores.finish(stage, job, BEES)

    def cancel(tx: Transaction) -> None:
        row = tx.one("vector_store_files.get", id=job.file_id, parent=job.store_id)
        assert row is not None
        store_membership.signal(tx, row["seq"], decode(row["body"], VectorStoreFile), Signal.CANCEL)

    with pytest.raises(Exception, match="is completed: no cancel"):
        await stage.database.write(cancel)
