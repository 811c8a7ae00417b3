"""Rules for uploads in parts, on both databases."""

import pytest

from perdure.commands import files, uploads
from perdure.commands.blobs import WrittenBlob
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import UPLOAD, Signal, UploadStatus
from perdure.storage.database import Database
from perdure.wire.files import File, FileExpiresAfter
from perdure.wire.uploads import CompleteUpload, CreateUpload, Part, Upload
from tests.commands.acts import PROJECT, START
from tests.commands.test_files import doomed, written


async def upload(database: Database, size: int, *, seconds: int | None = None) -> Upload:
    body = CreateUpload(
        filename="a.bin",
        purpose="batch",
        bytes=size,
        mime_type="x/y",
        expires_after=FileExpiresAfter(anchor="created_at", seconds=seconds) if seconds else None,
    )
    return await database.write(uploads.create, body, project=PROJECT, now=START)


async def part(database: Database, upload_id: str, blob: WrittenBlob, *, now: int = START) -> Part:
    return await database.write(uploads.add_part, upload_id, blob, project=PROJECT, now=now)


async def complete(database: Database, upload_id: str, *part_ids: str, now: int = START) -> Upload:
    body = CompleteUpload(part_ids=list(part_ids))
    return await database.write(uploads.complete, upload_id, body, project=PROJECT, now=now)


async def cancel(database: Database, upload_id: str) -> Upload:
    return await database.write(uploads.cancel, upload_id, project=PROJECT, now=START)


async def test_parts_become_a_file_in_the_order_of_the_request(database: Database) -> None:
    made = await upload(database, 7)
    assert (made.status, made.expires_at) == ("pending", START + 3600)
    sent = [await written(database, size) for size in (1, 2, 4)]
    parts = [await part(database, made.id, blob) for blob in sent]
    done = await complete(database, made.id, parts[2].id, parts[0].id, parts[1].id, now=START + 5)
    assert isinstance(done.file, File)
    assert (done.id, done.status) == (made.id, "completed")
    assert (done.file.bytes, done.file.filename, done.file.purpose, done.file.created_at) == (
        7, "a.bin", "batch", START + 5,
    )  # fmt: skip
    found = await database.read(files.content, done.file.id, project=PROJECT)
    assert found == (done.file, [sent[2], sent[0], sent[1]])
    assert await doomed(database) == []


async def test_parts_that_complete_does_not_name_are_dropped(database: Database) -> None:
    made = await upload(database, 2)
    unused, used = await written(database, 2), await written(database, 2)
    await part(database, made.id, unused)
    named = await part(database, made.id, used)
    await complete(database, made.id, named.id)
    assert await doomed(database) == [unused.id]


async def test_the_files_life_begins_when_it_is_complete(database: Database) -> None:
    made = await upload(database, 0, seconds=7200)
    done = await complete(database, made.id, now=START + 10)
    assert isinstance(done.file, File)
    assert done.file.expires_at == START + 10 + 7200


async def test_sizes_that_do_not_add_up_are_refused(database: Database) -> None:
    made = await upload(database, 4)
    sent = await part(database, made.id, await written(database, 3))
    with pytest.raises(BadRequest, match=r"have 3 bytes, but the upload was created for 4 bytes"):
        await complete(database, made.id, sent.id)
    more = await part(database, made.id, await written(database, 1))
    assert (await complete(database, made.id, sent.id, more.id)).status == "completed"


async def test_unknown_parts_and_parts_named_twice_are_refused(database: Database) -> None:
    made, other = await upload(database, 2), await upload(database, 1)
    mine = await part(database, made.id, await written(database, 1))
    foreign = await part(database, other.id, await written(database, 1))
    with pytest.raises(BadRequest) as caught:
        await complete(database, made.id, mine.id, foreign.id)
    assert caught.value.message == f"No part found with id '{foreign.id}' in this upload."
    assert caught.value.param == "part_ids[1]"
    with pytest.raises(BadRequest) as caught:
        await complete(database, made.id, mine.id, mine.id)
    assert caught.value.message == f"The part '{mine.id}' is named twice."


async def test_a_cancelled_upload_drops_its_parts(database: Database) -> None:
    made = await upload(database, 1)
    blob = await written(database, 1)
    await part(database, made.id, blob)
    cancelled = await cancel(database, made.id)
    assert cancelled.status == "cancelled"
    assert await doomed(database) == [blob.id]


async def test_an_upload_expires_after_an_hour_and_drops_its_parts(database: Database) -> None:
    made = await upload(database, 1)
    blob = await written(database, 1)
    await part(database, made.id, blob)
    assert await database.write(uploads.expire_due, now=START + 3599, limit=10) == 0
    assert await database.write(uploads.expire_due, now=START + 3600, limit=10) == 1
    assert await doomed(database) == [blob.id]
    with pytest.raises(BadRequest, match=r"^Cannot complete upload with status 'expired'\.$"):
        await complete(database, made.id)


async def test_an_upload_past_its_time_is_expired_before_anybody_says_so(
    database: Database,
) -> None:
    made = await upload(database, 1)
    blob = await written(database, 1)
    with pytest.raises(BadRequest, match=r"^Cannot add parts to upload with status 'expired'\.$"):
        await part(database, made.id, blob, now=START + 3600)


ENDS = {
    UploadStatus.COMPLETED: lambda database, upload_id: complete(database, upload_id),
    UploadStatus.CANCELLED: lambda database, upload_id: cancel(database, upload_id),
}


@pytest.mark.parametrize("status", ENDS)
async def test_an_ended_upload_takes_nothing_more(database: Database, status: UploadStatus) -> None:
    made = await upload(database, 0)
    assert (await ENDS[status](database, made.id)).status == status
    with pytest.raises(BadRequest, match=f"^Cannot complete upload with status '{status}'.$"):
        await complete(database, made.id)
    with pytest.raises(BadRequest, match=f"^Cannot cancel upload with status '{status}'.$"):
        await cancel(database, made.id)
    blob = await written(database, 1)
    with pytest.raises(BadRequest, match=f"^Cannot add parts to upload with status '{status}'.$"):
        await part(database, made.id, blob)


async def test_parts_have_eight_gigabytes_in_all(database: Database) -> None:
    gigabyte = 1024**3
    made = await upload(database, 8 * gigabyte)
    await part(database, made.id, await written(database, 8 * gigabyte - 1))
    with pytest.raises(BadRequest, match="would have more than 8589934592 bytes"):
        await part(database, made.id, await written(database, 2))
    await part(database, made.id, await written(database, 1))


async def test_another_projects_upload_does_not_exist(database: Database) -> None:
    made = await upload(database, 0)
    for act in (
        database.write(uploads.cancel, made.id, project="proj_other", now=START),
        database.write(
            uploads.complete, made.id, CompleteUpload(part_ids=[]), project="x", now=START
        ),
        database.read(
            uploads.require_pending, made.id, Signal.MODIFY, project="proj_other", now=START
        ),
    ):
        with pytest.raises(NotFound, match=f"^No upload found with id '{made.id}'.$"):
            await act


def test_only_a_pending_upload_moves() -> None:
    assert {move.source for move in UPLOAD} == {UploadStatus.PENDING}
    assert {move.target for move in UPLOAD} == set(UploadStatus) - {UploadStatus.PENDING}
