"""Contents are moved beside servers at work, and none is lost when the mover dies."""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import ids, storage
from perdure.commands import blob_locations, blobs, files, uploads
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.engine.blob_locator import BlobLocator
from perdure.engine.contents_mover import ContentsMover
from perdure.engine.sweeper import Sweeper
from perdure.invariants import contents
from perdure.storage import BlobStores, FolderBlobs, connect_blobs
from perdure.storage.blob_stores import UNKNOWN, read
from perdure.storage.blobs import Blobs
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.files import CreateFile, File
from perdure.wire.uploads import CompleteUpload, CreateUpload
from tests.commands.acts import PROJECT

LARGE = bytes(range(256)) * 6 * 1024


class Killed(BaseException):
    """The mover is dead."""


class Life:
    """Ends after so many operations; after that nothing is done any more."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


@dataclasses.dataclass
class MortalDatabase:
    """A database of a process that dies before or after one of its operations."""

    database: Database
    life: Life

    async def write(self, *args: Any, **kwargs: Any) -> Any:
        self.life.step()
        result = await self.database.write(*args, **kwargs)
        self.life.step()
        return result

    async def read(self, *args: Any, **kwargs: Any) -> Any:
        self.life.step()
        return await self.database.read(*args, **kwargs)


class MortalBlobs:
    """A blob store of a process that dies in the middle of reading and writing."""

    def __init__(self, store: Blobs, life: Life) -> None:
        self._store, self._life = store, life
        self.location, self.block_bytes = store.location, store.block_bytes
        self.size, self.all = store.size, store.all
        self.open, self.close = store.open, store.close

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        self._life.step()
        size = await self._store.write(blob_id, blocks)
        self._life.step()
        return size

    async def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async for block in self._store.read(blob_id, start, stop):
            self._life.step()
            yield block

    async def delete(self, blob_id: str) -> None:
        self._life.step()
        await self._store.delete(blob_id)


class Place:
    """A database with an old folder and a store that is now the default."""

    def __init__(
        self, database: Database, old: FolderBlobs, new: Blobs, clock: ManualClock
    ) -> None:
        self.database, self.old, self.new, self.clock = database, old, new, clock
        self.before = BlobStores(old, [new])
        self.after = BlobStores(new, [old])
        self.texts: dict[str, bytes] = {}

    async def blob(self, text: bytes, location: str | None = None) -> WrittenBlob:
        async def content() -> AsyncIterator[bytes]:
            yield text

        blob_id = ids.new_hex(ids.BLOB)
        where = self.old.location if location is None else location
        await self.database.write(blobs.begin, blob_id, where, now=self.clock.now())
        return WrittenBlob(blob_id, await self.old.write(blob_id, content()), where)

    async def file(self, text: bytes, location: str | None = None) -> str:
        body, now = CreateFile(purpose="assistants"), int(self.clock.now())
        blob = await self.blob(text, location)
        made = await self.database.write(
            files.create, body, "a.txt", blob, project=PROJECT, now=now
        )
        self.texts[made.id] = text
        return made.id

    async def delete(self, file_id: str) -> None:
        now = int(self.clock.now())
        await self.database.write(files.delete, file_id, project=PROJECT, now=now)
        del self.texts[file_id]

    def mover(self, life: Life | None = None) -> ContentsMover:
        if life is None:
            return ContentsMover(self.database, self.after, self.clock)
        stores = BlobStores(
            MortalBlobs(self.new, life),
            [MortalBlobs(self.old, life)],
        )
        database: Any = MortalDatabase(self.database, life)
        return ContentsMover(database, stores, self.clock)

    async def check(self) -> None:
        """All contents can be read, wherever they are."""
        for file_id, text in self.texts.items():
            found = await self.database.read(files.content, file_id, project=PROJECT)
            blocks = read(self.after, found.blobs, 0, len(text))
            assert b"".join([block async for block in blocks]) == text

    async def sweep(self) -> None:
        """The server deletes what is left, after a while."""
        self.clock.advance(LEASE_SECONDS)
        await Sweeper(self.database, self.after, self.clock).step()

    async def left(self) -> int:
        return len([each async for each in self.old.all()])


@pytest.fixture
async def place(
    database: Database, database_url: str | None, data_dir: Path, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[Place]:
    old = FolderBlobs(tmp_path / "old")
    stores = connect_blobs(None, data_dir, url=database_url)
    await stores.open()
    await old.open()
    place = Place(database, old, stores.default, clock)
    await BlobLocator(database, place.before, clock).start()
    yield place
    await old.close()
    await stores.close()


async def verified(place: Place, database_url: str | None, data_dir: Path) -> bool:
    look = lambda: storage.snapshot(database_url, data_dir)  # noqa: E731
    return [each async for each in contents.check(place.after, look)] == []


async def test_contents_are_moved_and_the_old_bytes_go_after_a_while(
    place: Place, database_url: str | None, data_dir: Path
) -> None:
    for text in (b"one", b"", LARGE):
        await place.file(text)
    await place.file(b"of an earlier version", UNKNOWN)
    moved = await place.mover().run()
    assert moved == (4, 3 + len(LARGE) + 21, 0, ())
    (used,) = await place.database.read(blob_locations.list_used)
    assert used.location == place.new.location
    await place.check()
    assert await place.left() == 4  # somebody may be reading
    await place.sweep()
    assert await place.left() == 0
    await place.check()
    assert await verified(place, database_url, data_dir)
    assert await place.mover().run() == (0, 0, 0, ())


async def test_a_mover_that_is_killed_at_any_step_loses_nothing(
    place: Place, database_url: str | None, data_dir: Path
) -> None:
    texts = (b"one", LARGE)
    for text in texts:
        await place.file(text)
    steps = 0
    while True:
        try:
            moved = await place.mover(Life(steps)).run()
        except Killed:
            await place.check()
            steps += 1
        else:
            break
    assert steps > 10
    assert moved.problems == ()
    await place.check()
    await place.sweep()
    await place.check()
    assert await place.left() == 0
    assert await verified(place, database_url, data_dir)


async def test_what_is_deleted_or_completed_meanwhile_is_as_it_should_be(
    place: Place, database_url: str | None, data_dir: Path
) -> None:
    gone = await place.file(b"gone")
    now = int(place.clock.now())
    body = CreateUpload(filename="a", purpose="batch", bytes=3, mime_type="x/y")
    upload = await place.database.write(uploads.create, body, project=PROJECT, now=now)
    blob = await place.blob(b"abc")
    part = await place.database.write(uploads.add_part, upload.id, blob, project=PROJECT, now=now)

    class Meanwhile(MortalBlobs):
        """The new store, while somebody acts between the copy and the change of the rows."""

        done = False

        async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
            size = await super().write(blob_id, blocks)
            if not self.done:
                self.done = True
                await place.delete(gone)
                completed = await place.database.write(
                    uploads.complete,
                    upload.id,
                    CompleteUpload(part_ids=[part.id]),
                    project=PROJECT,
                    now=now,
                )
                assert isinstance(completed.file, File)
                place.texts[completed.file.id] = b"abc"
            return size

    stores = BlobStores(Meanwhile(place.new, Life(1000)), [place.old])
    await ContentsMover(place.database, stores, place.clock).run()
    await place.mover().run()
    await place.check()
    await place.sweep()
    await place.check()
    assert await place.left() == 0
    assert await verified(place, database_url, data_dir)


@pytest.mark.parametrize("spoil", ["shorter", "other"])
async def test_a_content_that_arrives_otherwise_stays_where_it_is(spoil: str, place: Place) -> None:
    await place.file(b"content")
    spoilt: dict[str, Callable[[bytes], bytes]] = {
        "shorter": lambda block: block[:-1],
        "other": lambda block: block.upper(),
    }

    class Spoiling(MortalBlobs):
        """A store that does not keep what it is given."""

        async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
            async def worse() -> AsyncIterator[bytes]:
                async for block in blocks:
                    yield spoilt[spoil](block)

            return await super().write(blob_id, worse())

    stores = BlobStores(Spoiling(place.new, Life(1000)), [place.old])
    moved = await ContentsMover(place.database, stores, place.clock).run()
    assert moved.contents == 0
    assert len(moved.problems) == 1
    await place.sweep()
    await place.check()
    assert await place.left() == 1


async def test_what_nobody_knows_is_removed_from_a_folder_of_this_database_alone(
    place: Place, tmp_path: Path
) -> None:
    blob = await place.blob(b"unfinished")
    for name in ("blob_x", "blob_y"):

        async def content() -> AsyncIterator[bytes]:
            yield b"nobody's"

        await place.old.write(name, content())
    assert (await place.mover().run()).removed == 2
    assert [each.id async for each in place.old.all()] == [blob.id]
    other = FolderBlobs(tmp_path / "old")  # as a second database finds it
    await other.open()
    assert not other.is_own
    await other.close()


async def test_contents_out_of_reach_stay(place: Place) -> None:
    await place.file(b"content", "folder:away")
    assert await place.mover().run() == (0, 0, 0, ())
    assert await place.left() == 1
