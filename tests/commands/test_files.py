"""Rules for files, on both databases."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import ids
from perdure.commands import blobs, files
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.errors import BadRequest, NotFound, Unavailable
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode
from perdure.wire.files import CreateFile, File, FileExpiresAfter
from tests.commands.acts import PROJECT, START


async def written(database: Database, size: int = 3) -> WrittenBlob:
    """A blob that a writer has finished; its bytes do not matter here."""
    blob = WrittenBlob(ids.new_hex(ids.BLOB), size, "database")
    await database.write(blobs.begin, blob.id, blob.location, now=START)
    return blob


async def file(database: Database, *, seconds: int | None = None, blob: WrittenBlob) -> File:
    policy = FileExpiresAfter(anchor="created_at", seconds=seconds) if seconds else None
    body = CreateFile(purpose="assistants", expires_after=policy)
    return await database.write(files.create, body, "a.txt", blob, project=PROJECT, now=START)


async def doomed(database: Database) -> list[str]:
    return await database.read(blobs.list_doomed, "database", limit=100)


async def test_a_file_has_the_blob_as_its_content(database: Database) -> None:
    blob = await written(database)
    made = await file(database, blob=blob)
    found = await database.read(files.content, made.id, project=PROJECT)
    assert found == (made, [blob])
    assert (made.bytes, made.filename, made.purpose, made.expires_at) == (
        3, "a.txt", "assistants", None,
    )  # fmt: skip


async def test_a_deleted_file_is_gone_and_its_content_doomed(database: Database) -> None:
    blob = await written(database)
    made = await file(database, blob=blob)
    assert await doomed(database) == []
    deleted = await database.write(files.delete, made.id, project=PROJECT, now=START)
    assert (deleted.id, deleted.object, deleted.deleted) == (made.id, "file", True)
    assert await doomed(database) == [blob.id]
    with pytest.raises(NotFound, match=f"^No such File object: {made.id}$"):
        await database.read(files.get, made.id, project=PROJECT)


async def test_another_projects_file_does_not_exist(database: Database) -> None:
    made = await file(database, blob=await written(database))
    for act in (files.get, files.content):
        with pytest.raises(NotFound):
            await database.read(act, made.id, project="proj_other")
    with pytest.raises(NotFound):
        await database.write(files.delete, made.id, project="proj_other", now=START)
    assert decode(await database.read(files.get, made.id, project=PROJECT), File) == made


async def test_a_file_expires_at_its_time_and_not_before(database: Database) -> None:
    blob = await written(database)
    made = await file(database, blob=blob, seconds=3600)
    stays = await file(database, blob=await written(database))
    assert made.expires_at == START + 3600
    assert await database.write(files.expire_due, now=START + 3599, limit=10) == 0
    assert await database.write(files.expire_due, now=START + 3600, limit=10) == 1
    with pytest.raises(NotFound):
        await database.read(files.get, made.id, project=PROJECT)
    assert await doomed(database) == [blob.id]
    assert await database.read(files.get, stays.id, project=PROJECT)


async def test_files_expire_in_bounded_steps(database: Database) -> None:
    for _ in range(3):
        await file(database, blob=await written(database), seconds=3600)
    steps = [await database.write(files.expire_due, now=START + 3600, limit=2) for _ in range(3)]
    assert steps == [2, 1, 0]


async def test_a_silent_writer_is_given_up_and_can_keep_nothing(database: Database) -> None:
    blob = await written(database)
    await database.write(blobs.doom_lapsed, now=START + LEASE_SECONDS - 1, everybody=False)
    assert await doomed(database) == []
    await database.write(blobs.doom_lapsed, now=START + LEASE_SECONDS, everybody=False)
    assert await doomed(database) == [blob.id]
    with pytest.raises(Unavailable, match="silent for too long"):
        await file(database, blob=blob)
    with pytest.raises(Unavailable, match="silent for too long"):
        await database.write(blobs.renew, blob.id, now=START)
    assert await database.read(count, "files") == 0


async def test_a_writer_that_renews_is_never_given_up(database: Database) -> None:
    """An upload may take hours, and another server's sweeper leaves it alone."""
    blob = await written(database)
    for minute in range(0, 180, 5):
        now = START + minute * 60
        await database.write(blobs.renew, blob.id, now=now)
        await database.write(blobs.doom_lapsed, now=now + 299, everybody=False)
    assert (await file(database, blob=blob)).bytes == 3


async def test_at_the_start_of_a_lone_server_every_writer_is_dead(database: Database) -> None:
    kept = await written(database)
    await file(database, blob=kept)
    blob = await written(database)
    await database.write(blobs.doom_lapsed, now=START, everybody=True)
    assert await doomed(database) == [blob.id]


async def test_what_is_kept_cannot_be_abandoned_or_forgotten(database: Database) -> None:
    blob = await written(database)
    made = await file(database, blob=blob)
    await database.write(blobs.abandon, blob.id)
    await database.write(blobs.forget, [blob.id])
    assert (await database.read(files.content, made.id, project=PROJECT)).blobs == [blob]


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\me\\Résumé.docx", "Résumé.docx"),
        ("日本語 ファイル.md", "日本語 ファイル.md"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("nul\0.txt", "nul.txt"),
        ("gnp.\u202etxt.exe", "gnp.txt.exe"),
        ("", "upload"),
        ("..", "upload"),
        ("folder/", "upload"),
        (" \t", "upload"),
    ],
)
def test_a_name_loses_folders_and_what_cannot_be_seen(given_name: str, name: str) -> None:
    assert files.clean_name(given_name) == name


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_can_be_shown(name: str) -> None:
    cleaned = files.clean_name(name)
    assert cleaned
    assert not set(cleaned) & set("/\\\0\r\n\t\u202e")
    assert files.clean_name(cleaned) == cleaned
    assert cleaned.encode()


def test_a_name_that_is_too_long_is_refused() -> None:
    assert files.clean_name("x" * 512) == "x" * 512
    with pytest.raises(BadRequest) as caught:
        files.clean_name("x" * 513)
    assert (caught.value.param, caught.value.code) == ("filename", "string_above_max_length")


def test_the_ids_have_the_form_of_the_spec() -> None:
    """Spec 01 §1."""
    file_id = ids.new_file()
    assert len(file_id.removeprefix("file-")) == 22
    assert set(file_id.removeprefix("file-")) <= set(string.ascii_letters + string.digits)
    for prefix in (ids.UPLOAD, ids.PART):
        body = ids.new_hex(prefix).removeprefix(f"{prefix}_")
        assert len(body) == 32
        assert set(body) <= set("0123456789abcdef")


def count(tx: Transaction, noun: str) -> int:
    page = {"parent": PROJECT, "low": 0, "high": 2**62, "limit": 1000, "purpose": None}
    return len(tx.all(f"{noun}.oldest_first", **page))
