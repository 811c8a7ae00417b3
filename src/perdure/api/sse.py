"""A stream of server-sent events over HTTP: what is told about a run (spec 04 §1)."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure.api.dialects import PLAIN, Dialect
from perdure.api.frames import Frames, Place
from perdure.bus.bus import Subscription
from perdure.commands import events
from perdure.store.database import Database

_KEEP_ALIVE = b": keep-alive\n\n"


class EventStream(Response):
    """Tells a run until it rests: ends, or waits for tool outputs.

    Without `after`, the stream tells what comes; with it, all that came after that place first.
    The run never depends on it: a client that goes away leaves the run as it is. In silence, a
    comment keeps the connection open, and the log is looked at for events that the bus did not
    bring here.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        subscription: Subscription,
        *,
        run_id: str,
        database: Database,
        keep_alive: float,
        after: Place | None = None,
        dialect: Dialect = PLAIN,
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        self._subscription = subscription
        self._run_id = run_id
        self._database = database
        self._keep_alive = keep_alive
        self._replays = after is not None
        self._frames = Frames(after or Place(), renamed=dialect.renamed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        gone = asyncio.ensure_future(_disconnected(receive))
        gone.add_done_callback(lambda _: self._subscription.close())
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if self._replays:
                await self._send(send, await self._missed())
            while not self._frames.ended and (body := await self._next()) is not None:
                await self._send(send, body)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._subscription.close()

    async def _missed(self) -> bytes:
        place = self._frames.place
        log = await self._database.read(events.after, self._run_id, place.seq - 1)
        return self._frames.replay(log, upto=self._subscription.seq)

    async def _next(self) -> bytes | None:
        """The next bytes to send; None when the client has gone."""
        try:
            async with asyncio.timeout(self._keep_alive):
                told = await self._subscription.next()
            return self._frames.tell(told) if told else None
        except TimeoutError:
            log = await self._database.read(events.after, self._run_id, self._frames.place.seq)
            return self._frames.tell(log) or _KEEP_ALIVE

    async def _send(self, send: Send, body: bytes) -> None:
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
