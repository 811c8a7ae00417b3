"""Streams of events: what is told about a run, as server-sent events (spec 04 §1)."""

import asyncio
from collections.abc import Iterable

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure import lifecycle
from perdure.bus.bus import Subscription
from perdure.commands import events
from perdure.store.database import Database
from perdure.wire.base import encode
from perdure.wire.events import Closing, Delta, Event

_log = structlog.get_logger(__name__)

_DONE = f"event: {lifecycle.DONE}\ndata: [DONE]\n\n".encode()
_KEEP_ALIVE = b": keep-alive\n\n"


class EventStream(Response):
    """Tells a run from now until it rests: ends, or waits for tool outputs.

    The run never depends on it: a client that goes away leaves the run as it is. In silence, a
    comment keeps the connection open, and the log is looked at for events that the bus did not
    bring here.
    """

    media_type = "text/event-stream"

    def __init__(
        self, subscription: Subscription, *, run_id: str, database: Database, keep_alive: float
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        self._subscription = subscription
        self._run_id = run_id
        self._database = database
        self._keep_alive = keep_alive
        self._seq = 0

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
            await self._tell_all(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._subscription.close()

    async def _tell_all(self, send: Send) -> None:
        more = True
        while more:
            try:
                async with asyncio.timeout(self._keep_alive):
                    told: Iterable[Event | Delta | Closing] = await self._subscription.next()
                if not told:
                    return
                body, more = self._frames(told)
            except TimeoutError:
                told = await self._database.read(events.after, self._run_id, self._seq)
                body, more = self._frames(told)
                body = body or _KEEP_ALIVE
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _frames(self, told: Iterable[Event | Delta | Closing]) -> tuple[bytes, bool]:
        """The bytes to send, and whether more may come."""
        frames: list[bytes] = []
        for item in told:
            if isinstance(item, Delta):
                frames.append(_frame(item.name, item.data()))
            elif isinstance(item, Closing):
                frames.append(_frame(lifecycle.ERROR, _error(item.reason)))
                return b"".join(frames), False
            elif item.seq > self._seq:
                self._seq = item.seq
                frames.append(_frame(item.name, item.data))
                if item.name in lifecycle.STREAM_ENDS:
                    frames.append(_DONE)
                    return b"".join(frames), False
        return b"".join(frames), True


def _frame(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def _error(message: str) -> bytes:
    # Bare keys and an `error` member that holds the same: the one form that makes every SDK
    # raise (spec 04 §7).
    detail = {"message": message, "type": "server_error", "param": None, "code": None}
    return encode({**detail, "error": detail})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
