"""The queue of runs has a bound, on both databases."""

import httpx2
import pytest

from perdure.api.queue import Queue
from perdure.app import Perdure
from perdure.errors import TooManyRequests
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import Acts

MOST = 3


@pytest.fixture
def chosen() -> dict[str, object]:
    """One run at a time; while it is at work, the others wait."""
    return {"max_queued_runs": MOST, "max_concurrent_runs": 1}


async def create(http: httpx2.AsyncClient) -> httpx2.Response:
    assistant = await http.post("/assistants", json={"model": "m"})
    messages = [{"role": "user", "content": "wait 60000 ms\nforever"}]
    body = {"assistant_id": assistant.json()["id"], "thread": {"messages": messages}}
    return await http.post("/threads/runs", json=body)


async def test_a_run_that_finds_the_queue_full_is_refused(
    database: Database,
) -> None:
    clock = ManualClock()
    acts, queue = Acts(database), Queue(database, clock, most=MOST)
    for _ in range(MOST):
        await queue.enter()
        await acts.queued()
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            await queue.enter()


async def test_a_place_that_a_worker_makes_is_found_within_a_second(database: Database) -> None:
    clock = ManualClock()
    acts, queue = Acts(database), Queue(database, clock, most=1)
    await queue.enter()
    run = await acts.queued()
    with pytest.raises(TooManyRequests):
        await queue.enter()
    await acts.claim(run)
    clock.advance(1)
    await queue.enter()


async def test_what_other_servers_let_in_counts_after_a_while(database: Database) -> None:
    clock = ManualClock()
    acts = Acts(database)
    here, there = (Queue(database, clock, most=MOST) for _ in range(2))
    await here.enter()
    for _ in range(MOST):
        await there.enter()
        await acts.queued()
    clock.advance(10)
    with pytest.raises(TooManyRequests):
        await here.enter()


async def test_a_client_is_told_to_come_again(app: Perdure, http: httpx2.AsyncClient) -> None:
    refused = await create(http)
    while refused.status_code == 200:
        refused = await create(http)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    await app.engine.drain(0)
