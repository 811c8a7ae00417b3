"""What the sweeper deletes, and what it leaves alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure import ids
from perdure.commands import blobs as rules
from perdure.commands import files
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.engine.sweeper import Sweeper
from perdure.storage import BlobStores
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.files import CreateFile, File, FileExpiresAfter
from tests.commands.acts import PROJECT


@pytest.fixture
def sweeper(database: Database, blobs: BlobStores, clock: ManualClock) -> Sweeper:
    return Sweeper(database, blobs, clock)


async def one_chunk() -> AsyncIterator[bytes]:
    yield b"content"


async def begun(database: Database, blobs: BlobStores, clock: ManualClock) -> WrittenBlob:
    blob_id = ids.new_hex(ids.BLOB)
    await database.write(rules.begin, blob_id, blobs.location, now=clock.now())
    return WrittenBlob(blob_id, await blobs.write(blob_id, one_chunk()), blobs.location)


async def file(
    database: Database, blobs: BlobStores, clock: ManualClock, seconds: int | None = None
) -> File:
    policy = FileExpiresAfter(anchor="created_at", seconds=seconds) if seconds else None
    body = CreateFile(purpose="vision", expires_after=policy)
    blob = await begun(database, blobs, clock)
    return await database.write(
        files.create, body, "a", blob, project=PROJECT, now=int(clock.now())
    )


def stored(data_dir: Path) -> int:
    return sum(path.is_file() for path in (data_dir / "blobs").rglob("blob_*"))


async def test_the_content_of_a_deleted_file_goes_with_the_next_step(
    database: Database, blobs: BlobStores, clock: ManualClock, sweeper: Sweeper, data_dir: Path
) -> None:
    gone, _ = [await file(database, blobs, clock) for _ in range(2)]
    await sweeper.step()
    assert stored(data_dir) == 2
    await database.write(files.delete, gone.id, project=PROJECT, now=int(clock.now()))
    await sweeper.step()
    assert stored(data_dir) == 1
    assert await database.read(rules.list_doomed, blobs.location, limit=10) == []


async def test_a_file_and_its_content_go_when_it_expires(
    database: Database, blobs: BlobStores, clock: ManualClock, sweeper: Sweeper, data_dir: Path
) -> None:
    await file(database, blobs, clock, seconds=3600)
    clock.advance(3599)
    await sweeper.step()
    assert stored(data_dir) == 1
    clock.advance(1)
    await sweeper.step()
    assert stored(data_dir) == 0


async def test_what_a_dead_writer_left_goes_once_its_lease_has_run_out(
    database: Database, blobs: BlobStores, clock: ManualClock, sweeper: Sweeper, data_dir: Path
) -> None:
    await begun(database, blobs, clock)
    clock.advance(LEASE_SECONDS - 1)
    await sweeper.step()
    assert stored(data_dir) == 1
    clock.advance(1)
    await sweeper.step()
    assert stored(data_dir) == 0


async def test_a_server_that_starts_alone_waits_for_no_lease(
    database: Database, blobs: BlobStores, clock: ManualClock, sweeper: Sweeper, data_dir: Path
) -> None:
    """Where others may be alive, it waits."""
    await begun(database, blobs, clock)
    await sweeper.recover()
    await sweeper.step()
    assert stored(data_dir) == (0 if database.exclusive else 1)


async def test_contents_that_cannot_be_deleted_keep_no_others(
    database: Database, blobs: BlobStores, clock: ManualClock, sweeper: Sweeper, data_dir: Path
) -> None:
    gone = [await file(database, blobs, clock) for _ in range(10)]
    stuck = sorted((data_dir / "blobs").glob("*/*"), key=lambda path: path.name)[:5]
    for path in stuck:
        path.unlink()
        path.mkdir()  # where a file was that could be deleted
    for each in gone:
        await database.write(files.delete, each.id, project=PROJECT, now=int(clock.now()))
    for _ in range(2):
        await sweeper.step()
    assert sorted(await database.read(rules.list_doomed, blobs.location, limit=10)) == [
        path.name for path in stuck
    ]
    assert stored(data_dir) == 0
    for path in stuck:
        path.rmdir()
    for _ in range(2):
        await sweeper.step()
    assert await database.read(rules.list_doomed, blobs.location, limit=10) == []
