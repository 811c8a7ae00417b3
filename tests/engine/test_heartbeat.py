"""A lease is not lost by being slow, and is lost by hanging.

`step` is called on the event loop itself, which therefore stands still meanwhile, as it does in a
server that is busy or hangs.
"""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from perdure.commands import leases
from perdure.engine.engine import Engine
from perdure.storage.database import Transaction
from perdure.wire.runs import Run
from tests.engine.stage import Stage
from tests.engine.test_engine import is_delta
from tests.patience import PATIENCE_SECONDS, until
from tests.storage.rows import held

LEASE = 30


@pytest.fixture
async def engine(stage: Stage) -> AsyncIterator[Engine]:
    engine = stage.engine()
    await engine.start()
    yield engine
    await engine.drain(0)


async def working(stage: Stage) -> Run:
    """A run that is worked on, and does not end."""
    run = await stage.begin("forever\nwait 1 ms")
    await stage.listen_until(run, is_delta)
    return run


async def lease_until(stage: Stage, run: Run) -> float:
    def look(tx: Transaction) -> float:
        row = tx.one("runs.lock", id=run.id)
        assert row is not None
        until: float = row["lease_until"]
        return until

    return await stage.database.write(look)


async def test_a_heartbeat_does_not_need_the_event_loop(stage: Stage, engine: Engine) -> None:
    run = await working(stage)
    for _ in range(2):
        stage.clock.advance(LEASE - 1)
        engine.heartbeat.step()
    assert await lease_until(stage, run) == stage.clock.now() + LEASE


async def test_a_lease_that_ran_out_while_nobody_took_the_run_is_taken_back(
    stage: Stage, engine: Engine
) -> None:
    run = await working(stage)
    epoch = engine.worker.leases[run.id].epoch
    stage.clock.advance(2 * LEASE)
    await engine.maintenance.step()
    engine.heartbeat.step()
    assert engine.worker.leases[run.id].epoch == epoch
    assert await lease_until(stage, run) == stage.clock.now() + LEASE
    assert (await stage.told(run)).count("thread.run.in_progress") == 1


async def test_a_run_that_another_server_took_meanwhile_is_left(
    stage: Stage, engine: Engine
) -> None:
    run = await working(stage)
    stage.clock.advance(LEASE + 1)
    now = stage.clock.now()

    def take(tx: Transaction) -> None:
        leases.rescue(tx, now=now, everybody=False, limit=1)
        assert leases.claim(tx, run.id, owner="another", now=now, lease_seconds=LEASE)

    # Another server's words do not come over this one's bus.
    callbacks = stage.bus._callbacks.pop(run.id)  # type: ignore[attr-defined]
    await stage.database.write(take)
    stage.bus._callbacks[run.id] = callbacks  # type: ignore[attr-defined]
    assert run.id in engine.worker.in_hand
    engine.heartbeat.step()
    await until(lambda: run.id not in engine.worker.in_hand)
    assert (await stage.acts.get(run.id)).status == "in_progress"


async def test_a_server_whose_event_loop_hangs_loses_its_runs(stage: Stage, engine: Engine) -> None:
    run = await working(stage)
    begun = stage.clock.now()
    for _ in range(9):
        stage.clock.advance(LEASE / 3)
        engine.heartbeat.step()
    # Three leases without a sign of life: the last beat renewed nothing.
    assert await lease_until(stage, run) == begun + 8 * LEASE / 3 + LEASE
    # The loop has moved since, and nobody has taken the run.
    await until(lambda: not engine.heartbeat._is_looking)
    engine.heartbeat.step()
    assert await lease_until(stage, run) == stage.clock.now() + LEASE


async def test_a_server_whose_writer_hangs_loses_its_runs(stage: Stage, engine: Engine) -> None:
    run = await working(stage)
    engine.heartbeat.step()
    await until(lambda: not engine.heartbeat._is_looking)
    before = await lease_until(stage, run)
    async with held(stage.database):
        stage.clock.advance(3 * LEASE)
        # The event loop moves, but what it writes does not come back.
        engine.heartbeat.step()
        await asyncio.sleep(0)
        engine.heartbeat.step()
    assert await lease_until(stage, run) == before


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_heartbeat_does_not_wait_for_who_writes_the_run(
    stage: Stage, engine: Engine
) -> None:
    """SQLite has one writer, where nobody can hold a row for long."""
    run = await working(stage)
    begun, go = threading.Event(), threading.Event()

    def write_long(tx: Transaction) -> None:
        tx.one("runs.lock", id=run.id)
        begun.set()
        assert go.wait(PATIENCE_SECONDS)

    writing = asyncio.create_task(stage.database.write(write_long))
    await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    stage.clock.advance(LEASE / 3)
    engine.heartbeat.step()
    go.set()
    await writing
    assert run.id in engine.worker.in_hand
    # It was not taken for lost, and the next beat renews it.
    engine.heartbeat.step()
    assert await lease_until(stage, run) == stage.clock.now() + LEASE
