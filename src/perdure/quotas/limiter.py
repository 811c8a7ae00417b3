"""Usage and limits of all projects as one server knows them.

Where a project has no limits, nothing is read for its requests. Where it has, the counts of this
server are in memory, and those of the others are read from the database once a second at most.
"""

import asyncio
import math
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import audit_logs, limits, usage_counts
from perdure.commands.limits import NO_LIMITS, ProjectLimits, RateLimit
from perdure.commands.usage_counts import (
    UsageAccount,
    UsageCounts,
    UsageKey,
    UsageKind,
    UsageQuery,
    UsageSum,
    UsageTally,
)
from perdure.errors import APIError, QuotaExceeded, RateLimited, Unavailable
from perdure.quotas import spend
from perdure.quotas.rate_windows import MINUTE, MinuteCounts, MinuteLog, SlidingCount, duration
from perdure.settings import Price
from perdure.storage.database import Database, Row, Transaction

# Limits that another server has changed hold here after this, if its word is lost.
_LIMITS_SECONDS = 1.0
_OTHERS_SECONDS = 1.0
_SPENT_SECONDS = 5.0
_FILES_SECONDS = 10.0


class RateState(NamedTuple):
    """The state of a limit: requests and tokens that count against it."""

    limit: RateLimit
    requests: SlidingCount
    tokens: SlidingCount

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell a client of it (spec 11 §5)."""
        told = {}
        for name, most, count in (
            ("requests", self.limit.requests, self.requests),
            ("tokens", self.limit.tokens, self.tokens),
        ):
            if most is not None:
                told[f"x-ratelimit-limit-{name}"] = str(most)
                told[f"x-ratelimit-remaining-{name}"] = str(max(0, most - count.used))
                told[f"x-ratelimit-reset-{name}"] = duration(count.reset_seconds)
        return told


class _Read(NamedTuple):
    """A value that was read from the database, and how long it is good."""

    value: float
    until: float


class _Others(NamedTuple):
    """What other servers have counted, by minute and model, and how long that is good."""

    counts: Mapping[tuple[int, str], MinuteCounts]
    until: float


class Limiter:
    """The limits of one server. `server` is its name among the servers of the database."""

    def __init__(
        self, database: Database, clock: Clock, *, server: str, prices: Mapping[str, Price]
    ) -> None:
        self._database = database
        self._clock = clock
        self._server = server
        self._prices = prices
        self._tally = UsageTally()
        self._limits: Mapping[str, ProjectLimits] = {}
        self._limits_until = float("-inf")
        self._changes = 0
        self._changes_known = -1
        self._loading = asyncio.Lock()
        self._own = MinuteLog()
        self._others: dict[str, _Others] = {}
        self._open = ExitStack()
        self._spent: dict[str, _Read] = {}
        self._file_space: dict[str, _Read] = {}

    def open(self, bus: Bus) -> None:
        """Looks at the limits again whenever a hint says that projects were changed."""
        self._open.enter_context(bus.on_interrupt(audit_logs.TOPIC, self.drop))

    def close(self) -> None:
        """Listens to hints no more."""
        self._open.close()

    def drop(self) -> None:
        """Forgets the limits: they were changed, here or elsewhere."""
        self._changes += 1
        self._file_space.clear()

    async def limits(self, project: str) -> ProjectLimits:
        """Returns the limits of a project. They are in memory for a second, and longer where no
        other server can change them.
        """
        if self._is_old:
            async with self._loading:
                if self._is_old:
                    # A change that comes while they are read makes them old again.
                    changes, now = self._changes, self._clock.now()
                    self._limits = await self._database.read(limits.load)
                    self._changes_known = changes
                    is_alone = self._database.exclusive
                    self._limits_until = math.inf if is_alone else now + _LIMITS_SECONDS
        return self._limits.get(project, NO_LIMITS)

    @property
    def _is_old(self) -> bool:
        is_known = self._changes_known == self._changes
        return not is_known or self._clock.now() >= self._limits_until

    async def admit(self, project: str, model: str) -> dict[str, str]:
        """Counts a request for a model that is passed through. Returns the headers that tell the
        client of the limits.

        Raises `Forbidden` for a model that is not allowed, `RateLimited` and `QuotaExceeded`.
        """
        found = await self.limits(project)
        found.require_model(project, model)
        await self.require_quota(project, model)
        self.begin_call(project, model)
        state = await self._state(project, found, model)
        return state.headers if state else {}

    async def require_quota(self, project: str, model: str) -> None:
        """Raises `RateLimited` or `QuotaExceeded` where the project may not call the model now."""
        found = await self.limits(project)
        if found is NO_LIMITS:
            return
        await self._require_funds(project, found)
        state = await self._state(project, found, model)
        if state is not None:
            _require_room(project, model, state)

    async def refusal(self, project: str, model: str) -> APIError | None:
        """Returns why the project may not call the model now; None where it may."""
        try:
            await self.require_quota(project, model)
        except (RateLimited, QuotaExceeded) as error:
            return error
        return None

    def begin_call(self, project: str, model: str) -> None:
        """Counts a request to a model against the limits of a minute."""
        if project in self._limits:
            self._own.add(project, model, requests=1, tokens=0, now=self._clock.now())

    def end_call(self, project: str, model: str, tokens: int) -> None:
        """Counts the tokens of a call that has ended against the limits of a minute."""
        if project in self._limits:
            self._own.add(project, model, requests=0, tokens=tokens, now=self._clock.now())

    def count(
        self, kind: UsageKind, account: UsageAccount, model: str, counts: UsageCounts
    ) -> None:
        """Counts what no transaction of its own writes: `flush` does."""
        self._tally.add(UsageKey(kind, account, model), counts)
        self.end_call(account.project, model, counts.input_tokens + counts.output_tokens)

    async def flush(self) -> None:
        """Writes what is counted in memory, if there is any."""
        if not self._tally:
            return
        counts = self._tally.take()
        try:
            await self._database.write(
                usage_counts.add, counts, server=self._server, now=self._clock.now()
            )
        except Unavailable:
            for key, lost in counts.items():
                self._tally.add(key, lost)

    async def spent_cents(self, project: str) -> float:
        """Returns what a project has spent this month, in cents, as of a few seconds ago."""
        now = self._clock.now()
        known = self._spent.get(project)
        if known is None or now >= known.until:
            sums = await self._database.read(_sums_of_month, project, now)
            known = _Read(spend.cents_of(sums, self._prices), now + _SPENT_SECONDS)
            self._spent[project] = known
        return known.value

    async def require_file_space(self, project: str, size: int) -> None:
        """Counts a file against the bytes that a project may have. Raises `QuotaExceeded`."""
        found = await self.limits(project)
        if found.file_bytes is None:
            return
        now = self._clock.now()
        known = self._file_space.get(project)
        # What was deleted meanwhile makes room.
        if known is None or now >= known.until or known.value < size:
            used = await self._database.read(limits.file_bytes, project)
            known = _Read(found.file_bytes - used, now + _FILES_SECONDS)
        if known.value < size:
            raise QuotaExceeded(
                f"Project {project} may have {found.file_bytes} bytes of files, and has "
                f"{found.file_bytes - int(known.value)} of them: a file of {size} bytes is too "
                "large. Delete files, or ask who runs this server for a higher limit."
            )
        self._file_space[project] = known._replace(value=known.value - size)

    async def _require_funds(self, project: str, found: ProjectLimits) -> None:
        if found.monthly_cents is None:
            return
        if await self.spent_cents(project) >= found.monthly_cents:
            raise QuotaExceeded(
                "You exceeded your current quota, please check your plan and billing details. "
                f"Project {project} may spend {found.monthly_cents / 100:.2f} USD a month."
            )

    async def _state(self, project: str, found: ProjectLimits, model: str) -> RateState | None:
        """Returns how far the limit of a model is used up; None where there is none."""
        rate = found.rate_of(model)
        if rate is None:
            return None
        name, limit = rate
        now = self._clock.now()
        others = await self._counts_of_others(project, now)
        minute = int(now) // MINUTE
        this, last = (
            _sum_for(name, found, self._own.of_minute(each, project), others, each)
            for each in (minute, minute - 1)
        )
        passed = now / MINUTE - minute
        return RateState(
            limit,
            SlidingCount(this.requests, last.requests, passed),
            SlidingCount(this.tokens, last.tokens, passed),
        )

    async def _counts_of_others(
        self, project: str, now: float
    ) -> Mapping[tuple[int, str], MinuteCounts]:
        known = self._others.get(project)
        if known is None or now >= known.until:
            low = (int(now) // MINUTE - 1) * MINUTE
            rows = await self._database.read(_others, project, self._server, low)
            counts = {
                (row["began_at"] // MINUTE, row["model"]): MinuteCounts(
                    row["requests"], row["tokens"]
                )
                for row in rows
            }
            # One that is alone need not look again: the others are those before its start.
            until = now + (MINUTE if self._database.exclusive else _OTHERS_SECONDS)
            self._others[project] = known = _Others(counts, until)
        return known.counts


def _sum_for(
    name: str,
    found: ProjectLimits,
    own: Mapping[str, MinuteCounts],
    others: Mapping[tuple[int, str], MinuteCounts],
    minute: int,
) -> MinuteCounts:
    """Returns the counts of a minute for all models that one limit holds for."""
    total = MinuteCounts()
    counted = [*own.items(), *((model, c) for (at, model), c in others.items() if at == minute)]
    for model, counts in counted:
        rate = found.rate_of(model)
        if rate is not None and rate[0] == name:
            total = total.plus(*counts)
    return total


def _require_room(project: str, model: str, state: RateState) -> None:
    """Raises `RateLimited` where one more request would be too many, or no tokens are left."""
    limit = state.limit
    if limit.requests is not None and state.requests.used + 1 > limit.requests:
        wait = state.requests.seconds_until(limit.requests - 1)
        told = f"requests per min (RPM): Limit {limit.requests}, Used {state.requests.used}"
        raise RateLimited(
            _reached(project, model, f"{told}, Requested 1", wait),
            retry_after=math.ceil(wait),
            headers=state.headers,
        )
    if limit.tokens is not None and state.tokens.used >= limit.tokens:
        wait = state.tokens.seconds_until(limit.tokens - 1)
        told = f"tokens per min (TPM): Limit {limit.tokens}, Used {state.tokens.used}"
        raise RateLimited(
            _reached(project, model, told, wait),
            kind="tokens",
            retry_after=math.ceil(wait),
            headers=state.headers,
        )


def _reached(project: str, model: str, told: str, wait: float) -> str:
    again = f"Please try again in {duration(wait)}."
    return f"Rate limit reached for {model} in project {project} on {told}. {again}"


def _others(tx: Transaction, project: str, server: str, low: int) -> list[Row]:
    return tx.all("usage_counts.of_others", project=project, server=server, low=low)


def _sums_of_month(tx: Transaction, project: str, now: float) -> list[UsageSum]:
    """Returns what the project has used this month, by kind and model."""
    found = []
    for kind in ("completions", "embeddings"):
        query = UsageQuery(
            kind,
            low=spend.month_start(now),
            high=int(now) + MINUTE,
            width=2**30,
            by_model=True,
            projects=[project],
        )
        found += usage_counts.sums(tx, query)
    return found
