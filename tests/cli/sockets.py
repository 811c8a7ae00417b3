"""A server in this process, and clients that write whatever they like to their sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from perdure import settings
from perdure.cli.server import RunningServer, open_server

KEY = b"Host: localhost\r\nAuthorization: Bearer key\r\nOpenAI-Beta: assistants=v2\r\n"


class Answer(NamedTuple):
    """What came back for one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error of the envelope."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        return error


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def address(self) -> object:
        """Whence the server sees it come."""
        return self._writer.get_extra_info("sockname")

    async def send(self, data: bytes) -> Self:
        """Sends as it is, as far as the server takes it."""
        with suppress(OSError):  # it is closed: what it said before can still be read
            self._writer.write(data)
            await self._writer.drain()
        return self

    async def answer(self) -> Answer:
        """The next answer, with its whole body."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(first.split()[1]), headers, body)

    async def until(self, end: bytes) -> bytes:
        """What comes, up to these bytes."""
        return await self._reader.readuntil(end)

    async def rest(self) -> bytes:
        """What comes until the connection is closed."""
        said = b""
        with suppress(ConnectionError):
            while more := await self._reader.read(65536):
                said += more
        return said

    async def is_closed(self) -> bool:
        """Waits for what comes next: whether it is the end."""
        try:
            return await self._reader.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._writer.close()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body


class Listening:
    """The running server."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.port = int(server.url.rpartition(":")[2])
        self._raws: list[Raw] = []

    async def connect(self) -> Raw:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._raws.append(Raw(reader, writer))
        return self._raws[-1]

    async def ask(self, data: bytes) -> Answer:
        """The answer to one request on a connection of its own."""
        raw = await self.connect()
        await raw.send(data)
        answer = await raw.answer()
        raw.close()
        return answer

    def close(self) -> None:
        for raw in self._raws:
            raw.close()


@asynccontextmanager
async def listening(data_dir: Path, **chosen: object) -> AsyncIterator[Listening]:
    """A server with these settings, on a free port."""
    made = settings.only(data_dir=data_dir, port=0, drain_seconds=0, **chosen)
    async with open_server(made, takes_signals=False) as server:
        serving = asyncio.create_task(server.run_until_stopped())
        await server.ready.wait()
        listening = Listening(server)
        try:
            yield listening
        finally:
            listening.close()
            server.stop()
            await serving


def post(path: str, body: bytes, *, key: bytes = KEY) -> bytes:
    """A request with a JSON body."""
    head = f"POST /v1{path} HTTP/1.1\r\nContent-Type: application/json\r\n".encode()
    return head + key + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, *, more: bytes = b"") -> bytes:
    """A request without a body."""
    return f"GET /v1{path} HTTP/1.1\r\n".encode() + KEY + more + b"\r\n"
