"""Limits of projects, on both databases."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import pytest

from perdure.commands import limits, usage_counts
from perdure.commands.audit_logs import Change
from perdure.commands.limits import ModelPermissions
from perdure.commands.usage_counts import (
    OTHER_MODEL,
    UsageAccount,
    UsageCounts,
    UsageKey,
    UsageQuery,
)
from perdure.errors import Forbidden, QuotaExceeded, RateLimited
from perdure.quotas.limiter import Limiter
from perdure.settings import Price
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from tests.commands.filled_stores import FilledStore
from tests.engine.used import used

P = ParamSpec("P")
T = TypeVar("T")

A = "proj_default"
BY = Change("admin_key", 1)
# the beginning of a minute, and of a month
START = 1_798_761_600.0


class CountingDatabase:
    """A database that counts what is read of it."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.exclusive = inner.exclusive
        self.reads = 0

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.reads += 1
        return await self._inner.read(query, *args, **kwargs)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def limiter(database: Database, clock: ManualClock) -> Limiter:
    return server(database, clock)


def server(database: Database, clock: ManualClock, name: str = "server_1") -> Limiter:
    prices = {"m": Price(input=10, output=20)}
    return Limiter(database, clock, server=name, prices=prices)


async def set_rate(database: Database, model: str = "m", **changes: int | None) -> None:
    await database.write(limits.change_rate, A, model, changes, BY)


async def test_without_limits_nothing_is_read_for_requests(
    database: Database, clock: ManualClock
) -> None:
    counting = CountingDatabase(database)
    limiter = server(counting, clock)  # type: ignore[arg-type]
    for _ in range(50):
        assert await limiter.admit(A, "m") == {}
        await limiter.require_file_space(A, 10**12)
    assert counting.reads == 1


async def test_requests_beyond_the_limit_of_a_minute_are_refused_until_there_is_room(
    database: Database, clock: ManualClock, limiter: Limiter
) -> None:
    await set_rate(database, requests=3)
    clock.advance(30)
    headers = [await limiter.admit(A, "m") for _ in range(3)]
    assert [each["x-ratelimit-remaining-requests"] for each in headers] == ["2", "1", "0"]
    assert headers[0]["x-ratelimit-limit-requests"] == "3"
    with pytest.raises(RateLimited) as refused:
        await limiter.admit(A, "m")
    assert (refused.value.type, refused.value.code) == ("requests", "rate_limit_exceeded")
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"
    # 30 s to the end of the minute, and 20 until one of three lies behind sixty seconds
    assert refused.value.retry_after == 50
    clock.advance(49)
    with pytest.raises(RateLimited):
        await limiter.admit(A, "m")
    clock.advance(1.01)
    await limiter.admit(A, "m")


async def test_tokens_count_once_their_call_has_ended(
    database: Database, clock: ManualClock, limiter: Limiter
) -> None:
    await set_rate(database, tokens=100)
    for _ in range(3):
        await limiter.admit(A, "m")
    limiter.end_call(A, "m", 99)
    assert (await limiter.admit(A, "m"))["x-ratelimit-remaining-tokens"] == "1"
    limiter.end_call(A, "m", 30)
    with pytest.raises(RateLimited) as refused:
        await limiter.admit(A, "m")
    assert refused.value.type == "tokens"
    clock.advance(refused.value.retry_after or 0)
    await limiter.admit(A, "m")


async def test_models_of_one_pattern_share_its_limit_and_a_name_has_its_own(
    database: Database, limiter: Limiter
) -> None:
    await set_rate(database, "gpt-*", requests=2)
    await set_rate(database, "gpt-4o", requests=1)
    await limiter.admit(A, "gpt-3")
    await limiter.admit(A, "gpt-4")
    await limiter.admit(A, "gpt-4o")
    for model in ("gpt-3", "gpt-5", "gpt-4o"):
        with pytest.raises(RateLimited):
            await limiter.admit(A, model)
    await limiter.admit(A, "llama")
    await limiter.admit("proj_b", "gpt-4o")


async def test_what_other_servers_count_is_known_within_a_second(
    database: Database, clock: ManualClock
) -> None:
    here, there = server(database, clock), server(database, clock, "server_2")
    await set_rate(database, requests=3)
    await here.admit(A, "m")
    for _ in range(2):
        await there.admit(A, "m")
        there.count("completions", UsageAccount(A), "m", UsageCounts(1, 10, 5))
    await there.flush()
    clock.advance(61 if database.exclusive else 1)
    assert await used(database) == UsageCounts(2, 20, 10)
    if not database.exclusive:
        with pytest.raises(RateLimited):
            await here.admit(A, "m")


async def test_a_server_that_starts_knows_what_was_counted_before(
    database: Database, clock: ManualClock
) -> None:
    await set_rate(database, tokens=100)
    counts = {UsageKey("completions", UsageAccount(A, "key_x"), "m"): UsageCounts(1, 90, 10)}
    await database.write(usage_counts.add, counts, server="server_0", now=clock.now())
    with pytest.raises(RateLimited):
        await server(database, clock).admit(A, "m")


async def test_models_that_are_not_allowed_are_refused(
    database: Database, limiter: Limiter
) -> None:
    await database.write(limits.set_models, A, ModelPermissions("allow_list", ("a", "b-*")), BY)
    await limiter.admit(A, "a")
    await limiter.admit(A, "b-1")
    for model in ("c", ""):
        with pytest.raises(Forbidden) as refused:
            await limiter.admit(A, model)
        assert refused.value.code == "model_not_found"
    await database.write(limits.set_models, A, ModelPermissions("deny_list", ("a",)), BY)
    limiter.drop()
    await limiter.admit(A, "c")
    with pytest.raises(Forbidden):
        await limiter.admit(A, "a")
    await database.write(limits.set_models, A, None, BY)
    limiter.drop()
    await limiter.admit(A, "a")


async def test_who_has_spent_the_months_money_is_refused_until_the_next_month(
    database: Database, clock: ManualClock, limiter: Limiter
) -> None:
    await database.write(limits.set_spend, A, 100, BY)
    await limiter.admit(A, "m")
    limiter.count("completions", UsageAccount(A, "key_x"), "m", UsageCounts(1, 60_000, 20_000))
    limiter.count("completions", UsageAccount("proj_b"), "m", UsageCounts(1, 10**9, 0))
    await limiter.flush()
    clock.advance(5)
    with pytest.raises(QuotaExceeded) as refused:
        await limiter.admit(A, "m")
    assert (refused.value.type, refused.value.code) == ("insufficient_quota",) * 2
    assert refused.value.headers["x-should-retry"] == "false"
    await limiter.admit("proj_b", "m")
    clock.advance(31 * 86_400)
    await limiter.admit(A, "m")


async def test_files_beyond_the_bytes_of_a_project_are_refused_until_others_are_deleted(
    database: Database, limiter: Limiter
) -> None:
    acts = FilledStore(database)
    await database.write(limits.change_bounds, A, {"file_bytes": 10}, BY)
    await limiter.require_file_space(A, 4)
    files = [await acts.file(project=A) for _ in range(3)]
    limiter.drop()
    await limiter.require_file_space(A, 1)
    with pytest.raises(QuotaExceeded):
        await limiter.require_file_space(A, 2)
    await database.write(_delete, files[0])
    await limiter.require_file_space(A, 4)


def _delete(tx: Transaction, file_id: str) -> None:
    tx.run("files.delete", id=file_id, project=A)


async def test_limits_that_are_changed_hold_within_a_second(
    database: Database, clock: ManualClock, limiter: Limiter
) -> None:
    await limiter.admit(A, "m")
    await set_rate(database, requests=0)
    limiter.drop()
    with pytest.raises(RateLimited):
        await limiter.admit(A, "m")
    await set_rate(database, requests=None)
    if not database.exclusive:
        clock.advance(1)
        await limiter.admit(A, "m")


async def test_requests_that_come_together_do_not_pass_the_limit_of_one_server(
    database: Database, limiter: Limiter
) -> None:
    await set_rate(database, requests=5)
    answers = await asyncio.gather(
        *(limiter.admit(A, "m") for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, dict) for answer in answers) == 5


async def test_names_of_models_that_clients_invent_are_counted_within_bounds(
    database: Database, limiter: Limiter
) -> None:
    account = UsageAccount(A, "")
    one = UsageCounts(requests=1)
    strange = ("\0", "a\0b", "\ud800", "x" * 100_000)
    for model in (*strange, *(f"model_{number}" for number in range(3000))):
        limiter.count("completions", account, model, one)
    await limiter.flush()
    assert (await used(database)).requests == 3000 + len(strange)
    by_model = UsageQuery("completions", low=0, high=2**40, width=2**30, by_model=True)
    sums = await database.read(usage_counts.sums, by_model)
    assert len(sums) == 1001
    assert OTHER_MODEL in {each.model for each in sums}
    assert max(len(each.model or "") for each in sums) == 256
