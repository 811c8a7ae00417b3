"""The stream of the changes of all runs of a project, as server-sent events. An extension."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from starlette.types import Send

from perdure.api.live_response import KEEP_ALIVE, LiveResponse
from perdure.bus.bus import Subscription
from perdure.clock import Clock
from perdure.commands import events
from perdure.commands.events import LogPart
from perdure.storage.database import Database
from perdure.wire.events import Closing

_AT_ONCE = 100
# Servers on one database commit at the same time: an event may come into the log before one that
# has a lower number. So the log is read again from the place where it was so long ago.
_OVERLAP_SECONDS = 1.0
# So many events before the end of the log, when a stream begins, count as that second.
_OVERLAP_EVENTS = 1000
# And it is not read more often than this.
_PAUSE_SECONDS = 0.2


class RunChanges(LiveResponse):
    """Sends each event that changes the status of a run of the project, with the run.

    Without `after` the stream begins now, and with it behind that place of the log. The bus says
    that there are new events, and the log has them: nothing is kept for a client that reads slowly.
    The id of an event is a place in the log before which nothing is missing, so that a client which
    comes back with it is sent a few events again, and misses none.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        project: str,
        after: int | None,
        database: Database,
        clock: Clock,
        keep_alive: float,
        is_admitted: Callable[[], Awaitable[bool]],
    ) -> None:
        super().__init__(subscription)
        self._project = project
        self._database = database
        self._clock = clock
        self._keep_alive = keep_alive
        self._is_admitted = is_admitted
        self._is_new = after is None
        self._after = after or 0
        self._overlap = 0.0 if database.exclusive else _OVERLAP_SECONDS
        # Where the log ended at some times, and what of it is behind the first of these places and
        # has been sent.
        self._places: deque[tuple[float, int]] = deque()
        self._sent: set[int] = set()

    async def _prepare(self) -> None:
        # A client that sees the stream open misses nothing from then on.
        if self._is_new:
            await self._begin()

    async def _follow(self, send: Send) -> None:
        await self._send(send, KEEP_ALIVE)
        is_open = True
        # A key that was deleted meanwhile, or whose project was archived, sees no more.
        while is_open and not self._gone and await self._is_admitted():
            await self._send_new(send)
            is_open = await self._changed(send)

    async def _changed(self, send: Send) -> bool:
        """Waits for new events, and keeps the connection open meanwhile. Returns False at the end
        of the stream.
        """
        timer = asyncio.get_running_loop().call_later(self._keep_alive, self._subscription.wake)
        try:
            items = await self._subscription.next()
        finally:
            timer.cancel()
        if self._overlap:
            await asyncio.sleep(_PAUSE_SECONDS)
        if not items:
            await self._send(send, KEEP_ALIVE)
        return not any(isinstance(item, Closing) for item in items)

    async def _begin(self) -> None:
        """Passes over the events that are in the log already."""
        newest = await self._database.read(events.newest)
        self._after = max(0, newest - _OVERLAP_EVENTS) if self._overlap else newest
        begin = self._after
        while True:
            part = await self._database.read(events.of_runs, self._project, begin, limit=_AT_ONCE)
            self._sent.update(event.seq for event in part.events)
            begin = part.seq
            if part.is_whole:
                return

    async def _send_new(self, send: Send) -> None:
        """Sends the events of the log that were not sent yet."""
        begin = self._after
        while not self._gone:
            part = await self._database.read(events.of_runs, self._project, begin, limit=_AT_ONCE)
            await self._send(send, self._frames(part))
            begin = part.seq
            if part.is_whole:
                self._note(part.seq)
                return

    def _frames(self, part: LogPart) -> bytes:
        frames = []
        for event in part.events:
            if event.seq not in self._sent:
                self._sent.add(event.seq)
                frames.append(
                    b"id: %d\nevent: %b\ndata: %b\n\n"
                    % (self._after, event.name.encode(), event.data)
                )
        return b"".join(frames)

    def _note(self, seq: int) -> None:
        """Notes where the log ends now, and moves the place from which it is read again."""
        now = self._clock.now()
        self._places.append((now, seq))
        while len(self._places) > 1 and self._places[1][0] <= now - self._overlap:
            self._places.popleft()
        if self._places[0][0] <= now - self._overlap and self._places[0][1] > self._after:
            self._after = self._places[0][1]
            self._sent = {each for each in self._sent if each > self._after}
