"""Images that are files, on their way to a real model server (spec 03 §16)."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure import ids
from perdure.commands import blobs as rules
from perdure.commands import files, threads
from perdure.commands.blobs import WrittenBlob
from perdure.engine.images import inlined
from perdure.errors import BadRequest
from perdure.storage import BlobStores
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.chat import ChatMessage, ChatRequest
from perdure.wire.files import CreateFile, File
from perdure.wire.messages import (
    CreateMessage,
    ImageFile,
    ImageFilePart,
    ImageUrl,
    ImageUrlPart,
    TextInput,
)
from perdure.wire.threads import CreateThread, Thread
from tests.commands.acts import PROJECT
from tests.engine.upstream import Upstream

PIXELS = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
URL = f"data:image/png;base64,{b64encode(PIXELS).decode()}"


class Album:
    """Files on a database and in a blob store."""

    def __init__(self, database: Database, blobs: BlobStores, clock: ManualClock) -> None:
        self.database = database
        self.blobs = blobs
        self.clock = clock

    async def add(self, name: str = "a.png", content: bytes = PIXELS) -> File:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        blob_id = ids.new_hex(ids.BLOB)
        location = self.blobs.location
        await self.database.write(rules.begin, blob_id, location, now=self.clock.now())
        blob = WrittenBlob(blob_id, await self.blobs.write(blob_id, chunks()), location)
        body = CreateFile(purpose="vision")
        return await self.database.write(
            files.create, body, name, blob, project=PROJECT, now=int(self.clock.now())
        )

    async def thread(self, *file_ids: str, project: str = PROJECT) -> Thread:
        """A thread with one message for each image."""
        messages = [CreateMessage(role="user", content=[TextInput("Look"), image(file_id)])
                    for file_id in file_ids]  # fmt: skip
        body = CreateThread(messages=messages)
        return await self.database.write(
            threads.create, body, project=project, now=int(self.clock.now())
        )


def image(file_id: str) -> ImageFilePart:
    return ImageFilePart(image_file=ImageFile(file_id=file_id, detail="low"))


@pytest.fixture
def album(database: Database, blobs: BlobStores, clock: ManualClock) -> Album:
    return Album(database, blobs, clock)


async def answered(upstream: Upstream, thread: Thread) -> object:
    """The contents that the model server was sent for the thread's messages."""
    acts = upstream.stage.acts
    run = await acts.run(thread.id, (await acts.assistant()).id, model="text")
    run = await upstream.stage.execute(run)
    assert run.status == "completed", run.last_error
    messages = upstream.bodies()[-1]["messages"]
    return [message["content"] for message in messages]  # type: ignore[attr-defined]


async def test_an_image_is_sent_as_a_data_url(upstream: Upstream, album: Album) -> None:
    file = await album.add()
    assert await answered(upstream, await album.thread(file.id)) == [
        [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
        ]
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "webp"),
    ],
)
async def test_an_image_is_sent_as_what_its_bytes_are_and_not_as_it_is_called(
    album: Album, head: bytes, kind: str
) -> None:
    content = head + bytes(64)
    file = await album.add("a.GIF", content)
    found = {file.id: await album.database.read(files.content, file.id, project=PROJECT)}
    data = b64encode(content).decode()
    claimed = ImageUrlPart(image_url=ImageUrl(url=f"DATA:text/plain;base64,{data}", detail="high"))
    sent = await inlined(request(image(file.id), claimed), found, album.blobs)
    url = f"data:image/{kind};base64,{data}"
    assert sent.messages[0].content == [
        ImageUrlPart(image_url=ImageUrl(url=url, detail="low")),
        ImageUrlPart(image_url=ImageUrl(url=url, detail="high")),
    ]


async def test_what_is_no_image_does_not_spoil_its_thread(upstream: Upstream, album: Album) -> None:
    """Earlier versions took such messages."""
    file = await album.add("a.png", b"%PDF-1.7 and so on")
    assert await answered(upstream, await album.thread(file.id)) == [
        f"Look\n(The file {file.id} is not an image.)"
    ]
    linked = ImageUrlPart(image_url=ImageUrl(url="data:image/png;base64,AAAA"))
    sent = await inlined(request(linked), {}, album.blobs)
    assert sent.messages[0].content == "(What was sent here is not an image.)"


async def test_other_urls_are_sent_as_they_are(album: Album) -> None:
    linked = ImageUrlPart(image_url=ImageUrl(url="https://example.com/a.png"))
    sent = await inlined(request(linked), {}, album.blobs)
    assert sent.messages[0].content == [linked]


async def test_an_image_that_was_deleted_does_not_spoil_its_thread(
    upstream: Upstream, album: Album
) -> None:
    file = await album.add()
    thread = await album.thread(file.id)
    await album.database.write(files.delete, file.id, project=PROJECT, now=int(album.clock.now()))
    assert await answered(upstream, thread) == [
        f"Look\n(The image {file.id} is no longer available.)"
    ]


async def test_an_image_whose_bytes_cannot_be_read_fails_the_run_with_the_reason(
    upstream: Upstream, album: Album, data_dir: Path
) -> None:
    file = await album.add()
    thread = await album.thread(file.id)
    (content,) = (data_dir / "blobs").rglob("blob_*")
    content.unlink()
    acts = upstream.stage.acts
    run = await acts.run(thread.id, (await acts.assistant()).id, model="text")
    run = await upstream.stage.execute(run)
    assert run.last_error is not None
    assert run.last_error.message.startswith("The content cannot be stored or read now: ")


def request(*parts: ImageFilePart | ImageUrlPart) -> ChatRequest:
    return ChatRequest(model="m", messages=[ChatMessage(role="user", content=[*parts])])


async def test_the_newest_images_go_first_when_there_are_too_many_bytes(album: Album) -> None:
    added = [await album.add() for _ in range(3)]
    request = ChatRequest(
        model="m",
        messages=[ChatMessage(role="user", content=[image(file.id)]) for file in added],
    )
    found = {
        file.id: await album.database.read(files.content, file.id, project=PROJECT)
        for file in added
    }
    sent = await inlined(request, found, album.blobs, most=len(PIXELS) * 2)
    shown = ImageUrlPart(image_url=ImageUrl(url=URL, detail="low"))
    assert [message.content for message in sent.messages] == [
        f"(The image {added[0].id} is no longer available.)", [shown], [shown],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ending"), [("a.txt", ".txt"), ("a.PDF", ".pdf"), ("image", "none")]
)
async def test_a_file_that_is_no_image_is_refused(album: Album, name: str, ending: str) -> None:
    """Spec 05 §3.4."""
    file = await album.add(name)
    with pytest.raises(BadRequest) as caught:
        await album.thread(file.id)
    assert caught.value.message == (
        "Invalid message content: Expected file type to be a supported format: "
        f".jpeg, .jpg, .png, .gif, .webp but got {ending}."
    )


async def test_an_image_that_is_not_there_is_refused(album: Album) -> None:
    file = await album.add()
    with pytest.raises(BadRequest, match="were not found: file-none") as caught:
        await album.thread(file.id, "file-none")
    assert caught.value.param == "messages[1].content[1].image_file.file_id"
    with pytest.raises(BadRequest, match=f"were not found: {file.id}"):
        await album.thread(file.id, project="proj_other")


async def test_an_image_that_is_too_large_is_refused(album: Album) -> None:
    large = await album.add(content=bytes(20 * 1024 * 1024 + 1))
    with pytest.raises(BadRequest, match="at most 20971520 bytes, but got 20971521 bytes"):
        await album.thread(large.id)
