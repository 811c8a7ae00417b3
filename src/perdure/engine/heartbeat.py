"""Keeps the leases of the runs and files that this server has in hand, from a thread of its own.

A lease must not be lost because the server is busy. So the heartbeat waits neither for the event
loop nor for the writes that wait. But a server that hangs must lose what it has in hand: the
heartbeat looks whether loop and writer still move, and stops while they do not.
"""

import asyncio
import threading
from typing import NamedTuple

import structlog

from perdure.clock import Clock
from perdure.commands import ingestions, leases
from perdure.commands.ingestions import IngestionJob
from perdure.commands.runs import Lease
from perdure.engine.ingest import Ingest
from perdure.engine.worker import Worker
from perdure.errors import Unavailable
from perdure.storage.database import Database, Transaction

_log = structlog.get_logger(__name__)

# So many leases may pass without a sign of life from the event loop and the writer.
_PATIENCE_LEASES = 3
_BEATS_A_LEASE = 3


class _Lost(NamedTuple):
    """Runs and files that another worker has, or nobody any more."""

    run_ids: list[str]
    jobs: list[IngestionJob]


class Heartbeat:
    """The heartbeat of one server. `step` is one beat."""

    def __init__(
        self,
        worker: Worker,
        ingest: Ingest,
        database: Database,
        clock: Clock,
        *,
        lease_seconds: float,
    ) -> None:
        self._worker = worker
        self._ingest = ingest
        self._database = database
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._moved_at = clock.now()
        self._is_looking, self._was_moving = False, True
        self._look: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = threading.Event()
        # A daemon, so that a process that dies of something else does not wait for it.
        self._thread = threading.Thread(target=self._run, name="perdure-heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Beats no more; waits for the beat that is under way."""
        self._ending.set()
        if self._loop is not None:
            await asyncio.to_thread(self._thread.join)
        if self._look is not None:
            await self._look

    def step(self) -> None:
        """Renews the leases of what is in hand, and leaves what was lost. Blocks as long as the
        database does; raises nothing for a database that is away.
        """
        held, jobs = self._worker.leases, self._ingest.jobs
        if not held and not jobs:
            # What is taken up next was taken by a loop and a writer that moved.
            self._moved_at = self._clock.now()
            return
        if not self._is_moving():
            return
        try:
            lost = self._database.write_now(
                _renew, held, jobs, now=self._clock.now(), lease_seconds=self._lease_seconds
            )
        except Unavailable as error:
            _log.warning("heartbeat_failed", reason=error.message)
            return
        if (lost.run_ids or lost.jobs) and self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave, lost)

    def _is_moving(self) -> bool:
        """True if the event loop and the writer have done something lately."""
        if not self._is_looking and self._loop is not None:
            self._is_looking = True
            self._loop.call_soon_threadsafe(self._begin_look)
        still = self._clock.now() - self._moved_at
        is_moving = still < _PATIENCE_LEASES * self._lease_seconds
        if self._was_moving and not is_moving:
            _log.warning("heartbeat_stopped", reason=f"the server has hung for {still:.1f} s")
        self._was_moving = is_moving
        return is_moving

    def _begin_look(self) -> None:
        """On the event loop, once it comes to it."""
        self._look = asyncio.create_task(self._look_at_writer(), name="heartbeat")

    async def _look_at_writer(self) -> None:
        """A write that waits in the queue like any other, and changes nothing."""
        try:
            await self._database.write(_nothing)
            self._moved_at = self._clock.now()
        except Unavailable:
            pass  # That is no sign of life; whoever writes in earnest says why.
        finally:
            self._is_looking = False

    def _leave(self, lost: _Lost) -> None:
        self._worker.leave(lost.run_ids)
        self._ingest.leave(lost.jobs)

    def _run(self) -> None:
        while not self._ending.wait(self._lease_seconds / _BEATS_A_LEASE):
            try:
                self.step()
            except Exception:
                _log.exception("loop_step_broke", loop="heartbeat")


def _renew(
    tx: Transaction,
    held: dict[str, Lease],
    jobs: list[IngestionJob],
    *,
    now: float,
    lease_seconds: float,
) -> _Lost:
    return _Lost(
        leases.renew(tx, held, now=now, lease_seconds=lease_seconds),
        ingestions.renew(tx, jobs, now=now, lease_seconds=lease_seconds),
    )


def _nothing(_: Transaction) -> None:
    """Nothing to write: the point is that the writer came to it."""
