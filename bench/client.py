"""The load: requests to a server, each read to its end and checked."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

from bench.model_server import WORD

_TOKEN = WORD.encode()


class Ask(NamedTuple):
    """A request that is answered with a stream of so many tokens, each told so many times."""

    url: str
    body: dict[str, object]
    tokens: int
    times: int = 1


class Client:
    """Sends requests from this process, over connections that are kept."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            # Forgotten sooner than a server closes them, after 5 s: that would be a race.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2),
            timeout=aiohttp.ClientTimeout(total=300),
            headers={"openai-beta": "assistants=v2", "authorization": "Bearer any"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, url: str, body: dict[str, object]) -> dict[str, Any]:
        """The object that the server answers with."""
        async with self._session.post(url, json=body) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def get(self, url: str) -> dict[str, Any]:
        """What the server answers with."""
        async with self._session.get(url) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def stream(self, ask: Ask) -> float:
        """Reads a stream to its end; the seconds until its first token."""
        began = time.perf_counter()
        first: float | None = None
        received = bytearray()
        async with self._session.post(ask.url, json=ask.body) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                received += data
                if first is None and _TOKEN in received:
                    first = time.perf_counter() - began
        told = received.count(_TOKEN)
        if first is None or told != ask.tokens * ask.times or b"[DONE]" not in received:
            raise AssertionError(f"{told} tokens came for {ask}:\n{received.decode()}")
        if ask.times == 2 and (b" " + _TOKEN) * ask.tokens not in received:
            raise AssertionError(f"the completed message is not exact:\n{received.decode()}")
        return first

    async def poll(self, url: str, body: dict[str, object]) -> None:
        """Creates a thread with a run, and polls as the SDK does until the run is complete."""
        async with self._session.post(url, json=body) as response:
            response.raise_for_status()
            run = await response.json()
            pause = int(response.headers["openai-poll-after-ms"]) / 1000
        while run["status"] in ("queued", "in_progress"):
            await asyncio.sleep(pause)
            where = f"{url.removesuffix('/runs')}/{run['thread_id']}/runs/{run['id']}"
            async with self._session.get(where) as response:
                response.raise_for_status()
                run = await response.json()
        if run["status"] != "completed":
            raise AssertionError(run)

    async def stream_joined(self, ask: Ask) -> None:
        """Reads a stream to its end, whose tokens may come several at once."""
        async with self._session.post(ask.url, json=ask.body) as response:
            response.raise_for_status()
            received = await response.read()
        told = received.count(_TOKEN)
        if told != ask.tokens * ask.times or b"[DONE]" not in received:
            raise AssertionError(f"{told} tokens came for {ask}:\n{received.decode()}")

    async def pieces(self, url: str) -> AsyncIterator[bytes]:
        """What comes of a stream that is picked up from its beginning, as it comes."""
        async with self._session.get(url) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                yield data

    async def read(self, url: str, body: dict[str, object]) -> None:
        """Reads a stream to its end."""
        async with self._session.post(url, json=body) as response:
            response.raise_for_status()
            received = await response.read()
        if b"thread.run.completed" not in received:
            raise AssertionError(received.decode())

    async def open(self, ask: Ask) -> aiohttp.ClientResponse:
        """A stream that has told its first token and goes on."""
        response = await self._session.post(ask.url, json=ask.body)
        response.raise_for_status()
        received = b""
        while _TOKEN not in received:
            received += await response.content.readany()
        return response


async def load(job: Callable[[], Awaitable[object]], *, times: int, clients: int) -> float:
    """Does a job so many times, by so many clients at once; the seconds it took."""
    left = iter(range(times))

    async def work() -> None:
        for _ in left:
            await job()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work())
    return time.perf_counter() - began
