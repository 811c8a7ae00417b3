"""Where contents go, and where those that are elsewhere are read from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.errors import ConfigurationError, Unavailable
from perdure.storage import BlobStores, ContentsPlace, FolderBlobs, connect_blobs
from perdure.storage.blob_stores import UNKNOWN, describe, read
from tests.object_store import ObjectStore

URL = "postgresql://me@/db"


async def content(text: bytes = b"content") -> AsyncIterator[bytes]:
    yield text


async def whole(found: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in found])


async def opened(folder: Path) -> FolderBlobs:
    store = FolderBlobs(folder)
    await store.open()
    return store


@pytest.mark.parametrize(
    ("url", "with_bucket", "contents", "kind"),
    [
        (None, False, None, "folder"),
        (None, True, None, "s3"),
        (URL, False, None, "database"),
        (URL, True, None, "s3"),
        (URL, True, "database", "database"),
        (URL, False, "folder", "folder"),
        (None, True, "folder", "folder"),
    ],
)
def test_new_contents_go_where_the_settings_say(
    url: str | None,
    with_bucket: bool,
    contents: ContentsPlace | None,
    kind: str,
    data_dir: Path,
    object_store: ObjectStore,
) -> None:
    bucket = object_store.create() if with_bucket else None
    stores = connect_blobs(bucket, data_dir, url=url, contents=contents)
    assert stores.location.partition(":")[0] == kind


async def test_a_folder_that_nothing_goes_to_is_not_made_and_an_old_one_is_kept_in_reach(
    data_dir: Path, postgres_url: str
) -> None:
    stores = connect_blobs(None, data_dir, url=postgres_url)
    await stores.open()
    assert stores.locations == ["database"]
    await stores.close()
    old = await opened(data_dir / "blobs")
    await old.write("blob_1", content())
    stores = connect_blobs(None, data_dir, url=postgres_url)
    await stores.open()
    assert stores.locations == ["database", old.location]
    assert await whole(stores.read("blob_1", old.location, 0, 7)) == b"content"
    await stores.close()
    await old.close()


async def test_a_folder_has_one_id_for_ever_and_another_folder_has_another(tmp_path: Path) -> None:
    first, again, other = [await opened(tmp_path / name) for name in ("a", "a", "b")]
    assert first.location == again.location != other.location
    assert (first.is_own, again.is_own, other.is_own) == (True, False, True)
    assert first.location.startswith("folder:")
    assert [each async for each in first.all()] == []
    for store in (first, again, other):
        await store.close()


async def test_a_look_from_outside_makes_nothing(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    await store.open(to_look=True)
    assert [each async for each in store.all()] == []
    assert not store.path.exists()
    await store.close()


def test_a_folder_beside_another_database_is_nobodys_own(data_dir: Path) -> None:
    """What a server on SQLite has left there is not known to PostgreSQL."""
    (data_dir / "blobs").mkdir(parents=True)
    (data_dir / "perdure.db").touch()
    folder = connect_blobs(None, data_dir, url=URL).folder
    assert folder is not None
    folder._make()
    assert not folder.is_own


async def test_contents_without_a_location_are_looked_for(tmp_path: Path) -> None:
    first, second = await opened(tmp_path / "a"), await opened(tmp_path / "b")
    stores = BlobStores(first, [second])
    await second.write("blob_1", content())
    assert await stores.find("blob_1") == second.location
    assert await whole(stores.read("blob_1", UNKNOWN, 0, 7)) == b"content"
    assert await stores.find("blob_2") is None
    with pytest.raises(Unavailable, match="in no place that this server can reach"):
        await whole(stores.read("blob_2", UNKNOWN, 0, 7))
    await stores.close()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("database", "the database"),
        ("folder:node-a-1234", "the data folder node-a-1234"),
        ("s3://bucket/x", "the bucket s3://bucket/x"),
    ],
)
async def test_a_location_out_of_reach_is_named(location: str, words: str, tmp_path: Path) -> None:
    stores = BlobStores(await opened(tmp_path / "a"))
    assert describe(location) == words
    for asked in (
        whole(stores.read("blob_1", location, 0, 7)),
        whole(read(stores, [("blob_1", 7, location)], 0, 7)),
        stores.require([("blob_1", 7, location)]),
    ):
        with pytest.raises(Unavailable) as refused:
            await asked
        message = f"The content is in {words}, which this server cannot reach."
        assert refused.value.message == message
    await stores.close()


async def test_contents_are_within_reach_if_all_their_bytes_are(tmp_path: Path) -> None:
    stores = BlobStores(await opened(tmp_path / "a"))
    await stores.write("blob_1", content())
    await stores.require([("blob_1", 7, stores.location), ("blob_2", 0, "folder:away")])
    for blobs in ([("blob_1", 8, stores.location)], [("blob_2", 1, stores.location)]):
        with pytest.raises(Unavailable, match="A part of the content is missing"):
            await stores.require(blobs)
    await stores.close()


async def test_a_store_that_cannot_be_opened_leaves_none_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    good = FolderBlobs(tmp_path / "a")
    stores = BlobStores(good, [FolderBlobs(tmp_path / "file" / "blobs")])
    with pytest.raises(ConfigurationError):
        await stores.open()
    assert good._threads is None
