"""What every blob store must do: a folder, a bucket of a real S3 server, and PostgreSQL."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import ConfigurationError, Unavailable
from perdure.storage import Blobs, BlobStores, FolderBlobs, S3Settings, connect_blobs
from perdure.storage.blob_stores import read
from perdure.storage.blobs import to_blocks
from perdure.storage.postgres_blobs import PostgresBlobs
from perdure.storage.s3 import S3Blobs
from tests.object_store import ObjectStore

# Two objects and a half in S3.
LARGE = bytes(range(256)) * 80 * 1024


class Place(NamedTuple):
    """A blob store that is open, a look at what is in it, and what notes a blob beforehand."""

    store: Blobs
    stored: Callable[[], int]
    begin: Callable[[str], object] = lambda _: None

    async def write(self, blob_id: str, blocks: AsyncIterator[bytes]) -> int:
        self.begin(blob_id)
        return await self.store.write(blob_id, blocks)


class BrokenOff(Exception):
    """The sender is gone."""


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def broken_off(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
    raise BrokenOff


async def whole(found: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in found])


@pytest.fixture(params=["folder", "s3", "postgres"])
def server(request: pytest.FixtureRequest) -> ObjectStore | str | None:
    """An object store, the URL of a database, or None for a folder."""
    if request.param == "folder":
        return None
    found: ObjectStore | str = request.getfixturevalue(
        "object_store" if request.param == "s3" else "postgres_url"
    )
    return found


@pytest.fixture
async def place(server: ObjectStore | str | None, data_dir: Path) -> AsyncIterator[Place]:
    if isinstance(server, str):
        async with in_postgres(server) as found:
            yield found
        return
    bucket = server.create() if server else None
    store = connect_blobs(bucket, data_dir).default
    await store.open()
    yield Place(store, lambda: server.holds(bucket) if server and bucket else files_in(data_dir))
    await store.close()


@asynccontextmanager
async def in_postgres(url: str) -> AsyncIterator[Place]:
    store = PostgresBlobs(url)
    await store.open()
    with psycopg.connect(url, autocommit=True) as server:

        def begin(blob_id: str) -> None:
            server.execute(
                "INSERT INTO blobs (id, state, lease_until) VALUES (%s, 'writing', 0)", [blob_id]
            )

        def stored() -> int:
            row = server.execute("SELECT count(DISTINCT blob_id) FROM blob_blocks").fetchone()
            assert row is not None
            return int(row[0])

        yield Place(store, stored, begin)
    await store.close()


def files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("blob_*"))


async def test_what_was_written_is_read(place: Place) -> None:
    assert await place.write("blob_1", chunks(b"one ", b"", b"two")) == 7
    assert await whole(place.store.read("blob_1", 0, 7)) == b"one two"
    assert place.stored() == 1


async def test_any_range_can_be_read(place: Place) -> None:
    pieces = [LARGE[start : start + 65_536] for start in range(0, len(LARGE), 65_536)]
    assert await place.write("blob_1", chunks(*pieces)) == len(LARGE)
    for start, stop in ((0, len(LARGE)), (5, 6), (8_388_600, 8_388_620), (9_000_000, 17_000_000)):
        assert await whole(place.store.read("blob_1", start, stop)) == LARGE[start:stop]


async def test_a_reader_is_given_no_more_than_two_megabytes_at_once(place: Place) -> None:
    await place.write("blob_1", chunks(LARGE))
    sizes = [len(chunk) async for chunk in place.store.read("blob_1", 0, len(LARGE))]
    assert max(sizes) <= 2 * 1024 * 1024


async def test_a_blob_may_be_empty(place: Place) -> None:
    assert await place.write("blob_1", chunks()) == 0
    assert await whole(place.store.read("blob_1", 0, 0)) == b""
    await place.store.delete("blob_1")
    assert place.stored() == 0


async def test_a_deleted_blob_leaves_nothing_and_others_stay(place: Place) -> None:
    await place.write("blob_1", chunks(LARGE))
    await place.write("blob_11", chunks(b"other"))
    await place.store.delete("blob_1")
    await place.store.delete("blob_1")
    assert place.stored() == 1
    with pytest.raises(Unavailable):
        await whole(place.store.read("blob_1", 0, 1))
    assert await whole(place.store.read("blob_11", 0, 5)) == b"other"


async def test_all_that_has_bytes_is_listed_once_with_its_size(place: Place) -> None:
    assert [each async for each in place.store.all()] == []
    await place.write("blob_2", chunks(b"other"))
    await place.write("blob_1", chunks(LARGE))
    await place.write("blob_11", chunks(b"third"))
    with pytest.raises(BrokenOff):
        await place.write("blob_3", broken_off(LARGE))
    found = {each.id: each.bytes async for each in place.store.all()}
    left = found.pop("blob_3")
    assert 0 < left <= len(LARGE)
    assert found == {"blob_1": len(LARGE), "blob_11": 5, "blob_2": 5}
    await place.store.delete("blob_3")
    assert len([each async for each in place.store.all()]) == 3


async def test_what_a_sender_left_in_the_middle_can_be_deleted(place: Place) -> None:
    with pytest.raises(BrokenOff):
        await place.write("blob_1", broken_off(LARGE))
    assert place.stored() > 0
    await place.store.delete("blob_1")
    assert place.stored() == 0


async def test_fewer_bytes_than_asked_for_are_told(place: Place) -> None:
    """A content-length is promised before the bytes are read."""
    await place.write("blob_1", chunks(b"short"))
    with pytest.raises(Unavailable):
        await whole(place.store.read("blob_1", 0, 6))


async def test_many_write_and_read_at_once(place: Place) -> None:
    names = [f"blob_{number}" for number in range(20)]
    await asyncio.gather(*(place.write(name, chunks(name.encode())) for name in names))
    found = await asyncio.gather(*(whole(place.store.read(name, 0, len(name))) for name in names))
    assert [text.decode() for text in found] == names


async def test_content_of_several_blobs_is_read_as_one(place: Place) -> None:
    blobs = []
    for number, text in enumerate((b"abc", b"", b"defgh", b"i")):
        size = await place.write(f"blob_{number}", chunks(text))
        blobs.append((f"blob_{number}", size, place.store.location))
    for start in range(10):
        for stop in range(start, 10):
            found = await whole(read(BlobStores(place.store), blobs, start, stop))
            assert found == b"abcdefghi"[start:stop]


async def test_the_size_of_what_is_stored_is_known_without_reading_it(place: Place) -> None:
    assert await place.store.size("blob_1") is None
    await place.write("blob_1", chunks(LARGE))
    await place.write("blob_11", chunks(b"other"))
    assert await place.store.size("blob_1") == len(LARGE)
    await place.store.delete("blob_1")
    assert await place.store.size("blob_1") is None


async def test_what_was_given_up_cannot_be_written_to_postgres(postgres_url: str) -> None:
    """Bytes without a row would be unknown."""
    async with in_postgres(postgres_url) as place:

        async def content() -> AsyncIterator[bytes]:
            yield LARGE
            with psycopg.connect(postgres_url) as server:
                server.execute("DELETE FROM blobs")
            yield LARGE

        with pytest.raises(Unavailable, match="given up"):
            await place.write("blob_1", content())
        assert place.stored() == 0


async def test_contents_in_postgres_outlive_their_connections(postgres_url: str) -> None:
    async with in_postgres(postgres_url) as place:

        async def content() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield LARGE
                with psycopg.connect(postgres_url) as server:
                    server.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = 'perdure'"
                    )

        assert await place.write("blob_1", content()) == 3 * len(LARGE)
        assert await whole(place.store.read("blob_1", 0, 3 * len(LARGE))) == 3 * LARGE


async def test_postgres_that_is_away_is_told_without_its_password() -> None:
    url = "postgresql://me:hushhush@127.0.0.1:9/db"
    store = PostgresBlobs(url, wait_seconds=0.5)
    await store.open()
    with pytest.raises(Unavailable) as caught:
        await store.write("blob_1", chunks(b"x"))
    assert "hushhush" not in caught.value.message
    await store.close()


async def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match=r"blobs cannot be made: Not a directory\.$"):
        await FolderBlobs(tmp_path / "file" / "blobs").open()


async def test_contents_in_a_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    await store.open()
    await store.write("blob_1", chunks(b"secret"))
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "blobs").rglob("*")}
    assert modes | {(tmp_path / "blobs").stat().st_mode & 0o077} == {0}
    await store.close()


async def test_a_bucket_that_does_not_exist_is_told_in_a_sentence(
    object_store: ObjectStore,
) -> None:
    bucket = object_store.create()._replace(url="s3://no-such-bucket")
    with pytest.raises(ConfigurationError, match=r"^The bucket s3://no-such-bucket cannot be"):
        await S3Blobs(bucket).open()


async def test_a_bucket_out_of_reach_is_told_without_its_secret() -> None:
    bucket = S3Settings("s3://bucket", "http://127.0.0.1:9", "us-east-1", "key", "hushhush")
    with pytest.raises(Unavailable) as caught:
        await S3Blobs(bucket).write("blob_1", chunks(b"x"))
    assert caught.value.message.startswith("The content cannot be stored or read now: ")
    assert "hushhush" not in caught.value.message
    assert "\n" not in caught.value.message


@given(st.lists(st.binary(max_size=20)), st.integers(min_value=1, max_value=8))
def test_joined_pieces_have_one_size(pieces: list[bytes], size: int) -> None:
    """But for the last, which is never empty."""

    async def collect() -> list[bytes]:
        return [piece async for piece in to_blocks(chunks(*pieces), size)]

    found = asyncio.run(collect())
    assert b"".join(found) == b"".join(pieces)
    assert all(len(piece) == size for piece in found[:-1])
    assert all(0 < len(piece) <= size for piece in found)


async def test_joining_single_bytes_takes_no_more_memory_than_the_piece() -> None:
    """A client decides in how many pieces its bytes come."""
    size = 200_000

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(size):
            yield bytes(1)

    tracemalloc.start()
    try:
        (piece,) = [piece async for piece in to_blocks(trickle(), size)]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(piece) == size
    assert most < 5 * size
