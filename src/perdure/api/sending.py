"""Content on its way out, whole or one range of it (RFC 9110 §14)."""

import mimetypes
import re
import unicodedata
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from perdure.commands.files import Content
from perdure.store.blobs import Blobs, read
from perdure.wire.files import File

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class _Span(NamedTuple):
    start: int
    stop: int


async def send(content: Content, blobs: Blobs, headers: Mapping[str, str]) -> Response:
    """The response that carries the content, or the range that the request's headers ask for.

    It is always a download: a page that somebody uploaded never runs as one of this server.
    Raises `Unavailable` where the first byte cannot be had.
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
        asked = _asked(headers.get("range", ""), size)
        if asked is not None and asked.start >= asked.stop:
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        if asked is not None:
            span, status = asked, 206
            answer["content-range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    answer["content-length"] = str(span.stop - span.start)
    chunks = read(blobs, content.blobs, span.start, span.stop)
    first = await anext(chunks, b"")
    return _Sent(first, chunks, status, answer)


class _Sent(StreamingResponse):
    """A stream of content that is closed whatever becomes of the client."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(_whole(first, rest), status_code=status, headers=headers)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._rest):
            await super().__call__(scope, receive, send)


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for chunk in rest:
        yield chunk


def _asked(header: str, size: int) -> _Span | None:
    """The one range that is asked for, empty if the content does not have it; None for none, for
    several, and for what cannot be understood: then the whole is right too.
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
    """By the name's ending: it is all that says what a file is."""
    kind, encoding = mimetypes.guess_type(file.filename)
    return kind if kind and not encoding else "application/octet-stream"


def _disposition(name: str) -> str:
    """The name for all clients, and the nearest in ASCII for those that know no better."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = plain.replace("\\", "_").replace('"', "_").strip() or "download"
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
