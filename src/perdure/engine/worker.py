"""Takes queued runs and executes them, as many at a time as it may."""

import asyncio
from collections.abc import Iterable

import structlog

from perdure import ids
from perdure.commands.runs import Lease
from perdure.engine.executor import Execution, Means

_log = structlog.get_logger(__name__)


class Worker:
    """One worker of one process."""

    def __init__(self, means: Means, *, max_concurrent_runs: int) -> None:
        self._means = means
        self._owner = ids.new("worker")
        self._slots = asyncio.Semaphore(max_concurrent_runs)
        self._executions: dict[Execution, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Executes runs as they are announced, until cancelled; those begun go on."""
        while True:
            await self._slots.acquire()
            try:
                run_id = await self._means.bus.next_run()
            except asyncio.CancelledError:
                self._slots.release()
                raise
            if self._means.database.is_full:
                # It stays queued, and is announced again.
                self._slots.release()
                continue
            self._begin(run_id)

    @property
    def in_hand(self) -> frozenset[str]:
        """The ids of the runs that it works on."""
        return frozenset(execution.run_id for execution in self._executions)

    @property
    def leases(self) -> dict[str, Lease]:
        """The leases of the runs in hand, by id. Any thread may ask."""
        return {
            execution.run_id: execution.lease
            # A list is made at once, whatever the event loop does meanwhile.
            for execution in list(self._executions)
            if execution.lease is not None
        }

    def leave(self, run_ids: Iterable[str]) -> None:
        """Stops its work on runs that are no longer its own."""
        lost = frozenset(run_ids)
        for execution in list(self._executions):
            if execution.run_id in lost:
                execution.interrupt()

    async def drain(self, seconds: float) -> None:
        """Waits so long for the runs in hand to finish, then releases the rest."""
        if self._executions:
            await asyncio.wait(self._executions.values(), timeout=seconds)
        left = dict(self._executions)
        for execution in left:
            execution.interrupt()
        if left:
            _log.info("runs_released", count=len(left))
            await asyncio.wait(left.values())

    def _begin(self, run_id: str) -> None:
        execution = Execution(run_id, self._means, owner=self._owner)
        task = asyncio.create_task(execution.run(), name=run_id)
        self._executions[execution] = task

        def end(_: asyncio.Task[None]) -> None:
            del self._executions[execution]
            self._slots.release()

        task.add_done_callback(end)
