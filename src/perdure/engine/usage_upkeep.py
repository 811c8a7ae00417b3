"""The upkeep of usage: short spans become longer ones, and vector stores are measured."""

from perdure.clock import Clock
from perdure.commands import usage_counts, vector_store_bytes
from perdure.storage.database import Database

# To measure reads all files of all vector stores.
_MEASURE_SECONDS = 600


class UsageUpkeep:
    """The upkeep of one server; every server of a database may do it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._measure_at = 0.0

    async def step(self) -> None:
        """Folds all spans that are due, and notes what vector stores take, when that is due."""
        now, database = self._clock.now(), self._database
        # Mostly none is due, and a look costs less than a write.
        if await database.read(usage_counts.is_due, now=now):
            # One long span each time, so that nobody waits long behind it.
            while await database.write(usage_counts.fold, now=now):
                pass
        if now >= self._measure_at:
            self._measure_at = now + _MEASURE_SECONDS
            if changed := await database.read(vector_store_bytes.measure):
                await database.write(vector_store_bytes.keep, changed, now=now)
