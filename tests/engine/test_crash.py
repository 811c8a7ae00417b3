"""A process that dies at any commit changes nothing of what is on the thread in the end."""

import asyncio
from itertools import pairwise

import pytest
from msgspec.structs import replace

from perdure.bus.memory import MemoryBus
from perdure.engine.executor import Execution
from perdure.lifecycle import RUN
from perdure.wire.run_steps import ToolCalls
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine.stage import AbsentDatabase, Crash, CrashingDatabase, Stage
from tests.engine.used import used
from tests.patience import PATIENCE_SECONDS

TOOLS = [FunctionTool(function=FunctionDefinition(name="get_weather"))]
PROMPT = "say: Let me look.\ncall: get_weather {}\nthen:\nsay: Sunny, they say"


async def outcome(stage: Stage, run: Run) -> object:
    """What the user sees in the end."""
    return (
        run.status,
        run.usage,
        await stage.thread(run),
        [
            (
                step.type,
                step.status,
                [replace(call, id="") for call in step.step_details.tool_calls]
                if isinstance(step.step_details, ToolCalls)
                else None,
            )
            for step in await stage.steps(run)
        ],
    )


async def bring_to_the_end(stage: Stage, run: Run) -> Run:
    run = await stage.execute(run)
    if run.status == "requires_action":
        run = await stage.execute(await stage.submit(run, "21"))
    return run


async def crash_while_executing(stage: Stage, run: Run, *, at: int, committed: bool) -> bool:
    """Executes the run in a process that dies at a write; whether it came so far."""
    dying = CrashingDatabase(stage.database, crash_at=at, committed=committed)
    means = stage.doomed(dying)
    work = asyncio.ensure_future(Execution(run.id, means, owner="doomed").run())
    try:
        await asyncio.wait_for(work, PATIENCE_SECONDS)
    except Crash:
        return True
    return False


async def recover(stage: Stage) -> None:
    """Another server starts, after the lease of the dead one has run out."""
    stage.clock.advance(31)
    await stage.engine().maintenance.recover()


def assert_log_is_legal(told: list[str]) -> None:
    """Each event of the run follows one from which the table allows it."""
    statuses = [
        name.removeprefix("thread.run.")
        for name in told
        if name.startswith("thread.run.") and ".step." not in name
    ]
    assert statuses[:2] == ["created", "queued"]
    # A release is not told: in_progress may follow in_progress.
    legal = {(move.source, move.target) for move in RUN} | {("in_progress", "in_progress")}
    for before, after in pairwise(statuses[1:]):
        assert (before, after) in legal, told
    opened = [name for name in told if name.endswith(("step.created", "message.created"))]
    closed = [name for name in told if name.startswith(("thread.run.step.", "thread.message."))
              and name.endswith(("completed", "incomplete", "failed"))]  # fmt: skip
    assert len(opened) == len(closed)


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("leg", ["first", "second"])
async def test_a_crash_at_every_commit_leads_to_the_same_thread(
    stage: Stage, leg: str, *, committed: bool
) -> None:
    reference = await bring_to_the_end(stage, await stage.begin(PROMPT, tools=TOOLS))
    expected = await outcome(stage, reference)
    assert reference.status == "completed"
    once = await used(stage.database)

    at, crashed = 1, True
    while crashed:
        run = await stage.begin(PROMPT, tools=TOOLS)
        if leg == "second":
            run = await stage.submit(await stage.execute(run), "21")
        crashed = await crash_while_executing(stage, run, at=at, committed=committed)
        await recover(stage)
        run = await stage.acts.get(run.id)
        assert run.status in ("queued", "requires_action", "completed")
        if run.status == "queued":
            run = await bring_to_the_end(stage, run)
        elif run.status == "requires_action":
            run = await stage.execute(await stage.submit(run, "21"))
        assert await outcome(stage, run) == expected, f"crash at write {at}"
        assert_log_is_legal(await stage.told(run))
        at += 1
        assert await used(stage.database) == tuple(at * each for each in once)
    # A first leg writes: claim, message, its end, calls, the question. A second: claim, message,
    # the end. One more time through, without a crash, ended the loop.
    assert at - 2 == {"first": 5, "second": 3}[leg]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_database_that_is_away_at_any_commit_fails_no_run(
    stage: Stage, *, committed: bool
) -> None:
    """Its worker does not know what was written last, and leaves the run to who takes it up."""
    reference = await bring_to_the_end(stage, await stage.begin(PROMPT, tools=TOOLS))
    expected = await outcome(stage, reference)
    for at in range(1, 6):
        run = await stage.begin(PROMPT, tools=TOOLS)
        away = AbsentDatabase(stage.database, crash_at=at, committed=committed)
        means = stage.means._replace(database=away, bus=MemoryBus())
        await asyncio.wait_for(Execution(run.id, means, owner="left").run(), PATIENCE_SECONDS)
        assert away.crashed.is_set()
        await recover(stage)
        run = await stage.acts.get(run.id)
        if run.status == "queued":
            run = await bring_to_the_end(stage, run)
        elif run.status == "requires_action":
            run = await stage.execute(await stage.submit(run, "21"))
        assert await outcome(stage, run) == expected, f"away at write {at}"
