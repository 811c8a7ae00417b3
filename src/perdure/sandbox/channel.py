"""Frames between the host and the program inside: a length, a kind, a body.

The other end may be an attacker's. A frame that is too long, is no JSON, has other fields or other
types than those below, or comes in the wrong place, ends the session.
"""

import asyncio
import socket
import struct
from typing import Annotated, Literal

import msgspec

_HEADER = struct.Struct(">IB")
_JSON, _BYTES = 0, 1

Size = Annotated[int, msgspec.Meta(ge=0)]


class ReadyFrame(
    msgspec.Struct, tag_field="type", tag="ready", forbid_unknown_fields=True, frozen=True
):
    """The kernel waits for code."""


class TextFrame(
    msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, frozen=True
):
    stream: Literal["stdout", "stderr", "result", "note"]
    text: str


class ImageFrame(
    msgspec.Struct, tag_field="type", tag="image", forbid_unknown_fields=True, frozen=True
):
    mime: Literal["image/png", "image/jpeg"]
    # base64
    data: str


class ErrorFrame(
    msgspec.Struct, tag_field="type", tag="error", forbid_unknown_fields=True, frozen=True
):
    text: str


class EndFrame(
    msgspec.Struct, tag_field="type", tag="end", forbid_unknown_fields=True, frozen=True
):
    """The code has ended."""


class FilesFrame(
    msgspec.Struct, tag_field="type", tag="files", forbid_unknown_fields=True, frozen=True
):
    # name, size in bytes, time of the last change in nanoseconds
    files: list[tuple[str, Size, int]]
    left_out: Size


class DoneFrame(
    msgspec.Struct, tag_field="type", tag="done", forbid_unknown_fields=True, frozen=True
):
    """A file has arrived, or all of it has been sent."""


class ProblemFrame(
    msgspec.Struct, tag_field="type", tag="problem", forbid_unknown_fields=True, frozen=True
):
    text: str


class LostFrame(
    msgspec.Struct, tag_field="type", tag="lost", forbid_unknown_fields=True, frozen=True
):
    text: str


Frame = (
    ReadyFrame
    | TextFrame
    | ImageFrame
    | ErrorFrame
    | EndFrame
    | FilesFrame
    | DoneFrame
    | ProblemFrame
    | LostFrame
)


class Broken(Exception):
    """The other end closed the channel, or sent a frame that is not permitted."""


class Channel:
    """One end of the socket. `most`: the size in bytes of the largest frame that is accepted."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, most: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._most = most
        self._decoder = msgspec.json.Decoder(Frame)
        self._pending: asyncio.Task[Frame | bytes] | None = None

    @classmethod
    async def over(cls, link: socket.socket, *, most: int) -> "Channel":
        reader, writer = await asyncio.open_connection(sock=link)
        return cls(reader, writer, most=most)

    async def receive(self, *, seconds: float) -> Frame | bytes:
        """Returns the next frame. Raises `Broken`, and `TimeoutError` after so many seconds. No
        frame is lost then, nor when the caller is cancelled: the next call returns it.
        """
        if self._pending is None:
            self._pending = asyncio.create_task(self._read(), name="frame")
        pending = self._pending
        done, _ = await asyncio.wait({pending}, timeout=seconds)
        if not done:
            raise TimeoutError
        self._pending = None
        if pending.cancelled():
            raise Broken("it was closed")
        return pending.result()

    async def _read(self) -> Frame | bytes:
        try:
            size, kind = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
            if size > self._most or kind not in (_JSON, _BYTES):
                raise Broken(f"a frame of {size} bytes, kind {kind}")
            body = await self._reader.readexactly(size)
            return body if kind == _BYTES else self._decoder.decode(body)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Broken("it closed the channel") from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Broken(f"a frame that is none: {error}") from error

    async def send_frame(self, **frame: object) -> None:
        await self._write(_JSON, msgspec.json.encode(frame))

    async def send(self, block: bytes) -> None:
        await self._write(_BYTES, block)

    async def _write(self, kind: int, body: bytes) -> None:
        try:
            self._writer.write(_HEADER.pack(len(body), kind) + body)
            await self._writer.drain()
        except OSError as error:
            raise Broken("it closed the channel") from error

    async def close(self) -> None:
        """Closes the socket, and ends a call that waits for a frame."""
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.gather(self._pending, return_exceptions=True)
        self._writer.transport.abort()
