"""Servers say which blob stores they have, and where the contents of earlier versions are."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from perdure import ids
from perdure.commands import blob_locations, blobs, files
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.engine.blob_locator import BlobLocator
from perdure.engine.sweeper import Sweeper
from perdure.storage import BlobStores, FolderBlobs
from perdure.storage.blob_stores import UNKNOWN
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.files import CreateFile
from tests.commands.acts import PROJECT


@dataclasses.dataclass
class Node:
    """A server: its folder, its sweeper and its locator."""

    stores: BlobStores
    sweeper: Sweeper
    locator: BlobLocator
    folder: Path

    async def step(self) -> None:
        await self.locator.step()
        await self.sweeper.step()

    def files(self) -> int:
        return sum(path.is_file() for path in self.folder.rglob("blob_*"))


@pytest.fixture
async def nodes(
    database: Database, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[tuple[Node, Node]]:
    made = []
    for name in ("a", "b"):
        stores = BlobStores(FolderBlobs(tmp_path / name))
        await stores.open()
        sweeper = Sweeper(database, stores, clock)
        made.append(Node(stores, sweeper, BlobLocator(database, stores, clock), tmp_path / name))
    yield made[0], made[1]
    for node in made:
        await node.stores.close()


async def file(database: Database, node: Node, clock: ManualClock, *, located: bool = True) -> str:
    """A file whose content is in a node's folder; its id."""

    async def content() -> AsyncIterator[bytes]:
        yield b"content"

    blob_id = ids.new_hex(ids.BLOB)
    location = node.stores.location if located else UNKNOWN
    await database.write(blobs.begin, blob_id, location, now=clock.now())
    blob = WrittenBlob(blob_id, await node.stores.write(blob_id, content()), location)
    body, now = CreateFile(purpose="assistants"), int(clock.now())
    made = await database.write(files.create, body, "a.txt", blob, project=PROJECT, now=now)
    return made.id


async def locations(database: Database) -> dict[str, int]:
    return {used.location: used.contents for used in await database.read(blob_locations.list_used)}


async def test_who_has_the_bytes_says_where_they_are(
    database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    first, second = nodes
    for _ in range(3):
        await file(database, second, clock, located=False)
    await first.locator.step()
    assert await locations(database) == {UNKNOWN: 3}
    await second.locator.step()
    assert await locations(database) == {second.stores.location: 3}


async def test_contents_that_come_later_are_looked_for_later(
    database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    """An old server goes on writing beside a new one."""
    first, _ = nodes
    await first.locator.step()
    await file(database, first, clock, located=False)
    await first.locator.step()
    assert await locations(database) == {UNKNOWN: 1}
    clock.advance(600)
    await first.locator.step()
    assert await locations(database) == {first.stores.location: 1}


async def test_it_is_logged_once_where_new_contents_go_if_there_are_old_ones(
    database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    first, second = nodes
    with capture_logs() as logs:
        await second.locator.start()
        await file(database, second, clock, located=False)
        await first.locator.start()
        await first.locator.start()
    (line,) = [line for line in logs if line["event"] == "contents_location"]
    assert line["where"].startswith("the data folder ")


async def test_a_server_tells_of_its_folder_again_and_again(
    database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    first, _ = nodes
    await first.locator.start()
    await file(database, first, clock)
    clock.advance(1000)
    await first.locator.step()
    (used,) = await database.read(blob_locations.list_used)
    assert (used.path, used.seen_at) == (str(first.folder), int(clock.now()))
    assert await database.read(blob_locations.is_own, first.stores.location)
    assert not await database.read(blob_locations.is_own, "folder:other")


@pytest.mark.parametrize("located", [True, False])
async def test_only_the_server_that_has_the_folder_deletes_there(
    located: bool, database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    """A server that is alone on its database has all folders there are."""
    first, second = nodes
    gone = await file(database, second, clock, located=located)
    await database.write(files.delete, gone, project=PROJECT, now=int(clock.now()))
    location = second.stores.location if located else UNKNOWN
    if located or not database.exclusive:
        await first.step()
        assert len(await database.read(blobs.list_doomed, location, limit=10)) == 1
        assert second.files() == 1
        await second.step()
        assert second.files() == 0
        assert await database.read(blobs.list_doomed, location, limit=10) == []


async def test_what_an_old_server_left_unfinished_goes_where_it_is(
    database: Database, nodes: tuple[Node, Node], clock: ManualClock
) -> None:
    first, _ = nodes

    async def content() -> AsyncIterator[bytes]:
        yield b"content"

    await database.write(blobs.begin, "blob_1", UNKNOWN, now=clock.now())
    await first.stores.write("blob_1", content())
    clock.advance(LEASE_SECONDS)
    await first.step()
    assert first.files() == 0
    assert await database.read(blobs.list_doomed, UNKNOWN, limit=10) == []
