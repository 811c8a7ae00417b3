"""The engine as a whole: it takes runs, drains, and recovers what others left."""

import asyncio
from typing import Any, cast

import pytest
from msgspec import DecodeError

from perdure.bus.memory import MemoryBus
from perdure.commands import leases
from perdure.engine.executor import Execution
from perdure.lifecycle import MESSAGE_DELTA, STREAM_ENDS
from perdure.storage.database import Row, Transaction
from perdure.wire.events import Delta, Event
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.commands.acts import LIFETIME
from tests.engine import filled_stores
from tests.engine.gated import GatedProvider
from tests.engine.stage import Stage
from tests.patience import PATIENCE_SECONDS


def is_delta(told: object) -> bool:
    return isinstance(told, Delta) and told.name == MESSAGE_DELTA


@pytest.fixture
def model(stage: Stage) -> GatedProvider:
    """The model of the stage, which the test lets go on."""
    model = GatedProvider()
    stage.means = stage.means._replace(provider=model)
    return model


async def test_an_engine_takes_the_runs_that_are_announced(stage: Stage) -> None:
    engine = stage.engine()
    await engine.start()
    runs = [await stage.begin(f"say: {number}") for number in range(20)]
    rests = [asyncio.ensure_future(stage.at_rest(run)) for run in runs]
    assert {run.status for run in await asyncio.gather(*rests)} == {"completed"}
    await engine.drain(PATIENCE_SECONDS)


async def test_a_drained_engine_lets_runs_finish(stage: Stage, model: GatedProvider) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.begin("say 20 words")
    await model.begun.wait()
    draining = asyncio.ensure_future(engine.drain(PATIENCE_SECONDS))
    model.let.set()
    await draining
    assert (await stage.acts.get(run.id)).status == "completed"


async def test_a_drained_engine_releases_what_does_not_finish_and_another_resumes_it(
    stage: Stage,
) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.begin("say 100000 words\nwait 1 ms\nstop after 100000 tokens")
    await stage.listen_until(run, is_delta)
    await engine.drain(0)
    assert (await stage.acts.get(run.id)).status == "queued"
    later = stage.engine()
    await later.start()
    await stage.listen_until(run, is_delta)
    assert len(await stage.thread(run)) == 2
    assert len(await stage.steps(run)) == 1
    await later.drain(0)


async def test_an_engine_that_drains_takes_no_more_runs(stage: Stage) -> None:
    engine = stage.engine()
    await engine.start()
    await engine.drain(0)
    run = await stage.begin("say: too late")
    await engine.maintenance.announce()
    assert (await stage.acts.get(run.id)).status == "queued"


async def test_a_file_that_cannot_be_taken_keeps_no_run_from_its_worker(stage: Stage) -> None:
    await filled_stores.waiting_store(stage, bees_txt=filled_stores.BEES)

    def spoil(tx: Transaction) -> None:
        row = tx.one("ingestions.waiting", after="")
        assert row is not None
        tx.run("vector_store_files.update", seq=row["seq"], body="no JSON", attributes="{}")

    await stage.database.write(spoil)
    engine = stage.engine()
    await engine.start()
    with pytest.raises(DecodeError):
        await engine.ingest.take()
    run = await stage.begin("say: hello")
    assert (await stage.at_rest(run)).status == "completed"
    await engine.drain(PATIENCE_SECONDS)


async def test_a_run_whose_word_was_lost_is_announced_again(stage: Stage) -> None:
    run = await stage.begin("say: hello")
    await stage.bus.next_runs()  # somebody took the word and died
    engine = stage.engine()
    await engine.start()
    await engine.maintenance.announce()
    await stage.at_rest(run)
    await engine.drain(PATIENCE_SECONDS)


async def test_a_start_expires_what_ran_out_while_the_server_was_down(stage: Stage) -> None:
    run = await stage.begin("call: f", tools=[FunctionTool(function=FunctionDefinition(name="f"))])
    run = await stage.execute(run)
    assert run.status == "requires_action"
    stage.clock.advance(LIFETIME)
    engine = stage.engine()
    await engine.start()
    assert (await stage.acts.get(run.id)).status == "expired"
    await engine.drain(0)


async def test_a_heartbeat_keeps_the_lease_and_notices_its_loss(stage: Stage) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.begin("forever\nwait 1 ms")
    await stage.listen_until(run, is_delta)
    stage.clock.advance(25)
    engine.heartbeat.step()
    stage.clock.advance(25)
    await engine.maintenance.step()
    assert (await stage.acts.get(run.id)).status == "in_progress"
    # Now it hangs for longer than its lease, and another worker takes the run.
    stage.clock.advance(31)
    rescued = await stage.database.write(
        leases.rescue, now=stage.clock.now(), everybody=False, limit=10
    )
    assert [freed.run_id for freed in rescued] == [run.id]
    engine.heartbeat.step()
    await engine.drain(0)
    assert (await stage.acts.get(run.id)).status in ("queued", "in_progress")


async def test_a_run_that_a_worker_takes_a_second_time_is_told_by_one_execution(
    stage: Stage, model: GatedProvider
) -> None:
    """A server that hung for longer than its lease may be given the run again that another server
    has freed, before it notices that it lost it.
    """
    engine = stage.engine()
    await engine.start()
    run = await stage.begin("say 60 words")
    await model.begun.wait()
    subscription = stage.bus.subscribe(run.id)
    stage.clock.advance(31)
    await stage.database.write(leases.rescue, now=stage.clock.now(), everybody=False, limit=10)
    model.let.set()
    again: list[str] | None = None
    ended = False
    while not ended:
        for told in await asyncio.wait_for(subscription.next(), PATIENCE_SECONDS):
            if isinstance(told, Event):
                again = [] if told.name == "thread.run.in_progress" else again
                ended = told.name in STREAM_ENDS
            elif isinstance(told, Delta) and again is not None:
                again.append(told.text)
    assert "".join(again or ()) == " ".join(f"word{number}" for number in range(1, 61))
    await engine.drain(0)


async def test_a_cancel_whose_word_was_lost_is_heard_at_the_next_heartbeat(stage: Stage) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.begin("forever\nwait 1 ms")
    await stage.listen_until(run, is_delta)
    ended = asyncio.ensure_future(stage.at_rest(run))
    await asyncio.sleep(0)
    # It comes from another node, whose bus does not reach this one.
    assert isinstance(stage.bus, MemoryBus)
    callbacks = stage.bus._callbacks.pop(run.id)
    await stage.acts.cancel(run.id)
    stage.bus._callbacks[run.id] = callbacks
    engine.heartbeat.step()
    assert (await ended).status == "cancelled"
    await engine.drain(0)


async def test_two_workers_share_a_queue_without_taking_a_run_twice(stage: Stage) -> None:
    runs = [await stage.begin("say: once") for _ in range(10)]
    await asyncio.gather(
        *(
            Execution(run.id, stage.means, owner=owner).run()
            for run in runs
            for owner in ("worker_1", "worker_2")
        )
    )
    for run in runs:
        assert [m for m in await stage.thread(run) if m[0] == "assistant"] == [
            ("assistant", "completed", "once")
        ]


async def test_old_events_are_forgotten_and_objects_stay(stage: Stage) -> None:
    old = await stage.execute(await stage.begin("say: old"))
    stage.clock.advance(31 * 86_400)
    stage.acts.now = int(stage.clock.now())
    new = await stage.execute(await stage.begin("say: new"))
    await stage.engine().maintenance.forget()
    assert await stage.told(old) == []
    assert len(await stage.told(new)) == 10
    assert (await stage.thread(old))[-1] == ("assistant", "completed", "old")


async def test_a_run_taken_over_between_the_look_and_the_lock_is_left_alone(stage: Stage) -> None:
    """Two servers rescue at the same time: the second must not free what the first one's worker
    has claimed since.
    """
    hold = await stage.acts.writing()
    stage.clock.advance(31)
    now = stage.clock.now()

    def rescue_twice(tx: Transaction) -> None:
        assert len(leases.rescue(tx, now=now, everybody=False, limit=10)) == 1
        claimed = leases.claim(tx, hold.run_id, owner="worker_2", now=now, lease_seconds=30)
        assert claimed is not None
        stale = cast("Transaction", _Stale(tx, hold.run_id))
        leases.rescue(stale, now=now, everybody=False, limit=10)

    await stage.database.write(rescue_twice)
    assert (await stage.acts.get(hold.run_id)).status == "in_progress"


class _Stale:
    """A transaction whose look at lapsed leases is out of date."""

    def __init__(self, tx: Transaction, run_id: str) -> None:
        self._tx = tx
        self._run_id = run_id

    def all(self, statement: str, **params: object) -> list[Row]:
        return [{"id": self._run_id}] if statement == "runs.lapsed" else []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)
