"""The engine of one server: its worker and its loops, under one task group."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator

import structlog

from perdure.background import loop
from perdure.commands.servers import ServerIdentity
from perdure.engine.blob_locator import BlobLocator
from perdure.engine.bus_facts import DatabaseFacts
from perdure.engine.executor import Means
from perdure.engine.heartbeat import Heartbeat
from perdure.engine.ingest import Ingest
from perdure.engine.maintenance import Maintenance
from perdure.engine.membership import END_HUNG_SECONDS, STEP_SECONDS, Membership
from perdure.engine.sweeper import Sweeper
from perdure.engine.usage_upkeep import UsageUpkeep
from perdure.engine.worker import Worker
from perdure.errors import Unavailable
from perdure.webhooks.delivery_loop import Webhooks

_log = structlog.get_logger(__name__)

_WEBHOOKS_SECONDS = 0.5
_MAINTENANCE_SECONDS = 1.0
_ANNOUNCE_SECONDS = 1.0
_INGEST_SECONDS = 2.0
_SWEEP_SECONDS = 1.0
_LOCATE_SECONDS = 30.0
_INDEX_SECONDS = 1.0
_FORGET_SECONDS = 3600.0
_LISTS_SECONDS = 60.0
_USAGE_SECONDS = 60.0
_FLUSH_SECONDS = 1.0
# What the last runs told has a moment at shutdown; what takes longer is sent by the next start.
_SETTLE_SECONDS = 2.0


class Engine:
    """Started once, drained once. `server` is the server that it is of, if others may share its
    database, and `sessions` the threads whose code sessions it has. One that does not `work` does
    the upkeep, and leaves runs, files and webhooks to others.
    """

    def __init__(
        self,
        means: Means,
        ingest: Ingest,
        webhooks: Webhooks,
        *,
        max_concurrent_runs: int,
        event_retention_days: float,
        trace_retention_days: float = 7.0,
        server: ServerIdentity | None = None,
        sessions: Callable[[], Collection[str]] = tuple,
        end_session: Callable[[str], Awaitable[None]] | None = None,
        works: bool = True,
    ) -> None:
        self._works = works
        self._is_alone = means.database.exclusive
        self.worker = Worker(
            means, max_concurrent_runs=max_concurrent_runs, owner=server.id if server else None
        )
        self.membership = server and Membership(
            server,
            means.database,
            means.clock,
            lease_seconds=means.lease_seconds,
            in_hand=lambda: self.worker.in_hand,
            sessions=sessions,
            end_session=end_session,
        )
        self.maintenance = Maintenance(
            means.database,
            means.clock,
            in_hand=lambda: self.worker.in_hand,
            event_retention_days=event_retention_days,
            trace_retention_days=trace_retention_days,
            traced_as=means.traced_as,
            reports=means.reports,
        )
        means.bus.observe(means.reports.take)
        self.sweeper = Sweeper(means.database, means.blobs, means.clock)
        self.limiter = means.limiter
        self.usage = UsageUpkeep(means.database, means.clock)
        self.locator = BlobLocator(means.database, means.blobs, means.clock)
        self.tools = means.tools
        self.ingest = ingest
        self.webhooks = webhooks
        self.heartbeat = Heartbeat(
            self.worker, ingest, means.database, means.clock, lease_seconds=means.lease_seconds
        )
        self.facts = DatabaseFacts(means.database, means.clock, self.worker, ingest)
        self._claiming: asyncio.Task[None] | None = None
        self._loops: asyncio.Task[None] | None = None
        self._ending_hung: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Recovers what an earlier server left, then takes runs."""
        if self.membership:
            # From the first: what is recovered may be what a server that hangs keeps locked.
            ending = loop("hung sessions", self.membership.end_hung, every=END_HUNG_SECONDS)
            self._ending_hung = asyncio.create_task(ending, name="hung sessions")
        try:
            await self._recover()
        except BaseException:
            await _cancelled(self._ending_hung)
            raise
        if self._works:
            self.heartbeat.start()
            self._claiming = asyncio.create_task(self._claim(), name="worker")
        self._loops = asyncio.create_task(self._keep(), name="loops")

    async def _recover(self) -> None:
        # Before any run can end here.
        await self.webhooks.configure()
        if self.membership:
            await self.membership.step()
        try:
            await self.maintenance.recover()
        except Unavailable as error:
            # Alone, it must know that all is freed. Else it is done again every second, and what a
            # server that hangs keeps locked for some seconds keeps this one from nothing.
            if self._is_alone:
                raise
            _log.warning("database_unavailable", reason=str(error.__cause__))
        await self.locator.start()
        await self.sweeper.recover()
        await self.ingest.recover()

    async def note_sessions(self) -> None:
        """Writes down at once which code sessions this server has; see `Membership`."""
        if self.membership:
            await self.membership.step()

    async def drain(self, seconds: float) -> None:
        """Takes no more runs, lets those in hand finish for so long, releases the rest."""
        await _cancelled(self._claiming)
        await self.ingest.drain()
        await self.worker.drain(seconds)
        # It ends last: until then it keeps the leases.
        await self.heartbeat.stop()
        await _cancelled(self._loops)
        await _cancelled(self._ending_hung)
        await self.limiter.flush()
        await self.webhooks.finish(_SETTLE_SECONDS)
        await self.webhooks.close()
        if self.membership:
            await self.membership.leave()

    async def _claim(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(loop("runs", self.worker.listen, every=0), name="runs")
            # A file that cannot be taken must not end the worker of the runs.
            group.create_task(loop("files", self.ingest.listen, every=0), name="files")

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, step, every in self._steps():
                group.create_task(loop(name, step, every=every), name=name)

    def _steps(self) -> Iterator[tuple[str, Callable[[], Awaitable[object]], float]]:
        """The name of each loop, its step, and the seconds between two of them."""
        yield "maintenance", self.maintenance.step, _MAINTENANCE_SECONDS
        yield "sweep", self.sweeper.step, _SWEEP_SECONDS
        yield "contents", self.locator.step, _LOCATE_SECONDS
        yield "index", self.sweeper.tidy_index, _INDEX_SECONDS
        yield "forget", self.maintenance.forget, _FORGET_SECONDS
        yield "lists", self.maintenance.complete_lists, _LISTS_SECONDS
        yield "usage", self.usage.step, _USAGE_SECONDS
        yield "counts", self.limiter.flush, _FLUSH_SECONDS
        if self.membership:
            yield "membership", self.membership.step, STEP_SECONDS
        if self._works:
            yield "ingest", self.ingest.take, _INGEST_SECONDS
            yield "webhooks", self.webhooks.step, _WEBHOOKS_SECONDS
            yield "announce", self.maintenance.announce, _ANNOUNCE_SECONDS
            for tool in self.tools:
                if upkeep := tool.upkeep:
                    yield upkeep.name, tool.step, upkeep.seconds


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
