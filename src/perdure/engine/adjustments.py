"""Adjustments that model servers were found to need, in the database that servers share."""

from collections.abc import Set
from contextlib import suppress

import structlog

from perdure.clock import Clock
from perdure.commands import adjustments
from perdure.errors import Unavailable
from perdure.storage.database import Database

_log = structlog.get_logger(__name__)

# What other servers learnt is seen after so long; until then it costs one refusal at most.
_LOOK_SECONDS = 30.0

_LONGEST_NAME = 256

# When each adjustment was learnt, by its name.
_Times = dict[str, int]


class SharedAdjustmentMemory:
    """See `providers.memory.Memory`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[tuple[str, str], _Times] = {}
        self._looked_at: float | None = None

    async def of(self, server: str, model: str) -> frozenset[str]:
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            with suppress(Unavailable):  # what is known already has to do
                await self._look(int(now))
        since = now - adjustments.LIFETIME_SECONDS
        times = self._known.get((server, model), {})
        return frozenset(name for name, learnt_at in times.items() if learnt_at > since)

    async def learn(self, server: str, model: str, names: Set[str]) -> None:
        if len(model) > _LONGEST_NAME or not model.isprintable():
            return  # clients name models, and no real one so
        now = int(self._clock.now())
        _log.info("model_server_adjusted_to", server=server, model=model, names=sorted(names))
        try:
            await self._database.write(adjustments.learn, server, model, names, now=now)
        except Unavailable as gone:
            _log.warning("model_server_not_remembered", server=server, reason=gone.message)
        # Behind the write: whoever looks meanwhile may see what was before it.
        self._known.setdefault((server, model), {}).update(dict.fromkeys(names, now))
        self._looked_at = None

    async def _look(self, now: int) -> None:
        known: dict[tuple[str, str], _Times] = {}
        for each in await self._database.read(adjustments.list_known, now=now):
            known.setdefault((each.server, each.model), {})[each.name] = each.learnt_at
        self._known = known
