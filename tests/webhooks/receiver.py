"""A program that webhooks are sent to: a real HTTP server that notes what comes."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from tests.local_site import local_site
from tests.patience import PATIENCE_SECONDS

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class Received(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers as it is told to, `answers` in their order and then with 204."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[web.Response] = []
        self.url = ""
        # Requests wait while it is not set.
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Condition()

    async def wait_received(self, count: int) -> list[Received]:
        """Waits until so many requests have come, and returns them all."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.read()))
        async with self._came:
            self._came.notify_all()
        await self.open.wait()
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    async with local_site(receiver.answer) as receiver.url:
        try:
            yield receiver
        finally:
            receiver.open.set()
