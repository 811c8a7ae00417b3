"""Images as a model server is given them: files become data URLs (spec 03 §16), and their types are
those that the bytes have.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from contextlib import aclosing

from msgspec.structs import replace

from perdure.commands.files import FileContent
from perdure.image_types import image_type
from perdure.storage.blob_stores import BlobStores, read
from perdure.wire.chat import ChatMessage, ChatPart, ChatRequest, ChatText
from perdure.wire.images import data_type, is_data_url, retyped
from perdure.wire.messages import ImageFilePart, ImageUrl, ImageUrlPart

# Bytes of images in one model call. The newest go first, since every call sends them all again.
_MOST_BYTES = 64 * 1024 * 1024


async def inlined(
    request: ChatRequest,
    images: Mapping[str, FileContent],
    blobs: BlobStores,
    *,
    most: int = _MOST_BYTES,
) -> ChatRequest:
    """The request with the bytes of its images; `images` are those that are still there.

    One that is gone, old ones when there are too many bytes, and what is no image (older versions
    took it) become a text that says so: a thread stays usable. Raises `Unavailable` where bytes
    cannot be read.
    """
    left = most
    messages: list[ChatMessage] = []
    for message in reversed(request.messages):
        if not isinstance(message.content, list):
            messages.append(message)
            continue
        parts: list[ChatPart] = []
        for part in message.content:
            if not isinstance(part, ImageFilePart):
                parts.append(_typed(part))
                continue
            image = images.get(part.image_file.file_id)
            left -= image.file.bytes if image else 0
            parts.append(await _part(part, image if left >= 0 else None, blobs))
        messages.append(replace(message, content=_plain(parts)))
    return replace(request, messages=messages[::-1])


def named(request: ChatRequest) -> set[str]:
    """The ids of the files that the request has as images."""
    return {
        part.image_file.file_id
        for message in request.messages
        if isinstance(message.content, list)
        for part in message.content
        if isinstance(part, ImageFilePart)
    }


def _plain(parts: list[ChatPart]) -> str | list[ChatPart]:
    """Text alone goes as a string: not every server takes parts."""
    texts = [part.text for part in parts if isinstance(part, ChatText)]
    return "\n".join(texts) if len(texts) == len(parts) else parts


async def _part(part: ImageFilePart, image: FileContent | None, blobs: BlobStores) -> ChatPart:
    if image is None:
        return ChatText(text=f"(The image {part.image_file.file_id} is no longer available.)")
    async with aclosing(read(blobs, image.blobs, 0, image.file.bytes)) as chunks:
        content = b"".join([chunk async for chunk in chunks])
    kind = image_type(content)
    if kind is None:
        return ChatText(text=f"(The file {part.image_file.file_id} is not an image.)")
    # In a thread: an image can be large.
    encoded = await asyncio.to_thread(b64encode, content)
    url = f"data:{kind};base64,{encoded.decode()}"
    return ImageUrlPart(image_url=ImageUrl(url=url, detail=part.image_file.detail))


def _typed(part: ChatPart) -> ChatPart:
    """A data URL with the type of its bytes. Other parts stay as they are."""
    if not isinstance(part, ImageUrlPart) or not is_data_url(part.image_url.url):
        return part
    url = part.image_url.url
    kind = data_type(url)
    if kind is None:
        return ChatText(text="(What was sent here is not an image.)")
    if url.startswith(f"data:{kind};base64,"):
        return part
    return replace(part, image_url=replace(part.image_url, url=retyped(url, kind)))
