"""The engine of one server: its worker and its loops, under one task group."""

import asyncio

from perdure.background import loop
from perdure.engine.bus_facts import DatabaseFacts
from perdure.engine.executor import Means
from perdure.engine.heartbeat import Heartbeat
from perdure.engine.ingest import Ingest
from perdure.engine.maintenance import Maintenance
from perdure.engine.sweeper import Sweeper
from perdure.engine.worker import Worker
from perdure.webhooks.delivery_loop import Webhooks

_WEBHOOKS_SECONDS = 0.5
_MAINTENANCE_SECONDS = 1.0
_ANNOUNCE_SECONDS = 1.0
_INGEST_SECONDS = 2.0
_SWEEP_SECONDS = 1.0
_INDEX_SECONDS = 1.0
_FORGET_SECONDS = 3600.0
# What the last runs told has a moment at shutdown; what takes longer is sent by the next start.
_SETTLE_SECONDS = 2.0


class Engine:
    """Started once, drained once."""

    def __init__(
        self,
        means: Means,
        ingest: Ingest,
        webhooks: Webhooks,
        *,
        max_concurrent_runs: int,
        event_retention_days: float,
    ) -> None:
        self.worker = Worker(means, max_concurrent_runs=max_concurrent_runs)
        self.maintenance = Maintenance(
            means.database,
            means.clock,
            in_hand=lambda: self.worker.in_hand,
            event_retention_days=event_retention_days,
        )
        self.sweeper = Sweeper(means.database, means.blobs, means.clock)
        self.tools = means.tools
        self.ingest = ingest
        self.webhooks = webhooks
        self.heartbeat = Heartbeat(
            self.worker, ingest, means.database, means.clock, lease_seconds=means.lease_seconds
        )
        self.facts = DatabaseFacts(means.database, means.clock, self.worker, ingest)
        self._claiming: asyncio.Task[None] | None = None
        self._loops: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Recovers what an earlier server left, then takes runs."""
        # Before any run can end here.
        await self.webhooks.configure()
        await self.maintenance.recover()
        await self.sweeper.recover()
        await self.ingest.recover()
        self.heartbeat.start()
        self._claiming = asyncio.create_task(self._claim(), name="worker")
        self._loops = asyncio.create_task(self._keep(), name="loops")

    async def drain(self, seconds: float) -> None:
        """Takes no more runs, lets those in hand finish for so long, releases the rest."""
        await _cancelled(self._claiming)
        await self.ingest.drain()
        await self.worker.drain(seconds)
        # It ends last: until then it keeps the leases.
        await self.heartbeat.stop()
        await _cancelled(self._loops)
        await self.webhooks.settle(_SETTLE_SECONDS)
        await self.webhooks.close()

    async def _claim(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(loop("runs", self.worker.listen, every=0), name="runs")
            # A file that cannot be taken must not end the worker of the runs.
            group.create_task(loop("files", self.ingest.listen, every=0), name="files")

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, step, every in (
                ("ingest", self.ingest.take, _INGEST_SECONDS),
                ("maintenance", self.maintenance.step, _MAINTENANCE_SECONDS),
                ("webhooks", self.webhooks.step, _WEBHOOKS_SECONDS),
                ("announce", self.maintenance.announce, _ANNOUNCE_SECONDS),
                ("sweep", self.sweeper.step, _SWEEP_SECONDS),
                ("index", self.sweeper.tidy_index, _INDEX_SECONDS),
                ("forget", self.maintenance.forget, _FORGET_SECONDS),
            ):
                group.create_task(loop(name, step, every=every), name=name)
            for tool in self.tools:
                if upkeep := tool.upkeep:
                    steps = loop(upkeep.name, tool.step, every=upkeep.seconds)
                    group.create_task(steps, name=upkeep.name)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
