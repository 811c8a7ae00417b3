"""Images in new messages: what is none is refused at the door, by its bytes (spec 03 §16)."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx2
import pytest

from perdure import settings
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.servers import client
from tests.api.test_files import upload
from tests.object_store import ObjectStore

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)
GIF = b"GIF89a" + bytes(64)
WEBP = b"RIFF\x40\x00\x00\x00WEBPVP8 " + bytes(64)
FORMATS = ".jpeg, .jpg, .png, .gif, .webp"

DOORS = [
    ("/threads/{thread}/messages", "{message}", ""),
    ("/threads", '{"messages": [{plain}, {message}]}', "messages[1]."),
    (
        "/threads/runs",
        '{"assistant_id": "{assistant}", "thread": {"messages": [{message}]}}',
        "thread.messages[0].",
    ),
    (
        "/threads/{thread}/runs",
        '{"assistant_id": "{assistant}", "additional_messages": [{plain}, {message}]}',
        "additional_messages[1].",
    ),
]


async def messages(http: httpx2.AsyncClient) -> list[object]:
    """All messages that are stored."""
    threads = (await http.get("/threads", params={"limit": 100})).json()
    assert not threads["has_more"]
    pages = [await http.get(f"/threads/{each['id']}/messages") for each in threads["data"]]
    return [message for page in pages for message in page.json()["data"]]


def showing(file_id: str) -> dict[str, Any]:
    image = {"type": "image_file", "image_file": {"file_id": file_id}}
    return {"role": "user", "content": [{"type": "text", "text": "Look"}, image]}


def linking(url: str) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": url}}
    return {"role": "user", "content": [{"type": "text", "text": "Look"}, image]}


async def knock(
    http: httpx2.AsyncClient, path: str, body: str, message: dict[str, Any]
) -> httpx2.Response:
    """Sends the message through one of the doors, on objects of its own."""
    thread, assistant = [
        (await http.post(where, json=given)).json()["id"]
        for where, given in (("/threads", {}), ("/assistants", {"model": "m"}))
    ]
    filled = (
        body.replace("{message}", json.dumps(message))
        .replace("{plain}", json.dumps({"role": "user", "content": "Hello"}))
        .replace("{assistant}", assistant)
    )
    return await http.post(path.format(thread=thread), content=filled)


async def test_a_file_that_is_no_image_is_refused_at_every_door(
    http: httpx2.AsyncClient,
) -> None:
    for content in (b"<html>", b"\x89PN", b"RIFF\x40\x00\x00\x00WAVEfmt "):
        file_id = await upload(http, content, "chart.png")
        for path, body, head in DOORS:
            refused = await knock(http, path, body, showing(file_id))
            assert refused.status_code == 400
            assert refused.json()["error"] == {
                "message": "Invalid message content: Expected file type to be a supported format: "
                f"{FORMATS} but the content of 'chart.png' is in none of them.",
                "type": "invalid_request_error",
                "param": f"{head}content[1].image_file.file_id",
                "code": "invalid_image_format",
            }
    assert await messages(http) == []


async def test_an_image_is_taken_whatever_its_name_says_of_its_type(
    http: httpx2.AsyncClient,
) -> None:
    for content in (PNG, JPEG, GIF, WEBP):
        file_id = await upload(http, content, "photo.JPG")
        for path, body, _ in DOORS:
            assert (await knock(http, path, body, showing(file_id))).status_code == 200


@pytest.mark.parametrize("database_url", [None])
async def test_the_bytes_are_looked_at_in_a_bucket_too(
    data_dir: Path, schema: None, clock: ManualClock, object_store: ObjectStore
) -> None:
    """The tests above have them in the data folder or in PostgreSQL."""
    bucket = object_store.create()._asdict()
    chosen = {f"blob_{name}": value for name, value in bucket.items()}
    app = Perdure(settings.only(data_dir=data_dir, drain_seconds=0, **chosen), clock=clock)
    await app.open()
    try:
        async with client(app) as http:
            for content, status in ((PNG, 200), (b"GIF", 400), (b"", 400)):
                file_id = await upload(http, content, "a.png")
                answer = await knock(http, *DOORS[0][:2], showing(file_id))
                assert answer.status_code == status
    finally:
        await app.close()


async def test_the_name_is_refused_before_the_bytes_are_looked_at(
    http: httpx2.AsyncClient,
) -> None:
    """Spec 05 §3.4."""
    for content, filename, ending in ((PNG, "chart.txt", ".txt"), (b"%PDF", "a.pdf", ".pdf")):
        file_id = await upload(http, content, filename)
        refused = await knock(http, *DOORS[0][:2], showing(file_id))
        assert refused.status_code == 400
        assert refused.json()["error"]["message"].endswith(f"{FORMATS} but got {ending}.")


async def test_an_image_that_came_in_small_parts_is_known(http: httpx2.AsyncClient) -> None:
    """Its first bytes are spread over several contents."""
    body = {"filename": "a.png", "purpose": "vision", "bytes": len(PNG), "mime_type": "image/png"}
    started = (await http.post("/uploads", json=body)).json()["id"]
    parts = []
    for piece in (PNG[:3], PNG[3:7], PNG[7:]):
        part = await http.post(f"/uploads/{started}/parts", files={"data": piece})
        parts.append(part.json()["id"])
    completed = await http.post(f"/uploads/{started}/complete", json={"part_ids": parts})
    file_id = completed.json()["file"]["id"]
    assert (await knock(http, *DOORS[0][:2], showing(file_id))).status_code == 200


async def test_a_data_url_without_an_image_is_refused_at_every_door(
    http: httpx2.AsyncClient,
) -> None:
    for url in (
        "data:image/png;base64," + b64encode(b"<html>no image at all").decode(),
        "data:image/png;base64,",
        "data:image/png;base64,!!!!",
        "data:image/png," + PNG[:6].decode("latin-1"),
        "DATA:image/png",
        "data:" + "x" * 1000 + ";base64," + b64encode(PNG).decode(),
    ):
        for path, body, head in DOORS:
            refused = await knock(http, path, body, linking(url))
            assert refused.status_code == 400
            error = refused.json()["error"]
            assert error["code"] == "invalid_image_format"
            assert error["param"] == f"{head}content[1].image_url.url"
    assert await messages(http) == []


async def test_a_data_url_with_an_image_comes_back_as_it_was_sent(
    http: httpx2.AsyncClient,
) -> None:
    for content in (PNG, JPEG, GIF, WEBP):
        lines = b64encode(content).decode()
        url = f"data:image/png;base64,{lines[:5]}\n{lines[5:]}"
        taken = await knock(http, *DOORS[0][:2], linking(url))
        assert taken.json()["content"][1]["image_url"]["url"] == url
