"""The body that carries an export, or a group of lines for an import, over HTTP.

It is a row of frames. A frame is one line of JSON with its name and its size in bytes, and then so
many bytes: `{"frame":"object","bytes":120}`. `object` is a line; its `line` is the number that it
has where it comes from. `content` is the content of a file, whose id is in `id`. The last one is
`end`, whose bytes are the manifest, or nothing; its `sha256` is that of all bytes of the body
before it. A body without it was cut off.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from typing import Literal

from perdure.errors import PerdureError
from perdure.exchange.items import ContentItem, Item, Items, LineItem
from perdure.wire.base import Object, decode, encode
from perdure.wire.exchange import MOST_LINE_BYTES, Manifest

MEDIA_TYPE = "application/vnd.perdure.export"
_MOST_HEAD_BYTES = 4096
_MOST_CONTENT_BYTES = 2**40


class FrameHead(Object, kw_only=True):
    """The head of a frame."""

    frame: Literal["object", "content", "end"]
    bytes: int
    line: int = 0
    id: str = ""
    sha256: str = ""


class BrokenFrames(PerdureError):
    """A body that is no row of frames, or was cut off. The message says so in one sentence."""


async def write(items: Items) -> AsyncGenerator[bytes, None]:
    """Yields the body that carries the items."""
    digest = hashlib.sha256()
    async with aclosing(items) as each:
        async for item in each:
            if isinstance(item, Manifest):
                yield end(digest, encode(item))
            elif isinstance(item, LineItem):
                block = line(item.text)
                digest.update(block)
                yield block
            else:
                async for block in content(item):
                    digest.update(block)
                    yield block


def line(text: bytes, number: int = 0) -> bytes:
    """Returns the frame of a line."""
    return _head(FrameHead(frame="object", bytes=len(text), line=number)) + text


async def content(item: ContentItem) -> AsyncGenerator[bytes, None]:
    """Yields the frame of a content."""
    yield _head(FrameHead(frame="content", bytes=item.size, id=item.file_id))
    async with aclosing(item.blocks) as blocks:
        async for block in blocks:
            yield block


def end(digest: "hashlib._Hash", manifest: bytes = b"") -> bytes:
    """Returns the last frame; `digest` is that of all before it."""
    head = FrameHead(frame="end", bytes=len(manifest), sha256=digest.hexdigest())
    return _head(head) + manifest


def _head(head: FrameHead) -> bytes:
    return encode(head) + b"\n"


class FrameReader:
    """Reads the frames of a body."""

    def __init__(self, body: AsyncIterable[bytes]) -> None:
        self._body: AsyncIterator[bytes] = aiter(body)
        self._waiting = bytearray()
        self._digest = hashlib.sha256()

    async def head(self) -> FrameHead:
        """Returns the next head; the bytes of the frame before must have been read. Raises
        `BrokenFrames`, also where the last frame is not of the body before it.
        """
        while (place := self._waiting.find(b"\n")) < 0:
            if len(self._waiting) > _MOST_HEAD_BYTES:
                raise BrokenFrames("The body holds something that is no frame.")
            await self._more()
        text = bytes(self._waiting[: place + 1])
        del self._waiting[: place + 1]
        try:
            head = decode(text, FrameHead)
        except (ValueError, RecursionError):
            raise BrokenFrames("The body holds something that is no frame.") from None
        most = _MOST_CONTENT_BYTES if head.frame == "content" else MOST_LINE_BYTES
        if not 0 <= head.bytes <= most:
            raise BrokenFrames(f"The body holds a frame of {head.bytes} bytes.")
        if head.frame == "end" and head.sha256 != self._digest.hexdigest():
            raise BrokenFrames("The body is not what was sent: its digest differs.")
        self._digest.update(text)
        return head

    async def blocks(self, size: int) -> AsyncGenerator[bytes, None]:
        """Yields so many bytes. Raises `BrokenFrames`."""
        while size:
            if not self._waiting:
                await self._more()
            block = bytes(self._waiting[:size])
            del self._waiting[:size]
            size -= len(block)
            self._digest.update(block)
            yield block

    async def bytes(self, size: int) -> bytes:
        """Returns so many bytes. Raises `BrokenFrames`."""
        return b"".join([block async for block in self.blocks(size)])

    async def _more(self) -> None:
        try:
            self._waiting += await anext(self._body)
        except StopAsyncIteration:
            raise BrokenFrames("The body was cut off before its end.") from None


async def read(body: AsyncIterable[bytes]) -> Items:
    """Yields the items of an export that a body carries. Raises `BrokenFrames`."""
    reader = FrameReader(body)
    while True:
        head = await reader.head()
        item: Item
        if head.frame == "content":
            item = ContentItem(head.id, head.bytes, reader.blocks(head.bytes))
        elif head.frame == "object":
            item = LineItem(await reader.bytes(head.bytes))
        else:
            try:
                item = decode(await reader.bytes(head.bytes), Manifest)
            except ValueError:
                raise BrokenFrames("The body ends without the manifest.") from None
        yield item
        if isinstance(item, Manifest):
            return
