"""Downloads of content, whole or one range of it (RFC 9110 §14)."""

import asyncio
import mimetypes
import re
import unicodedata
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure.api.http import wait_for_disconnect
from perdure.commands.files import FileContent
from perdure.storage.blob_stores import BlobStores, read
from perdure.wire.files import File

_BODY = "http.response.body"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class _Span(NamedTuple):
    start: int
    stop: int


async def send(content: FileContent, blobs: BlobStores, headers: Mapping[str, str]) -> Response:
    """Returns the response that carries the content, or the range that the request's headers ask
    for.

    It is always a download: an uploaded page never runs as a page of this server. Raises
    `Unavailable` where the first byte cannot be read.
    """
    size = content.file.bytes
    etag = f'"{content.file.id}"'
    answer = {
        "accept-ranges": "bytes",
        "content-disposition": _disposition(content.file.filename),
        "content-type": _type(content.file),
        "etag": etag,
    }
    span, status = _Span(0, size), 200
    # With If-Range, a range is asked for of this very content only.
    if headers.get("if-range", etag) == etag:
        asked = _requested(headers.get("range", ""), size)
        if asked is not None and asked.start >= asked.stop:
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        if asked is not None:
            span, status = asked, 206
            answer["content-range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    answer["content-length"] = str(span.stop - span.start)
    blocks = read(blobs, content.blobs, span.start, span.stop)
    first = await anext(blocks, b"")
    return BlocksResponse(first, blocks, status, answer)


class BlocksResponse(Response):
    """A response that sends blocks as they are read. A client's disconnect is noticed between two
    blocks; no block is cut.
    """

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(status_code=status, headers=headers)
        if "content-length" not in headers:
            del self.headers["content-length"]  # of no body
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        leaving = asyncio.ensure_future(wait_for_disconnect(receive))
        start = {"type": "http.response.start", "status": self.status_code}
        try:
            async with aclosing(self._rest):
                await send({**start, "headers": self.raw_headers})
                await send({"type": _BODY, "body": self._first, "more_body": True})
                async for block in self._rest:
                    if leaving.done():
                        return
                    await send({"type": _BODY, "body": block, "more_body": True})
                await send({"type": _BODY, "body": b"", "more_body": False})
        finally:
            leaving.cancel()


def _requested(header: str, size: int) -> _Span | None:
    """Returns the one range that the header asks for; an empty one if the content does not have it.
    Returns None for no range, several ranges and a header that cannot be understood: the whole
    content answers these too.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return _Span(max(size - int(last), 0), size)
    if not last:
        return _Span(int(first), size)
    if int(first) > int(last):
        return None
    return _Span(int(first), min(int(last) + 1, size))


def _type(file: File) -> str:
    """Returns the media type by the ending of the file's name, the only thing that is known of its
    kind.
    """
    kind, encoding = mimetypes.guess_type(file.filename)
    return kind if kind and not encoding else "application/octet-stream"


def _disposition(name: str) -> str:
    """Returns the header with the name for all clients, and the nearest ASCII name for old ones."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = plain.replace("\\", "_").replace('"', "_").strip() or "download"
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
