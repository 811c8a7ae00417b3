"""The stream of a run's events as server-sent events over HTTP (spec 04 §1)."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure import lifecycle
from perdure.api.cursor import Cursor
from perdure.api.dialects import PLAIN, Dialect
from perdure.api.http import wait_for_disconnect
from perdure.api.stream_frames import Frames
from perdure.bus.bus import Subscription
from perdure.commands import events
from perdure.storage.database import Database
from perdure.wire.events import Event, StreamItem

# Without an empty line: behind an event with an id, SDKs in Python take one for an event without
# data, and break.
KEEP_ALIVE = b": keep-alive\n"


class EventStream(Response):
    """Sends the events of a run until the run ends or waits for tool outputs.

    Without `after`, the stream sends new events only, and none up to `before`; with it, all events
    after that cursor first. The run does not depend on the stream: a client's disconnect does not
    change the run. While no events come, a comment keeps the connection open, and the log is read
    for events that the bus did not deliver here.
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
        before: Cursor = Cursor(),  # noqa: B008 # a value
        dialect: Dialect = PLAIN,
        contents: bool = False,
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._subscription = subscription
        self._run_id = run_id
        self._database = database
        # Twice in the time: silence is noticed at the second check.
        self._check_seconds = keep_alive / 2
        self._replays = after is not None
        self._frames = Frames(after or before, renamed=dialect.renamed, contents=contents)
        self._gone = self._quiet = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        disconnect = asyncio.ensure_future(wait_for_disconnect(receive))
        disconnect.add_done_callback(lambda _: self._disconnected())
        self._timer = asyncio.get_running_loop().call_later(
            self._check_seconds, self._check_silence
        )
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
            self._timer.cancel()
            disconnect.cancel()
            self._subscription.close()

    async def _missed(self) -> bytes:
        cursor = self._frames.cursor
        log = await self._database.read(events.after, self._run_id, cursor.seq - 1)
        return self._frames.replay(log, upto=self._subscription.seq)

    async def _next(self) -> bytes:
        """Returns the next bytes to send."""
        items = await self._subscription.next()
        if items:
            self._quiet = False
            return self._frames.follow(items, log=await self._events_of_others(items))
        if self._gone:
            return b""
        log = await self._database.read(events.after, self._run_id, self._frames.cursor.seq)
        return self._frames.catch_up(log) or KEEP_ALIVE

    async def _events_of_others(self, items: list[StreamItem]) -> list[Event]:
        """Returns the events of the log where the bus delivered an event, since the log may have
        more.

        This server can take over a run, or cancel it, while another server publishes its events.
        """
        first = next((item for item in items if isinstance(item, Event)), None)
        seq = self._frames.cursor.seq
        # Before the first event of all there is nothing; another server may claim a new run, and
        # tell it, before this one has told that it was created.
        is_first = not seq and first is not None and first.name in lifecycle.LOG_BEGINS
        if self._database.exclusive or first is None or is_first:
            return []
        return await self._database.read(events.after, self._run_id, seq)

    def _check_silence(self) -> None:
        """Wakes the stream if no item came since the last call.

        There is one timer for each stream, and none for each token.
        """
        if self._quiet:
            self._subscription.wake()
        self._quiet = True
        self._timer = asyncio.get_running_loop().call_later(
            self._check_seconds, self._check_silence
        )

    def _disconnected(self) -> None:
        self._gone = True
        self._subscription.close()

    async def _send(self, send: Send, body: bytes) -> None:
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
