"""The invariants find contents that are lost, and bytes that nobody knows; on each blob store."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from perdure import ids, storage
from perdure.commands import blobs, files
from perdure.commands.blobs import WrittenBlob
from perdure.engine.sweeper import Sweeper
from perdure.invariants import Violation, contents
from perdure.storage import BlobStores, connect_blobs
from perdure.storage.blobs import Stored
from perdure.storage.database import Database
from perdure.storage.postgres_blobs import PostgresBlobs
from perdure.testing.manual_clock import ManualClock
from perdure.wire.files import CreateFile
from tests.commands.acts import PROJECT, START
from tests.object_store import ObjectStore


class Shelf:
    """A database with a blob store; `listing` is the blob store while something happens to it."""

    def __init__(
        self, database: Database, blobs: BlobStores, url: str | None, data_dir: Path
    ) -> None:
        self.database = database
        self.blobs = blobs
        self.url = url
        self.data_dir = data_dir

    async def write(self, text: bytes) -> WrittenBlob:
        """A blob with its bytes, and no owner yet."""

        async def content() -> AsyncIterator[bytes]:
            yield text

        blob_id = ids.new(ids.BLOB)
        await self.database.write(blobs.begin, blob_id, self.blobs.location, now=START)
        return WrittenBlob(blob_id, await self.blobs.write(blob_id, content()), self.blobs.location)

    async def file(self, text: bytes) -> tuple[str, str]:
        """The ids of a new file and of its blob."""
        blob = await self.write(text)
        made = await self.database.write(
            files.create,
            CreateFile(purpose="assistants"),
            "a.txt",
            blob,
            project=PROJECT,
            now=START,
        )
        return made.id, blob.id

    async def delete(self, file_id: str) -> None:
        await self.database.write(files.delete, file_id, project=PROJECT, now=START)

    async def sweep(self) -> None:
        await Sweeper(self.database, self.blobs, ManualClock(START)).step()

    async def wrong(self, listing: BlobStores | None = None) -> list[Violation]:
        look = lambda: storage.snapshot(self.url, self.data_dir)  # noqa: E731
        return [each async for each in contents.check(listing or self.blobs, look)]


@pytest.fixture(params=["folder", "s3"])
async def filled(
    request: pytest.FixtureRequest, database: Database, database_url: str | None, data_dir: Path
) -> AsyncIterator[Shelf]:
    bucket = None
    if request.param == "s3":
        server: ObjectStore = request.getfixturevalue("object_store")
        bucket = server.create()
    blobs = connect_blobs(bucket, data_dir)
    await blobs.open()
    yield Shelf(database, blobs, database_url, data_dir)
    await blobs.close()


async def test_contents_that_come_and_go_break_nothing(filled: Shelf) -> None:
    assert await filled.wrong() == []
    first, _ = await filled.file(b"one")
    await filled.file(b"")
    await filled.write(b"nobody's yet")
    assert await filled.wrong() == []
    await filled.delete(first)
    assert await filled.wrong() == []
    await filled.sweep()
    assert await filled.wrong() == []


async def test_a_content_that_is_lost_is_found(filled: Shelf) -> None:
    _, blob_id = await filled.file(b"one")
    await filled.file(b"two")
    await filled.blobs.default.delete(blob_id)
    assert await filled.wrong() == [(blob_id, "is a content of 3 bytes, of which 0 are stored")]


async def test_a_content_that_is_cut_short_is_found(filled: Shelf) -> None:
    _, blob_id = await filled.file(b"one")

    async def content() -> AsyncIterator[bytes]:
        yield b"o"

    await filled.blobs.default.delete(blob_id)
    await filled.blobs.write(blob_id, content())
    assert await filled.wrong() == [(blob_id, "is a content of 3 bytes, of which 1 are stored")]


async def test_bytes_that_nobody_knows_are_found(filled: Shelf) -> None:
    blob = await filled.write(b"one")
    await filled.database.write(blobs.abandon, blob.id)
    assert await filled.wrong() == []
    await filled.database.write(blobs.forget, [blob.id])
    assert await filled.wrong() == [(blob.id, "is stored with 3 bytes, and nobody knows it")]


async def test_contents_that_cannot_be_reached_are_counted_and_not_damage(
    filled: Shelf, database_url: str | None, data_dir: Path
) -> None:
    """Those without a location may be on another server, if there can be any."""
    for name, location, size in (("a", "folder:away", 7), ("b", "", 7), ("c", "folder:away", 0)):
        await filled.database.write(blobs.begin, f"blob_{name}", location, now=START)
        await filled.database.write(
            files.create,
            CreateFile(purpose="assistants"),
            "a.txt",
            WrittenBlob(f"blob_{name}", size, location),
            project=PROJECT,
            now=START,
        )
    stores = filled.blobs
    if database_url:
        stores = BlobStores(stores.default, [PostgresBlobs(database_url)])
        await stores.open(to_look=True)
    lost = [("blob_b", "is a content of 7 bytes, of which 0 are stored")]
    assert await filled.wrong(stores) == ([] if database_url else lost)
    with storage.snapshot(database_url, data_dir) as tx:
        unjudged = contents.count_unjudged(tx, stores)
    assert unjudged == {"folder:away": 1, **({"": 1} if database_url else {})}
    if database_url:
        await stores.all[1].close()


async def test_contents_of_an_earlier_version_are_judged_where_their_bytes_are(
    filled: Shelf,
) -> None:
    blob = await filled.write(b"one")
    unlocated = blob._replace(location="")
    await filled.database.write(blobs.abandon, blob.id)
    await filled.database.write(blobs.forget, [blob.id])
    await filled.database.write(blobs.begin, blob.id, "", now=START)
    body = CreateFile(purpose="assistants")
    await filled.database.write(files.create, body, "a", unlocated, project=PROJECT, now=START)
    assert await filled.wrong() == []


@pytest.mark.parametrize("before", [True, False], ids=["before the listing", "after it"])
async def test_what_goes_or_comes_while_it_is_listed_breaks_nothing(
    filled: Shelf, before: bool
) -> None:
    """Servers go on meanwhile."""
    file_id, _ = await filled.file(b"one")

    class Meanwhile:
        """The blob store, while a file is deleted and another added."""

        location = filled.blobs.location

        def __init__(self) -> None:
            self.listed = 0

        async def all(self) -> AsyncGenerator[Stored, None]:
            self.listed += 1
            if before and self.listed == 1:
                await self._act()
            async for each in filled.blobs.default.all():
                yield each
            if not before and self.listed == 1:
                await self._act()

        async def _act(self) -> None:
            await filled.delete(file_id)
            await filled.sweep()
            await filled.file(b"two")

    meanwhile = Meanwhile()
    assert await filled.wrong(BlobStores(meanwhile)) == []  # type: ignore[arg-type]
    assert meanwhile.listed == (1 if before else 2)
