"""The stream of a run's events as server-sent events over HTTP (spec 04 §1)."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure.api.cursor import Cursor
from perdure.api.dialects import PLAIN, Dialect
from perdure.api.http import left
from perdure.api.stream_frames import Frames
from perdure.bus.bus import Subscription
from perdure.commands import events
from perdure.storage.database import Database
from perdure.wire.events import Closing, Delta, Event

Heard = Event | Delta | Closing

# Without an empty line: behind an event with an id, SDKs in Python take one for an event without
# data, and break.
_KEEP_ALIVE = b": keep-alive\n"


class EventStream(Response):
    """Sends the events of a run until the run ends or waits for tool outputs.

    Without `after`, the stream sends new events only; with it, all events after that cursor first.
    The run does not depend on the stream: a client's disconnect does not change the run. While no
    events come, a comment keeps the connection open, and the log is read for events that the bus
    did not deliver here.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        subscription: Subscription,
        *,
        run_id: str,
        database: Database,
        keep_alive: float,
        after: Cursor | None = None,
        dialect: Dialect = PLAIN,
        contents: bool = False,
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._subscription = subscription
        self._run_id = run_id
        self._database = database
        # Twice in the time: silence is noticed at the second look.
        self._look_seconds = keep_alive / 2
        self._replays = after is not None
        self._frames = Frames(after or Cursor(), renamed=dialect.renamed, contents=contents)
        self._gone = self._quiet = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        disconnect = asyncio.ensure_future(left(receive))
        disconnect.add_done_callback(lambda _: self._leave())
        self._looking = asyncio.get_running_loop().call_later(self._look_seconds, self._look)
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
            while not (self._frames.ended or self._gone):
                await self._send(send, await self._next())
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._looking.cancel()
            disconnect.cancel()
            self._subscription.close()

    async def _missed(self) -> bytes:
        cursor = self._frames.cursor
        log = await self._database.read(events.after, self._run_id, cursor.seq - 1)
        return self._frames.replay(log, upto=self._subscription.seq)

    async def _next(self) -> bytes:
        """Returns the next bytes to send."""
        told = await self._subscription.next()
        if told:
            self._quiet = False
            return self._frames.tell(told, log=await self._told_elsewhere(told))
        if self._gone:
            return b""
        log = await self._database.read(events.after, self._run_id, self._frames.cursor.seq)
        return self._frames.catch_up(log) or _KEEP_ALIVE

    async def _told_elsewhere(self, told: list[Heard]) -> list[Event]:
        """Returns the events of the log where the bus delivered an event, since the log may have
        more.

        This server can take over a run, or cancel it, while another server publishes its events.
        """
        has_event = any(isinstance(item, Event) for item in told)
        seq = self._frames.cursor.seq
        if self._database.exclusive or not (seq and has_event):
            return []
        return await self._database.read(events.after, self._run_id, seq)

    def _look(self) -> None:
        """Wakes the stream if no item came since the last call.

        There is one timer for each stream, and none for each token.
        """
        if self._quiet:
            self._subscription.wake()
        self._quiet = True
        self._looking = asyncio.get_running_loop().call_later(self._look_seconds, self._look)

    def _leave(self) -> None:
        self._gone = True
        self._subscription.close()

    async def _send(self, send: Send, body: bytes) -> None:
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
