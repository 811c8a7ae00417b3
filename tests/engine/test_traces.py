"""What the trace of a run says: every call, wait and take-over, and nothing of anybody's texts."""

import asyncio

import pytest

from perdure.cli.run_tree import tree
from perdure.commands import leases, messages, traces
from perdure.commands.traces import MOST_CHARACTERS
from perdure.engine import tracer
from perdure.engine.executor import Execution
from perdure.engine.windows import Windows
from perdure.errors import NotFound
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.messages import Message
from perdure.wire.runs import Run
from perdure.wire.traces import (
    CutThinking,
    TracedCall,
    TracedClaim,
    TracedRelease,
    TracedToolWork,
    TracedWait,
)
from tests.commands.acts import PROJECT, START
from tests.engine import traced
from tests.engine.gated import GatedProvider
from tests.engine.stage import Crash, CrashingDatabase, Stage
from tests.engine.test_remade_requests import (
    ANSWER,
    CODE,
    FUNCTION,
    FUNCTIONS,
    SEARCH,
    add,
    begin,
    to_the_end,
)
from tests.engine.upstream import KEY, Upstream
from tests.model_servers.refusals import QUIRKS
from tests.model_servers.thoughts import answer, script

KINDS = {TracedClaim: "claim", TracedRelease: "release", TracedCall: "call",
         TracedToolWork: "work", TracedWait: "wait"}  # fmt: skip


async def kinds(stage: Stage, run: Run) -> list[str]:
    entries = (await traced.trace(stage, run)).trace.entries
    return [KINDS[type(entry)] for entry in entries]


async def die(stage: Stage, run: Run, *, writes: int) -> None:
    """Executes the run in a process that dies at a write, and lets its lease end."""
    database = CrashingDatabase(stage.database, crash_at=writes, committed=True)
    work = asyncio.ensure_future(Execution(run.id, stage.doomed(database), owner="doomed").run())
    await database.crashed.wait()
    work.cancel()
    with pytest.raises((Crash, asyncio.CancelledError)):
        await work
    stage.clock.advance(31)
    await stage.engine().maintenance.step()


async def lines(stage: Stage, run: Run) -> list[str]:
    """The tree of a run, as `perdure runs show` prints it."""
    shown = await traced.trace(stage, run)

    def written(tx: Transaction) -> list[Message]:
        return [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run.id)]

    found = await stage.database.read(written)
    return list(tree(await stage.acts.get(run.id), await stage.steps(run), found, shown.trace))


async def test_a_run_with_everything_is_explained_whole(stage: Stage) -> None:
    """Truncation, search, code, a function and a take-over, in the order in which they were."""
    traced.record(stage)
    stage.use(windows=Windows(lambda _: None, unknown=2000))
    prompt = "\nthen:\n".join([SEARCH, CODE, f"say: Let me see.\n{FUNCTION}", ANSWER])
    run = await begin(stage, [("user", "word " * 300)] * 8 + [("user", prompt)])
    await die(stage, run, writes=6)
    run = await stage.execute(run)
    stage.clock.advance(1)
    run = await stage.submit(run, "sunny " * 30)
    stage.clock.advance(1)
    run = await stage.execute(run)
    assert run.status == "completed"
    told = await kinds(stage, run)
    assert told[:3] == ["claim", "call", "work"]
    assert told[-3:] == ["wait", "claim", "call"]
    assert (told.count("release"), told.count("claim")) == (1, 3)
    shown = "\n".join(await lines(stage, run))
    for said in (
        "claimed by doomed",
        "taken from doomed, whose lease had ended",
        "messages of the thread were left out: a window of 2,000 tokens",
        "context window",
        "sent to big-model at http://models.test/v1",
        "file search: rent; bees",
        "rent.md: The rent is due",
        "code: print 21",
        "└─ 21",
        'get_weather({"city": "Rome"})',
        "output: sunny sunny",
        "for the outputs of 1 call",
        "Let me see.",
        "└─ Done.",
        "advice: a server that worked on it was gone or hung",
        "advice: the thread is longer than the model's window",
    ):
        assert said in shown, shown


async def test_attempts_are_told_without_a_word_of_the_server(upstream: Upstream) -> None:
    quirk = QUIRKS[0]
    run = await upstream.run(quirk.model, tools=FUNCTIONS, instructions="Be brief.")
    calls = await traced.calls(upstream.stage, run)
    attempts = [attempt for call in calls for attempt in call.attempts]
    assert [attempt.code for attempt in attempts] == ["refused"] * len(attempts)
    assert quirk.adjustment in [name for attempt in attempts for name in attempt.adjustments]
    assert calls[-1].recipe is not None
    assert quirk.adjustment in calls[-1].recipe.adjustments
    stored = encode((await traced.trace(upstream.stage, run)).trace).decode()
    assert KEY not in stored
    assert quirk.words not in stored


@pytest.mark.parametrize(("model", "code", "status"), [
    ("busy-2", "rate_limited", 429), ("failing-2", "failed", 500),
])  # fmt: skip
async def test_retries_are_counted(upstream: Upstream, model: str, code: str, status: int) -> None:
    run = await upstream.run(model)
    (call,) = await traced.calls(upstream.stage, run)
    assert [(each.code, each.status, each.count) for each in call.attempts] == [(code, status, 2)]
    assert call.outcome == "answered"


async def test_times_are_those_of_the_clock(stage: Stage) -> None:
    run = await begin(stage, [("user", f"{FUNCTION}\nthen:\n{ANSWER}")])
    stage.clock.advance(2)
    run = await stage.execute(run)
    stage.clock.advance(5)
    await stage.execute(await stage.submit(run, "sunny"))
    claim, call, wait, again, _ = (await traced.trace(stage, run)).trace.entries
    assert isinstance(claim, TracedClaim)
    assert (claim.queued_at, claim.claimed_at, claim.server) == (START, START + 2, "worker_1")
    assert isinstance(call, TracedCall)
    assert (call.started_at, call.first_token_at, call.outcome) == (
        START + 2, START + 2, "called_tools",
    )  # fmt: skip
    assert isinstance(wait, TracedWait)
    assert (wait.asked_at, wait.submitted_at) == (START + 2, START + 7)
    assert isinstance(again, TracedClaim)
    assert again.epoch == claim.epoch + 1


async def test_a_call_that_was_broken_off_is_with_the_run_that_goes_on(stage: Stage) -> None:
    gate = GatedProvider()
    stage.means = stage.means._replace(provider=gate)
    run = await begin(stage, [("user", "say: One two three.")])
    execution = Execution(run.id, stage.means, owner="first")
    work = asyncio.ensure_future(execution.run())
    await gate.begun.wait()
    execution.interrupt()
    await work
    gate.let.set()
    await stage.execute(run, owner="second")
    assert await kinds(stage, run) == ["claim", "call", "release", "claim", "call"]
    first, second = await traced.calls(stage, run)
    assert (first.outcome, second.outcome) == ("interrupted", "answered")
    assert first.step_id is None
    assert second.step_id == (await stage.steps(run))[0].id


async def test_a_failed_call_is_told_with_its_code(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("fail: rate_limit_exceeded"))
    (call,) = await traced.calls(stage, run)
    assert (call.outcome, call.error_code) == ("failed", "rate_limit_exceeded")
    assert any("error: rate_limit_exceeded" in each for each in await lines(stage, run))


async def test_nothing_is_written_where_traces_are_off(stage: Stage) -> None:
    stage.means = stage.means._replace(traced_as=None)
    run = await to_the_end(stage, await begin(stage, [("user", f"{CODE}\nthen:\n{ANSWER}")]))
    trace = (await traced.trace(stage, run)).trace
    assert (trace.is_kept, trace.entries) == (False, [])
    shown = await lines(stage, run)
    assert any("no trace is kept" in each for each in shown)
    assert any("code: print 21" in each for each in shown)


async def test_old_traces_are_removed_and_others_stay(stage: Stage) -> None:
    old = await stage.execute(await stage.begin(ANSWER))
    stage.clock.advance(7 * 86_400)
    stage.acts.now = int(stage.clock.now())
    new = await stage.execute(await stage.begin(ANSWER))
    stage.clock.advance(1)
    await stage.engine().maintenance.forget()
    assert not (await traced.trace(stage, old)).trace.is_kept
    assert (await traced.trace(stage, new)).trace.is_kept
    assert [step.status for step in await stage.steps(old)] == ["completed"]


async def test_a_trace_is_removed_a_few_runs_at_a_time(stage: Stage) -> None:
    for _ in range(3):
        await stage.execute(await stage.begin(ANSWER))
    write = stage.database.write
    assert [await write(traces.forget, before=2**40, limit=2) for _ in range(3)] == [2, 1, 0]


async def test_nobody_else_sees_it(stage: Stage) -> None:
    run = await stage.execute(await stage.begin(ANSWER))
    other = await stage.acts.thread("Hello")
    for thread_id, project in ((other.id, PROJECT), (run.thread_id, "proj_other")):
        with pytest.raises(NotFound):
            await stage.database.read(traces.read, run.id, thread_id=thread_id, project=project)


async def claim_often(database: Database, run: Run, times: int) -> None:
    for _ in range(times):
        claimed = await database.write(
            leases.claim, run.id, owner="worker_1", now=float(START), lease_seconds=30,
            traced_as="x" * 40_000,
        )  # fmt: skip
        assert claimed is not None
        await database.write(
            leases.rescue, now=float(START), everybody=True, limit=1, traced_as=None
        )


async def test_what_is_kept_has_an_end_and_says_that_it_is_not_whole(stage: Stage) -> None:
    run = await stage.begin("Hello")
    await claim_often(stage.database, run, 9)
    trace = (await traced.trace(stage, run)).trace
    assert not trace.is_whole
    assert MOST_CHARACTERS < len(encode(trace)) < MOST_CHARACTERS + 50_000


async def test_a_recipe_that_is_too_large_is_left_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracer, "MOST_CHARACTERS", 1500)
    texts = [("user", f"Message {number}") for number in range(40)]
    run = await stage.execute(await begin(stage, [*texts, ("user", ANSWER)]))
    (call,) = await traced.calls(stage, run)
    assert (call.recipe, call.outcome) == (None, "answered")
    assert [each.state for each in await traced.remade(stage, run)] == ["unknown"]


async def test_a_line_of_another_version_is_passed_over(stage: Stage) -> None:
    run = await stage.execute(await stage.begin(ANSWER))

    def forge(tx: Transaction) -> None:
        row = tx.one("runs.trace", id=run.id, parent=run.thread_id, project=PROJECT)
        assert row is not None
        tx.run("runs.forget_trace", id=run.id)
        held = {"id": run.id, "was": "completed", "was_epoch": 1, "status": "completed",
                "body": row["body"], "expires_at": None, "ended_at": 1, "owner": None, "epoch": 1,
                "lease_until": None, "queued_at": None, "error_code": None,
                "most_trace": MOST_CHARACTERS}  # fmt: skip
        tx.run("runs.move", **held, trace=f'{{"type":"dream","at":1}}\n{row["trace"]}')

    await stage.database.write(forge)
    trace = (await traced.trace(stage, run)).trace
    assert not trace.is_whole
    assert await kinds(stage, run) == ["claim", "call"]


async def test_thinking_that_was_cut_is_counted(upstream: Upstream) -> None:
    run = await upstream.run("thinks", script(answer("<think>Hm, well.</think>", "Yes.")))
    (call,) = await traced.calls(upstream.stage, run)
    assert call.thinking == CutThinking(
        characters=len("<think>Hm, well.</think>"), told_characters=0
    )


async def test_messages_that_were_left_out_are_named_with_their_reasons(stage: Stage) -> None:
    texts = [("user", "one"), ("assistant", " "), ("user", "two"), ("user", ANSWER)]
    run = await begin(
        stage, texts, truncation_strategy={"type": "last_messages", "last_messages": 3}
    )
    run = await stage.execute(run)
    (call,) = await traced.calls(stage, run)
    assert call.recipe is not None
    assert [each.reason for each in call.recipe.left_out or []] == ["empty", "last_messages"]
    await stage.database.write(add, run.thread_id, [("user", "later")])
    assert await traced.calls(stage, run) == [call]
    gone = call.recipe.message_ids[-1]
    await stage.database.write(
        messages.delete, gone, thread_id=run.thread_id, project=PROJECT, now=1
    )
    (again,) = await traced.calls(stage, run)
    assert again.recipe is not None
    assert [each.message_id for each in again.recipe.left_out or []] != [gone]
