"""Keeps time: ends runs past theirs and those of archived projects, frees those of dead workers,
announces those left waiting.
"""

from collections.abc import Callable, Collection

import structlog

from perdure.clock import Clock
from perdure.commands import adjustments, leases, run_lists, runs, traces
from perdure.commands.leases import FreedRun
from perdure.engine.run_reports import RunReports
from perdure.storage.database import Database, Transaction

_log = structlog.get_logger(__name__)

_AT_ONCE = 200
# A few milliseconds of work: clients' writes get in between.
_PIECE = 5
_FORGOTTEN_AT_ONCE = 2000
# Runs whose traces are removed at once: one may have hundreds of steps.
_TRACES = 20
_DAY = 86_400
_FORGOTTEN = (
    "events.forget",
    "tombstones.forget",
    "uploads.forget",
    "webhook_deliveries.forget",
)


class Maintenance:
    """The upkeep of one server; every server of a database may do it.

    `in_hand` says which runs this server works on: none, where only upkeep is done. `traced_as` is
    its address, for the traces of runs that it frees; None where none are written.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        in_hand: Callable[[], Collection[str]] = frozenset,
        event_retention_days: float,
        trace_retention_days: float = 7.0,
        traced_as: str | None = "",
        reports: RunReports | None = None,
    ) -> None:
        self._reports = reports or RunReports()
        self._database = database
        self._clock = clock
        self._in_hand = in_hand
        self._retention = event_retention_days * _DAY
        self._trace_retention = trace_retention_days * _DAY
        self._traced_as = traced_as

    async def step(self) -> None:
        """Frees all lapsed runs, and ends all due ones and those of archived projects."""
        now, write, in_hand = self._clock.now(), self._database.write, self._in_hand()
        # In batches, so that nobody waits long behind it.
        freed = None
        while freed is None or len(freed) == _PIECE:
            freed = await write(
                leases.rescue,
                now=now,
                everybody=False,
                limit=_PIECE,
                in_hand=in_hand,
                traced_as=self._traced_as,
            )
            self._tell(freed, now=now)
        while await write(leases.expire_due, now=int(now), limit=_PIECE, in_hand=in_hand) == _PIECE:
            pass
        # Mostly there is none, and a look costs less than a write.
        if await self._database.read(leases.any_of_archived):
            while await write(leases.cancel_archived, now=int(now), limit=_PIECE) == _PIECE:
                pass

    async def announce(self) -> None:
        """Tells workers that runs wait, in case the first word was lost."""
        # Mostly none waits, and a look costs less than a write.
        if await self._database.read(runs.count_queued, most=1):
            await self._database.write(leases.announce)

    async def forget(self) -> None:
        """Drops events, tombstones, ended uploads and deliveries that nobody needs any more, what
        was learnt of model servers too long ago, and old traces.
        """
        before = int(self._clock.now() - self._retention)
        # In batches, so that nobody waits long behind it.
        while await self._database.write(_forget, before):
            pass
        now = int(self._clock.now())
        while await self._database.write(adjustments.forget, now=now, limit=_FORGOTTEN_AT_ONCE):
            pass
        traced_before = int(self._clock.now() - self._trace_retention)
        while await self._database.write(traces.forget, before=traced_before, limit=_TRACES):
            pass

    async def complete_lists(self) -> None:
        """Fills what lists need in runs that an older version has written."""
        while await self._database.write(run_lists.complete, limit=_AT_ONCE):
            pass

    async def recover(self) -> None:
        """At the start of a server: ends what is due, and frees what no living worker holds."""
        now, write, everybody = self._clock.now(), self._database.write, self._database.exclusive
        while freed := await write(
            leases.rescue,
            now=now,
            everybody=everybody,
            limit=_AT_ONCE,
            traced_as=self._traced_as,
        ):
            self._tell(freed, now=now)
        while await write(leases.expire_due, now=int(now), limit=_AT_ONCE):
            pass
        await self.announce()

    def _tell(self, freed: list[FreedRun], *, now: float) -> None:
        for run_id, lease, address in freed:
            late = now - lease.until
            reason = f"its lease ran out {late:.1f} s ago" if late >= 0 else "its server has ended"
            named = {"server": address} if address else {}
            _log.warning("run_taken_over", run_id=run_id, owner=lease.owner, **named, reason=reason)
            self._reports.take_over()


def _forget(tx: Transaction, before: int) -> int:
    # The events first: what they tell of can be looked up as long as they are there.
    for statement in _FORGOTTEN:
        if forgotten := tx.run(statement, before=before, limit=_FORGOTTEN_AT_ONCE):
            return forgotten
    return 0
