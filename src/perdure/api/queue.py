"""The bound of the queue: the number of runs that may wait for a worker."""

import asyncio

from perdure.clock import Clock
from perdure.commands import runs
from perdure.errors import TooManyRequests
from perdure.storage.database import Database

# A count is good for so long: other servers fill the same queue.
_SECONDS = 10.0
# A queue that is full is looked at again after this.
_FULL_SECONDS = 1.0


class Queue:
    """Admits runs as long as fewer than `most` wait.

    Runs are counted when the capacity that the last count found is used up, and not for each run.
    Servers that share a database may exceed the bound by the runs that they admit between two
    counts.
    """

    def __init__(self, database: Database, clock: Clock, *, most: int) -> None:
        self._database = database
        self._clock = clock
        self._most = most
        self._counting = asyncio.Lock()
        self._capacity = 0
        self._until = 0.0

    async def enter(self) -> None:
        """Reserves a place for one more run. Raises `TooManyRequests` where there is none."""
        async with self._counting:
            now = self._clock.now()
            if now >= self._until:
                await self._count(now)
            if self._capacity > 0:
                self._capacity -= 1
                if self._capacity == 0:
                    self._until = now
                return
        raise TooManyRequests(
            f"There are {self._most} runs in the queue already; please try again later.",
            code="rate_limit_exceeded",
        )

    async def _count(self, now: float) -> None:
        waiting = await self._database.read(runs.count_queued, most=self._most)
        self._capacity = self._most - waiting
        self._until = now + (_SECONDS if self._capacity else _FULL_SECONDS)
