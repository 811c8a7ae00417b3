"""Uploads in parts over HTTP."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from perdure.app import Perdure
from perdure.commands import uploads
from perdure.testing.manual_clock import ManualClock
from perdure.wire.projects import DEFAULT_PROJECT
from perdure.wire.uploads import CompleteUpload
from tests.api.test_files import KIND, field, file_field, form, stored

BODY = {"filename": "a/b.bin", "purpose": "batch", "bytes": 6, "mime_type": "x/y"}


async def create(http: httpx2.AsyncClient, **changes: object) -> Any:
    response = await http.post("/uploads", json={**BODY, **changes})
    assert response.status_code == 200, response.text
    return response.json()


async def part(http: httpx2.AsyncClient, upload_id: str, *fields: bytes) -> httpx2.Response:
    return await http.post(f"/uploads/{upload_id}/parts", content=form(*fields), headers=KIND)


async def send(http: httpx2.AsyncClient, upload_id: str, content: bytes) -> str:
    response = await part(http, upload_id, file_field(content, name="data", filename="upload"))
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def complete(http: httpx2.AsyncClient, upload_id: str, **body: object) -> httpx2.Response:
    return await http.post(f"/uploads/{upload_id}/complete", json=body)


async def test_parts_become_one_file_with_the_right_sum(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Spec 01 §13: the key `file` is absent until the upload is completed."""
    made = await create(http)
    now = int(clock.now())
    assert made == {
        "id": made["id"], "object": "upload", "bytes": 6, "created_at": now,
        "filename": "b.bin", "purpose": "batch", "status": "pending", "expires_at": now + 3600,
    }  # fmt: skip
    response = await part(http, made["id"], file_field(b"def", name="data"))
    second = response.json()
    assert second == {
        "id": second["id"], "object": "upload.part", "created_at": now, "upload_id": made["id"],
    }  # fmt: skip
    first = await send(http, made["id"], b"abc")
    md5 = hashlib.md5(b"abcdef").hexdigest().upper()
    done = await complete(http, made["id"], part_ids=[first, second["id"]], md5=md5)
    assert done.status_code == 200, done.text
    file = done.json()["file"]
    assert done.json() == {**made, "status": "completed", "file": file}
    assert (await http.get(f"/files/{file['id']}")).json() == file
    path = f"/files/{file['id']}/content"
    assert (await http.get(path)).content == b"abcdef"
    assert (await http.get(path, headers={"range": "bytes=2-4"})).content == b"cde"


async def test_a_wrong_sum_is_refused_and_the_upload_goes_on(http: httpx2.AsyncClient) -> None:
    made = await create(http)
    sent = await send(http, made["id"], b"abcdef")
    refused = await complete(http, made["id"], part_ids=[sent], md5="0" * 32)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "md5"
    assert refused.json()["error"]["message"] == (
        f"The md5 of the parts is {hashlib.md5(b'abcdef').hexdigest()}, "
        f"but '{'0' * 32}' was expected."
    )
    assert (await complete(http, made["id"], part_ids=[sent])).json()["status"] == "completed"


async def test_the_parts_of_a_cancelled_upload_are_deleted(
    http: httpx2.AsyncClient, app: Perdure
) -> None:
    made = await create(http)
    await send(http, made["id"], b"abc")
    cancelled = await http.post(f"/uploads/{made['id']}/cancel")
    assert cancelled.json() == {**made, "status": "cancelled"}
    await app.engine.sweeper.step()
    assert await stored(app) == 0
    again = await http.post(f"/uploads/{made['id']}/cancel")
    assert again.json()["error"]["message"] == "Cannot cancel upload with status 'cancelled'."


async def test_an_upload_expires_with_its_parts(
    http: httpx2.AsyncClient, app: Perdure, clock: ManualClock
) -> None:
    made = await create(http)
    sent = await send(http, made["id"], b"abcdef")
    clock.advance(3600)
    await app.engine.sweeper.step()
    assert await stored(app) == 0
    refused = await complete(http, made["id"], part_ids=[sent])
    assert refused.json()["error"]["message"] == "Cannot complete upload with status 'expired'."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purpose": "x"}, "Invalid value: 'x'. Supported values are: 'fine-tune', 'assistants', "
         "'batch', 'user_data', 'vision', and 'evals'."),
        ({"bytes": 8 * 1024**3 + 1}, "Invalid 'bytes': integer above maximum value. Expected a "
         "value <= 8589934592, but got 8589934593 instead."),
        ({"bytes": -1}, "Invalid 'bytes': integer below minimum value. Expected a value >= 0, "
         "but got -1 instead."),
        ({"expires_after": {"anchor": "created_at", "seconds": 1}}, "Invalid "
         "'expires_after.seconds': integer below minimum value. Expected a value >= 3600, "
         "but got 1 instead."),
        ({"filename": ""}, "Invalid 'filename': empty string. Expected a string with minimum "
         "length 1, but got an empty string instead."),
    ],
)  # fmt: skip
async def test_a_wrong_upload_is_refused(
    http: httpx2.AsyncClient, changes: dict[str, object], message: str
) -> None:
    response = await http.post("/uploads", json={**BODY, **changes})
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


async def test_a_wrong_part_is_refused_and_nothing_of_it_stays(
    http: httpx2.AsyncClient, app: Perdure
) -> None:
    made = await create(http)
    for fields, message in (
        ([], "'data' is a required property"),
        ([field("data", "no file")], "'data' is a required property"),
        (
            [file_field(b"x", name="data"), field("more", "y")],
            "Additional properties are not allowed ('more' was unexpected)",
        ),
    ):
        response = await part(http, made["id"], *fields)
        assert (response.status_code, response.json()["error"]["message"]) == (400, message)
    await app.engine.sweeper.step()
    assert await stored(app) == 0


@pytest.mark.parametrize(
    ("upload_id", "status", "message"),
    [
        ("upload_no", 404, "No upload found with id 'upload_no'."),
        ("file-1", 400, "Invalid 'upload_id': 'file-1'. Expected an ID that begins with 'upload'."),
    ],
)
async def test_an_unknown_upload_is_said(
    http: httpx2.AsyncClient, upload_id: str, status: int, message: str
) -> None:
    for answer in (
        await part(http, upload_id, file_field(b"x", name="data")),
        await complete(http, upload_id, part_ids=[]),
        await http.post(f"/uploads/{upload_id}/cancel"),
    ):
        assert (answer.status_code, answer.json()["error"]["message"]) == (status, message)


@pytest.mark.parametrize("md5", [None, hashlib.md5(b"abcdef").hexdigest()])
async def test_an_upload_is_completed_only_if_all_its_parts_can_be_reached(
    http: httpx2.AsyncClient, app: Perdure, md5: str | None
) -> None:
    """A part may be on another server; the upload goes on when that is back."""
    made = await create(http)
    first, second = [await send(http, made["id"], piece) for piece in (b"abc", b"def")]
    parts = await app.database.read(
        uploads.blobs_of,
        made["id"],
        CompleteUpload(part_ids=[first, second]),
        project=DEFAULT_PROJECT,
        now=made["created_at"],
    )
    store = app.blobs.default
    await store.delete(parts[1].id)
    body = {"part_ids": [first, second], **({"md5": md5} if md5 else {})}
    refused = await complete(http, made["id"], **body)
    assert refused.status_code == 503
    assert refused.json()["error"]["message"] == "A part of the content is missing."
    assert (await http.get("/files")).json()["data"] == []
    await store.write(parts[1].id, _one(b"def"))
    done = await complete(http, made["id"], **body)
    assert done.json()["status"] == "completed"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
