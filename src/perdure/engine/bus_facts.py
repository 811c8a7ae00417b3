"""Facts of the database that messages of other servers are checked against; see `BusFacts`."""

from collections.abc import Collection

from perdure.clock import Clock
from perdure.commands import events, ingestions, leases, store_membership
from perdure.engine.ingest import Ingest
from perdure.engine.worker import Worker
from perdure.storage.database import Database
from perdure.wire.events import Event


class DatabaseFacts:
    """The facts of one server and of the runs and files that it has in hand."""

    def __init__(self, database: Database, clock: Clock, worker: Worker, ingest: Ingest) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._ingest = ingest

    async def after(self, topic: str, seq: int) -> list[Event]:
        """See `BusFacts.after`."""
        return await self._database.read(events.after, topic, seq)

    async def latest(self, topics: Collection[str]) -> dict[str, int]:
        """See `BusFacts.latest`."""
        return await self._database.read(events.latest, topics)

    async def is_interrupted(self, topic: str) -> bool:
        """See `BusFacts.is_interrupted`."""
        if topic.startswith("run_"):
            lease = self._worker.leases.get(topic)
            now = int(self._clock.now())
            return not await self._database.read(leases.goes_on, topic, lease, now=now)
        if "/" not in topic:
            return True  # Who waits for a vector store looks at it again.
        for job in self._ingest.jobs:
            if store_membership.topic(job.store_id, job.file_id) == topic:
                return not await self._database.read(ingestions.is_held, job)
        return False
