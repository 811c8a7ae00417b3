"""Takes queued runs and executes them, as many at a time as it may."""

import asyncio
from collections.abc import Iterable

import structlog

from perdure import ids
from perdure.commands import leases
from perdure.commands.leases import ClaimedRun, ClaimedRuns
from perdure.commands.runs import Lease
from perdure.engine.executor import Execution, Means
from perdure.errors import Unavailable

_log = structlog.get_logger(__name__)

# Runs that are claimed in one transaction, so that other writes get in between.
_MOST_AT_ONCE = 16


class Worker:
    """One worker of one process. `owner` names it in the rows of the runs that it has."""

    def __init__(self, means: Means, *, max_concurrent_runs: int, owner: str | None = None) -> None:
        self._means = means
        self._owner = owner or ids.new("worker")
        self._most = max_concurrent_runs
        self._executions: dict[Execution, asyncio.Task[None]] = {}
        self._claims: set[asyncio.Task[bool]] = set()
        self._has_room = asyncio.Event()
        self._has_room.set()
        # the project whose turn was last
        self._served = ""

    async def listen(self) -> None:
        """Waits until runs are announced, and takes them."""
        await self._means.bus.next_runs()
        try:
            await self.take()
        except Unavailable as error:
            # They stay queued, and are announced again.
            _log.warning("database_unavailable", reason=str(error.__cause__))

    async def take(self) -> None:
        """Takes all runs that wait, each as soon as there is room for it."""
        while True:
            await self._has_room.wait()
            if self._means.database.is_full:
                return
            claiming = asyncio.create_task(self._claim(), name="claim")
            self._claims.add(claiming)
            claiming.add_done_callback(self._claims.discard)
            # Who is cancelled here would leave runs that are claimed and that nobody executes.
            if not await asyncio.shield(claiming):
                return

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
        await asyncio.gather(*self._claims, return_exceptions=True)
        if self._executions:
            await asyncio.wait(self._executions.values(), timeout=seconds)
        left = dict(self._executions)
        for execution in left:
            execution.interrupt()
        if left:
            _log.info("runs_released", count=len(left))
            await asyncio.wait(left.values())

    async def _claim(self) -> bool:
        """Begins on runs that wait; whether more may."""
        means = self._means
        limit = min(self._most - len(self._executions), _MOST_AT_ONCE)
        # What is cancelled between the claim and the beginning is heard of here.
        with means.bus.interruptions() as interrupted:
            claimed: ClaimedRuns = await means.database.write(
                leases.claim_waiting,
                owner=self._owner,
                now=means.clock.now(),
                lease_seconds=means.lease_seconds,
                limit=limit,
                after=self._served,
                traced_as=means.traced_as,
            )
            for run in claimed.runs:
                self._begin(run)
            # They listen for themselves once their tasks have begun.
            await asyncio.sleep(0)
            self.leave({run.held.run.id for run in claimed.runs}.intersection(interrupted))
        self._served = claimed.after
        for run_id in claimed.unreadable:
            _log.error("execution_broke", run_id=run_id, reason="its row cannot be read")
        return len(claimed.runs) == limit

    def _begin(self, claimed: ClaimedRun) -> None:
        run_id = claimed.held.run.id
        execution = Execution(run_id, self._means, owner=self._owner, claimed=claimed)
        task = asyncio.create_task(execution.run(), name=run_id)
        self._executions[execution] = task
        self._update_room()

        def end(_: asyncio.Task[None]) -> None:
            del self._executions[execution]
            self._update_room()

        task.add_done_callback(end)

    def _update_room(self) -> None:
        if len(self._executions) < self._most:
            self._has_room.set()
        else:
            self._has_room.clear()
