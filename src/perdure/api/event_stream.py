"""The stream of a run's events as server-sent events over HTTP (spec 04 §1)."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from starlette.types import Send

from perdure import lifecycle
from perdure.api import eager_coroutines
from perdure.api.cursor import Cursor
from perdure.api.dialects import PLAIN, Dialect
from perdure.api.live_response import KEEP_ALIVE, LiveResponse
from perdure.api.stream_frames import Frames
from perdure.bus.bus import Subscription
from perdure.commands import events
from perdure.storage.database import Database
from perdure.wire.events import Event, StreamItem


class EventStream(LiveResponse):
    """Sends the events of a run until the run ends or waits for tool outputs.

    Without `after`, the stream sends new events only, and none up to `before`; with it, all events
    after that cursor first. The run does not depend on the stream: a client's disconnect does not
    change the run. While no events come, a comment keeps the connection open, and the log is read
    for events that the bus did not deliver here.
    """

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
        super().__init__(subscription)
        self._run_id = run_id
        self._database = database
        # Twice in the time: silence is noticed at the second check.
        self._check_seconds = keep_alive / 2
        self._replays = after is not None
        self._frames = Frames(after or before, renamed=dialect.renamed, contents=contents)
        self._quiet = False
        # The rest of a send that has to wait for the client.
        self._unsent: Awaitable[None] | None = None

    async def _follow(self, send: Send) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            self._check_seconds, self._check_silence
        )
        try:
            if self._replays:
                await self._send(send, await self._missed())
            while not (self._frames.ended or self._gone):
                await self._send(send, await self._next(send))
        finally:
            self._timer.cancel()

    async def _missed(self) -> bytes:
        cursor = self._frames.cursor
        log = await self._database.read(events.after, self._run_id, cursor.seq - 1)
        return self._frames.replay(log, upto=self._subscription.seq)

    async def _next(self, send: Send) -> bytes:
        """Returns the next bytes to send. Deltas that come while it waits are sent already."""
        items = await self._subscription.next(partial(self._pass_on, send))
        if unsent := self._unsent:
            self._unsent = None
            await unsent
        elif not (items or self._gone):
            log = await self._database.read(events.after, self._run_id, self._frames.cursor.seq)
            return self._frames.catch_up(log) or KEEP_ALIVE
        if not items:
            return b""
        self._quiet = False
        return self._frames.follow(items, log=await self._events_of_others(items))

    def _pass_on(self, send: Send, deltas: list[StreamItem]) -> bool:
        """Sends deltas from the event loop itself; False where the client has to be waited for.
        Once a token.
        """
        self._quiet = False
        if body := self._frames.follow(deltas):
            message = {"type": "http.response.body", "body": body, "more_body": True}
            self._unsent = eager_coroutines.begin(send(message))
        return self._unsent is None

    async def _events_of_others(self, items: list[StreamItem]) -> list[Event]:
        """Returns the events of the log where the bus delivered an event, since the log may have
        more.

        This server can take over a run, or cancel it, while another server publishes its events.
        """
        if self._database.exclusive:
            return []
        first = next((item for item in items if isinstance(item, Event)), None)
        seq = self._frames.cursor.seq
        # Before the first event of all there is nothing; another server may claim a new run, and
        # tell it, before this one has told that it was created.
        is_first = not seq and first is not None and first.name in lifecycle.LOG_BEGINS
        if first is None or is_first:
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
