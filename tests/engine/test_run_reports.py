"""Each end of a run is logged and counted once, by the server that wrote it, whoever did."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from perdure.commands import leases, runs, threads
from perdure.engine.maintenance import Maintenance
from perdure.engine.run_reports import RunReports
from perdure.lifecycle import Signal
from perdure.metrics import (
    MODEL_CALLS,
    RUN_SECONDS,
    RUNS,
    TAKE_OVERS,
    TOKENS,
    TOOL_SECONDS,
    Metrics,
)
from perdure.storage.database import Transaction
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.commands.acts import LIFETIME, PROJECT
from tests.engine.stage import Stage

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))


@pytest.fixture
def metrics(stage: Stage) -> Metrics:
    """The figures of a server whose engine exists, and is not started."""
    metrics = Metrics()
    stage.means = stage.means._replace(
        reports=RunReports(metrics, address="a:7373", clock=stage.clock)
    )
    stage.engine()
    return metrics


def upkeep(stage: Stage) -> Maintenance:
    """The upkeep of the server, without another engine that would report too."""
    return Maintenance(
        stage.database, stage.clock, event_retention_days=30, reports=stage.means.reports
    )


async def complete(stage: Stage) -> Run:
    return await stage.execute(await stage.begin("say: Hello there"))


async def fail(stage: Stage) -> Run:
    return await stage.execute(await stage.begin("fail: rate_limit_exceeded"))


async def truncate(stage: Stage) -> Run:
    return await stage.execute(await stage.begin("stop after 1 tokens\nsay: Hello there"))


async def cancel_waiting(stage: Stage) -> Run:
    """It waits for a worker, and a client ends it."""
    run = await stage.begin("say: Hello")
    await stage.acts.cancel(run.id)
    return await stage.acts.get(run.id)


async def cancel_working(stage: Stage) -> Run:
    """A worker is told to end it."""
    run = await stage.begin("wait 5 ms\nforever")
    working = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, lambda told: told.name == "thread.message.delta")
    await stage.acts.cancel(run.id)
    return await working


async def expire(stage: Stage) -> Run:
    """The upkeep finds it."""
    run = await stage.begin("say: Hello")
    stage.clock.advance(LIFETIME)
    await upkeep(stage).step()
    return await stage.acts.get(run.id)


async def expire_at_claim(stage: Stage) -> Run:
    run = await stage.begin("say: Hello")
    stage.clock.advance(LIFETIME)
    return await stage.execute(run)


async def stop_of_dead_worker(stage: Stage) -> Run:
    """It is being cancelled, and its worker dies."""
    hold = await stage.acts.claimed()
    await stage.acts.cancel(hold.run_id)
    stage.clock.advance(31)
    await upkeep(stage).step()
    return await stage.acts.get(hold.run_id)


ENDS: dict[str, tuple[Callable[[Stage], Awaitable[Run]], str, str]] = {
    "completed": (complete, "completed", "none"),
    "failed": (fail, "failed", "rate_limit_exceeded"),
    "truncated": (truncate, "incomplete", "max_completion_tokens"),
    "cancelled in the queue": (cancel_waiting, "cancelled", "none"),
    "cancelled at work": (cancel_working, "cancelled", "none"),
    "expired": (expire, "expired", "none"),
    "expired at its claim": (expire_at_claim, "expired", "none"),
    "cancelled, its worker dead": (stop_of_dead_worker, "cancelled", "none"),
}


def ended(lines: list[EventDict]) -> list[EventDict]:
    return [line for line in lines if line["event"] == "run_ended"]


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_is_reported_once(stage: Stage, metrics: Metrics, name: str) -> None:
    end, status, code = ENDS[name]
    with capture_logs() as lines:
        run = await end(stage)
    (line,) = ended(lines)
    assert metrics.numbers[RUNS.name] == {(status, code): 1}
    assert sum(metrics.distributions[RUN_SECONDS.name][status,].counts) == 1
    assert (run.status, line["status"]) == (status, status)
    assert line["code"] == (None if code == "none" else code)
    assert (line["run_id"], line["thread_id"]) == (run.id, run.thread_id)
    assert (line["project"], line["server"]) == (PROJECT, "a:7373")
    assert line["seconds"] == round(stage.clock.now() - run.created_at, 3)


async def test_the_end_of_a_deleted_thread_s_run_is_reported(
    stage: Stage, metrics: Metrics
) -> None:
    run = await stage.begin("say: Hello")
    now = int(stage.clock.now())
    await stage.database.write(threads.delete, run.thread_id, project=PROJECT, now=now)
    assert metrics.numbers[RUNS.name] == {("cancelled", "none"): 1}


async def test_an_end_that_is_not_committed_is_not_reported(stage: Stage, metrics: Metrics) -> None:
    run = await stage.begin("say: Hello")

    def write(tx: Transaction) -> None:
        held = runs.lock(tx, run.id)
        assert held is not None
        held = runs.signal(tx, held, Signal.CANCEL, now=int(stage.clock.now()))
        runs.signal(tx, held, Signal.STOP, now=int(stage.clock.now()))
        raise RuntimeError("no")

    with capture_logs() as lines, pytest.raises(RuntimeError):
        await stage.database.write(write)
    assert (ended(lines), metrics.numbers[RUNS.name]) == ([], {})


async def test_a_take_over_is_counted_and_is_no_end(stage: Stage, metrics: Metrics) -> None:
    await stage.acts.claimed()
    stage.clock.advance(31)
    with capture_logs() as lines:
        await upkeep(stage).step()
    assert [line["event"] for line in lines] == ["run_taken_over"]
    assert metrics.numbers[TAKE_OVERS.name] == {(): 1}
    assert metrics.numbers[RUNS.name] == {}


async def test_a_worker_that_hands_a_run_back_reports_no_end(
    stage: Stage, metrics: Metrics
) -> None:
    hold = await stage.acts.claimed()
    await stage.database.write(leases.release, hold, partial=runs.NOTHING)
    assert metrics.numbers[RUNS.name] == {}


async def test_a_model_call_that_fails_is_logged_without_its_text(
    stage: Stage, metrics: Metrics
) -> None:
    with capture_logs() as lines:
        run = await fail(stage)
    (line,) = [line for line in lines if line["event"] == "model_call_failed"]
    assert (line["run_id"], line["code"]) == (run.id, "rate_limit_exceeded")
    assert run.last_error is not None
    assert run.last_error.message not in str(line)
    assert metrics.numbers[MODEL_CALLS.name] == {("other", "other", "failed"): 1}


async def test_what_a_run_uses_is_counted(stage: Stage, metrics: Metrics) -> None:
    run = await stage.execute(await stage.begin("usage: 1000 20\nsay: Hello"))
    assert run.usage is not None
    assert metrics.numbers[TOKENS.name] == {
        ("other", "other", "input"): 1000,
        ("other", "other", "output"): 20,
    }
    assert metrics.numbers[MODEL_CALLS.name] == {("other", "other", "answered"): 1}


async def test_the_wait_for_a_client_s_outputs_is_measured(stage: Stage, metrics: Metrics) -> None:
    run = await stage.begin("call: get_weather {}", tools=[WEATHER])
    run = await stage.execute(run)
    stage.clock.advance(40)
    await stage.submit(run, "rain")
    assert metrics.distributions[TOOL_SECONDS.name]["function",].sum == 40
