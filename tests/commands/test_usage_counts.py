"""Sums of usage: by minute, then by hour, then by day; never lost, and never twice."""

import asyncio

import numpy as np
import pytest

from perdure.commands import usage_counts, vector_store_bytes
from perdure.commands.usage_counts import (
    DAY,
    HOUR,
    MINUTE,
    UsageAccount,
    UsageCounts,
    UsageKey,
    UsageQuery,
    UsageSum,
)
from perdure.engine.usage_upkeep import UsageUpkeep
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import PROJECT
from tests.commands.filled_stores import FilledStore
from tests.patience import PATIENCE_SECONDS

# the beginning of a day
START = 20_833 * DAY
ALICE = UsageKey("completions", UsageAccount("proj_a", "key_a"), "m")
BOB = UsageKey("completions", UsageAccount("proj_b"), "m")
EVER = 2**40


async def add(
    database: Database, key: UsageKey, at: float, server: str = "server_1", requests: int = 1
) -> None:
    counts = {key: UsageCounts(requests, 10, 5, 2)}
    await database.write(usage_counts.add, counts, server=server, now=at)


async def sums(database: Database, width: int, **asked: object) -> list[UsageSum]:
    query = UsageQuery("completions", START - 100 * DAY, EVER, width, **asked)  # type: ignore[arg-type]
    return await database.read(usage_counts.sums, query)


async def buckets(database: Database, width: int) -> dict[int, int]:
    """Requests by the time since the start."""
    return {found.bucket - START: found.counts.requests for found in await sums(database, width)}


async def test_counts_of_a_minute_are_one_sum_for_each_server(database: Database) -> None:
    for server in ("server_1", "server_2", "server_1"):
        await add(database, ALICE, START + 59.9, server)
    await add(database, ALICE, START + 60)
    assert await buckets(database, MINUTE) == {0: 3, 60: 1}
    assert await buckets(database, HOUR) == {0: 4}


async def test_sums_are_told_apart_by_what_is_asked_for(database: Database) -> None:
    await add(database, ALICE, START)
    await add(database, BOB, START)
    await add(database, BOB._replace(model="n"), START)
    assert [found.counts.requests for found in await sums(database, DAY)] == [3]
    by_project = await sums(database, DAY, by_project=True)
    assert [(found.project, found.counts.requests) for found in by_project] == [
        ("proj_a", 1),
        ("proj_b", 2),
    ]
    by_key = await sums(database, DAY, by_key=True)
    assert [(found.key_id, found.counts.requests) for found in by_key] == [("", 2), ("key_a", 1)]
    by_model = await sums(database, DAY, by_model=True, projects=["proj_b"])
    assert [(found.model, found.counts.requests) for found in by_model] == [("m", 1), ("n", 1)]
    assert await sums(database, DAY, projects=[]) == []
    assert await sums(database, DAY, keys=["key_b"]) == []
    (of_key,) = await sums(database, DAY, keys=["key_a"], models=["m"])
    assert of_key.counts == UsageCounts(1, 10, 5, 2)


async def test_minutes_become_hours_and_hours_become_days(database: Database) -> None:
    clock = ManualClock(START)
    upkeep = UsageUpkeep(database, clock)
    for at in (0, 61, HOUR, DAY, DAY + 61):
        await add(database, ALICE, START + at, f"server_{at}")
    clock.advance(2 * DAY + HOUR)
    await upkeep.step()
    assert await buckets(database, MINUTE) == {0: 2, HOUR: 1, DAY: 1, DAY + 60: 1}
    clock.advance(DAY)
    await upkeep.step()
    assert await buckets(database, MINUTE) == {0: 2, HOUR: 1, DAY: 2}
    clock.advance(13 * DAY)
    await upkeep.step()
    assert await buckets(database, MINUTE) == {0: 3, DAY: 2}
    assert await buckets(database, DAY) == {0: 3, DAY: 2}
    (whole,) = await sums(database, 2**30)
    assert whole.counts == UsageCounts(5, 50, 25, 10)


async def test_servers_that_fold_at_the_same_time_count_nothing_twice(database: Database) -> None:
    for minute in range(130):
        await add(database, ALICE, START + 60 * minute)
    clock = ManualClock(START + 3 * DAY)
    steps = (UsageUpkeep(database, clock).step() for _ in range(4))
    await asyncio.wait_for(asyncio.gather(*steps), PATIENCE_SECONDS)
    assert await buckets(database, HOUR) == {0: 60, HOUR: 60, 2 * HOUR: 10}


@pytest.mark.parametrize(
    ("age", "finest"),
    [(0, MINUTE), (2 * DAY - 1, MINUTE), (2 * DAY + HOUR, HOUR), (14 * DAY, HOUR), (15 * DAY, DAY)],
)
async def test_the_finest_span_is_the_one_that_upkeep_leaves(
    database: Database, age: int, finest: int
) -> None:
    now = START + 30 * DAY
    at = now - age
    assert usage_counts.finest_span(at, now=now) == finest
    await add(database, ALICE, at)
    await UsageUpkeep(database, ManualClock(now)).step()
    ((bucket, _),) = (await buckets(database, MINUTE)).items()
    assert (bucket + START) == at // finest * finest


async def test_the_bytes_of_vector_stores_are_known_at_each_time(database: Database) -> None:
    acts, clock = FilledStore(database), ManualClock(START)
    upkeep = UsageUpkeep(database, clock)

    async def at(*ends: int) -> list[dict[str, int]]:
        times = [START + end for end in ends]
        return await database.read(vector_store_bytes.at_ends, times, projects=None)

    await upkeep.step()
    store = await acts.store([await acts.file()])
    await acts.read_all("Some text to be found.")
    clock.advance(HOUR)
    await upkeep.step()
    size = (await acts.look(store)).usage_bytes
    assert size > 0
    await acts.delete_store(store)
    clock.advance(HOUR)
    await upkeep.step()
    assert await at(HOUR, HOUR + 1, 2 * HOUR, 2 * HOUR + 1) == [
        {},
        {PROJECT: size},
        {PROJECT: size},
        {},
    ]
    assert await database.read(vector_store_bytes.at_ends, [EVER], projects=["other"]) == [{}]


async def test_of_the_bytes_of_vector_stores_the_last_of_each_hour_and_day_stay(
    database: Database,
) -> None:
    for minute in range(0, 26 * 60, 10):
        now = START + 60 * minute
        await database.write(vector_store_bytes.keep, {"proj_a": minute + 1}, now=now)
    await database.write(vector_store_bytes.keep, {}, now=START + 2 * DAY + 3 * HOUR)
    ends = [START + 3 * HOUR, START + 3 * HOUR + 1200, START + 26 * HOUR]
    found = await database.read(vector_store_bytes.at_ends, ends, projects=None)
    assert found == [{"proj_a": 171}, {"proj_a": 191}, {"proj_a": 1551}]
    await database.write(vector_store_bytes.keep, {}, now=START + 17 * DAY)
    found = await database.read(vector_store_bytes.at_ends, ends, projects=None)
    assert found == [{}, {}, {"proj_a": 1551}]


async def test_vectors_of_chunks_count_as_embeddings_of_the_project_of_their_store(
    database: Database,
) -> None:
    acts = FilledStore(database)
    for model in (None, "small@2"):
        await acts.store([await acts.file()])
        job = await acts.begin(embedding=model)
        vectors = None if model is None else np.ones((2, 2), dtype=np.float32)
        await acts.write(job, "one", "two", vectors=vectors)
    query = UsageQuery("embeddings", 0, EVER, 2**30, by_project=True, by_model=True)
    (found,) = await database.read(usage_counts.sums, query)
    assert (found.project, found.model) == (PROJECT, "small")
    assert found.counts == UsageCounts(requests=1, input_tokens=20)
