"""Clients that mean harm: each is a program of its own, `python -m bench.attacks NAME PORT`.

An attack sends no more than a few hundred megabytes, ends by itself, and prints one line that says
what the server did. The last two mean no harm: what they send has to pass.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

_HOST = "127.0.0.1"
_MB = 1024 * 1024
_MOST_BYTES = 300 * _MB
_MOST_SECONDS = 20.0
# What is sent at once.
_PIECE = 256 * 1024
_KEY = b"Authorization: Bearer key\r\nOpenAI-Beta: assistants=v2\r\n"


class _Connection:
    """One connection, which may break at any time: that is an answer too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.sent = 0

    async def send(self, data: bytes) -> bool:
        """Whether the server still takes anything."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            return False
        self.sent += len(data)
        return not self._reader.at_eof()

    async def status(self, seconds: float = _MOST_SECONDS) -> str:
        """The status of the answer, `closed` for none, `held` where there is nothing in time."""
        try:
            async with asyncio.timeout(seconds):
                line = await self._reader.readline()
        except TimeoutError:
            return "held"
        except OSError:
            return "closed"
        return line.split()[1].decode() if line else "closed"

    async def rest(self) -> None:
        """Reads what comes until the server closes."""
        with suppress(OSError):
            while await self._reader.read(_PIECE):
                pass

    def close(self) -> None:
        self._writer.close()


async def _connect(port: int) -> _Connection:
    return _Connection(*await asyncio.open_connection(_HOST, port))


def _post(path: str, length: int | None = None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + _KEY + f"{framing}\r\n\r\n".encode()


async def _endless(port: int, head: bytes, piece: bytes) -> str:
    """Sends a head and the same piece behind it again and again."""
    connection = await _connect(port)
    until = time.monotonic() + _MOST_SECONDS
    going = await connection.send(head)
    while going and connection.sent < _MOST_BYTES and time.monotonic() < until:
        going = await connection.send(piece)
    status = await connection.status(1)
    connection.close()
    return f"{status} after {connection.sent / _MB:.1f} MB"


async def header_lines(port: int) -> str:
    line = b"x-name: some value\r\n"
    return await _endless(port, b"GET /v1/models HTTP/1.1\r\n", line * (_PIECE // len(line)))


async def header_value(port: int) -> str:
    return await _endless(port, b"GET /v1/models HTTP/1.1\r\nx-name: ", b"v" * _PIECE)


async def header_name(port: int) -> str:
    return await _endless(port, b"GET /v1/models HTTP/1.1\r\n", b"n" * _PIECE)


async def url(port: int) -> str:
    return await _endless(port, b"GET /v1/", b"u" * _PIECE)


async def trailers(port: int) -> str:
    line = b"x-name: some value\r\n"
    head = _post("/v1/threads") + b"2\r\n{}\r\n0\r\n"
    return await _endless(port, head, line * (_PIECE // len(line)))


async def pipeline(port: int) -> str:
    """A great many requests at once on one connection, whose answers are not read."""
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return await _endless(port, b"", request * (_PIECE // len(request)))


async def held(port: int) -> str:
    """300 connections: half heads, half bodies, and such that say nothing."""
    kinds = (b"GET /v1/models HTT", _post("/v1/threads", 1000) + b'{"metadata', b"")
    connections = []
    for place in range(300):
        connection = await _connect(port)
        await connection.send(kinds[place % 3])
        connections.append(connection)
    statuses = Counter(await asyncio.gather(*(each.status(12) for each in connections)))
    for each in connections:
        each.close()
    return ", ".join(f"{count} {status}" for status, count in statuses.most_common())


async def half_bodies(port: int) -> str:
    """40 bodies of 25 MB that do not end."""
    body = b'{"metadata": {"a": "' + b"x" * (25 * _MB)
    connections = [await _connect(port) for _ in range(40)]

    async def send(connection: _Connection) -> str:
        going = await connection.send(_post("/v1/threads", len(body) + 100))
        for start in range(0, len(body), _PIECE):
            if not going:
                break
            going = await connection.send(body[start : start + _PIECE])
        return await connection.status(3)

    statuses = Counter(await asyncio.gather(*map(send, connections)))
    for each in connections:
        each.close()
    return ", ".join(f"{count} {status}" for status, count in statuses.most_common())


async def _request(port: int, path: str, body: bytes) -> str:
    connection = await _connect(port)
    await connection.send(_post(path, len(body)))
    await connection.send(body)
    status = await connection.status()
    connection.close()
    return status


async def _again(port: int, path: str, body: bytes) -> str:
    """The same request six times."""
    statuses = Counter([await _request(port, path, body) for _ in range(6)])
    return ", ".join(f"{count} {status}" for status, count in statuses.most_common())


async def small_members(port: int) -> str:
    return await _again(port, "/v1/threads", b'{"x": [' + b'{"a":1},' * (20 * _MB // 8) + b"{}]}")


async def wrong_last_member(port: int) -> str:
    """As many members as may be, of which the last is wrong: the walk goes over them all."""
    part = b'{"type":"text","text":"a"},'
    parts = part * 60_000 + b'{"type":"text","text":1}'
    return await _again(
        port, "/v1/threads", b'{"messages":[{"role":"user","content":[' + parts + b"]}]}"
    )


async def relayed_members(port: int) -> str:
    members = b'{"a":1},' * (20 * _MB // 8)
    body = b'{"input": [' + members + b'{}], "model": "none"}'
    return await _again(port, "/v1/embeddings", body)


async def nested(port: int) -> str:
    body = b'{"model": "m", "other": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return await _again(port, "/v1/embeddings", body)


async def texts(port: int) -> str:
    """32 messages of 256,000 characters of CSV."""
    text = "1,2,[3],{4}\n" * (256_000 // 12)
    messages = [{"role": "user", "content": text} for _ in range(32)]
    return await _again(port, "/v1/threads", json.dumps({"messages": messages}).encode())


async def tool_output(port: int) -> str:
    """A tool output of 10 MB of JSON, for a run that is not there."""
    text = json.dumps([{"a": 1}] * (10 * _MB // 10))
    body = json.dumps({"tool_outputs": [{"tool_call_id": "call_1", "output": text}]}).encode()
    return await _again(port, "/v1/threads/thread_1/runs/run_1/submit_tool_outputs", body)


ATTACKS: dict[str, Callable[[int], Coroutine[Any, Any, str]]] = {
    attack.__name__: attack
    for attack in (
        header_lines,
        header_value,
        header_name,
        url,
        trailers,
        pipeline,
        held,
        half_bodies,
        small_members,
        wrong_last_member,
        relayed_members,
        nested,
        texts,
        tool_output,
    )
}


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(ATTACKS[sys.argv[1]](int(sys.argv[2]))))
