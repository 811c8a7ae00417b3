"""What a model server tells beside its calls goes back to it, as it came, while the run lasts."""

import asyncio

import pytest
from structlog.testing import capture_logs

from perdure import model_servers
from perdure.commands import run_steps
from perdure.engine.executor import Execution
from perdure.model_servers import ModelServerSettings
from perdure.wire.base import JsonObject, encode
from perdure.wire.runs import Run
from perdure.wire.tools import CodeInterpreterTool, FunctionDefinition, FunctionTool
from tests.engine.coding import say
from tests.engine.stage import Crash, CrashingDatabase
from tests.engine.upstream import KEY, Upstream
from tests.model_servers.extras import EXTRAS, NEEDS
from tests.patience import PATIENCE_SECONDS

TOOLS = [
    FunctionTool(function=FunctionDefinition(name=name)) for name in ("get_weather", "get_time")
]
NEEDY = [*(f"needs-{name}" for name in NEEDS), "needs-whole", "needs-first-of-two", "long-winded"]
BARRING = [name for name in EXTRAS if name.startswith("bars-")]


async def to_the_end(upstream: Upstream, run: Run, *, anew: bool = False) -> Run:
    """Executes the run and answers its calls until it has ended; `anew`: in each round with a
    provider that has seen nothing yet.
    """
    run = await upstream.stage.execute(run)
    while run.status == "requires_action":
        run = await upstream.stage.submit(run, "sunny")
        if anew:
            await upstream.close()
            upstream.use()
        run = await upstream.stage.execute(run)
    return run


def carried(body: dict[str, object]) -> list[JsonObject]:
    """What the assistant's messages of a request carry beside text and calls."""
    messages = body["messages"]
    assert isinstance(messages, list)
    return [
        {name: message[name] for name in message.keys() - {"role", "content", "tool_calls"}}
        for message in messages
        if message["role"] == "assistant"
    ]


@pytest.mark.parametrize("model", NEEDY)
async def test_what_was_told_with_calls_goes_back_with_them_in_every_later_round(
    upstream: Upstream, model: str
) -> None:
    run = await to_the_end(upstream, await upstream.begin(model, tools=TOOLS))
    assert (run.status, run.last_error) == ("completed", None)
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", "It is sunny.")


@pytest.mark.parametrize("model", NEEDY)
async def test_another_server_that_takes_the_run_up_sends_it_back_too(
    upstream: Upstream, model: str
) -> None:
    """It has nothing but the database in common with the one before."""
    run = await upstream.begin(model, tools=TOOLS)
    run = await to_the_end(upstream, run, anew=True)
    assert (run.status, run.last_error) == ("completed", None)


async def crashes(upstream: Upstream, run: Run, *, at: int, committed: bool) -> bool:
    """Executes the run in a process that dies at a write; whether it came so far. If it did,
    another one goes on.
    """
    stage = upstream.stage
    dying = CrashingDatabase(stage.database, crash_at=at, committed=committed)
    work = asyncio.ensure_future(Execution(run.id, stage.doomed(dying), owner="doomed").run())
    try:
        # to show each crash in full takes longer than the crash
        with capture_logs():
            await asyncio.wait_for(work, PATIENCE_SECONDS)
    except Crash:
        stage.clock.advance(31)
        await stage.engine().maintenance.recover()
        if (await stage.acts.get(run.id)).status == "queued":
            await stage.execute(run)
        return True
    return False


async def crashed_at_every_write(
    upstream: Upstream, *said: str, model: str, committed: bool
) -> list[Run]:
    """The runs that completed though each was in a process that died, at another write in each of
    them.
    """
    completed: list[Run] = []
    crashed = True
    while crashed:
        at = len(completed) + 1
        run, crashed = await upstream.begin(model, *said, tools=TOOLS), False
        while run.status not in ("completed", "failed"):
            crashed = await crashes(upstream, run, at=at, committed=committed) or crashed
            run = await upstream.stage.acts.get(run.id)
            if run.status == "requires_action":
                run = await upstream.stage.submit(run, "sunny")
        assert (run.status, run.last_error) == ("completed", None), f"crash at write {at}"
        completed.append(run)
    # Each leg writes: claim, message, its end, calls, the question.
    assert len(completed) - 1 == 5
    return completed


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_at_every_commit_loses_nothing_of_it(
    upstream: Upstream, *, committed: bool
) -> None:
    await crashed_at_every_write(upstream, model="needs-reasoning-and-text", committed=committed)


@pytest.mark.parametrize("committed", [True, False])
async def test_calls_that_the_server_answers_itself_keep_it_at_every_commit(
    upstream: Upstream, *, committed: bool
) -> None:
    """The file that the code leaves is written in the midst of the round."""
    at, crashed = 1, True
    while crashed:
        run = await upstream.begin("needs-of-code", tools=[CodeInterpreterTool()])
        crashed = await crashes(upstream, run, at=at, committed=committed)
        run = await upstream.stage.acts.get(run.id)
        assert (run.status, run.last_error) == ("completed", None), f"crash at write {at}"
        at += 1
    # It writes: claim, calls, the file's contents twice, the file, the end of the calls, message,
    # the end.
    assert at - 2 == 8


async def test_no_other_server_is_sent_it(upstream: Upstream) -> None:
    """Not even one that is the same machine under another name."""
    elsewhere = upstream.server.base_url.replace("127.0.0.1", "localhost")
    run = await upstream.begin("needs-reasoning-content", tools=TOOLS)
    run = await upstream.stage.submit(await upstream.stage.execute(run), "sunny")
    await upstream.close()
    upstream.use(base_url=elsewhere)
    await upstream.stage.execute(run)
    assert carried(upstream.bodies()[-1]) == [{}]


async def test_no_other_model_is_sent_it(upstream: Upstream) -> None:
    run = await upstream.begin("needs-reasoning-content", tools=TOOLS)
    run = await upstream.stage.submit(await upstream.stage.execute(run), "sunny")
    await upstream.close()
    servers = [ModelServerSettings("tests", upstream.server.base_url, KEY)]
    upstream.call(model_servers.connect(servers, {"needs-reasoning-content": "text"}))
    run = await upstream.stage.execute(run)
    assert run.status == "completed"
    assert upstream.bodies()[-1]["model"] == "text"
    assert carried(upstream.bodies()[-1]) == [{}]


async def test_a_later_run_on_the_thread_is_not_sent_it(upstream: Upstream) -> None:
    stage = upstream.stage
    run = await to_the_end(upstream, await upstream.begin("needs-reasoning-content", tools=TOOLS))
    await say(stage, run.thread_id, "And tomorrow?")
    later = await stage.acts.run(
        run.thread_id, run.assistant_id, model="needs-reasoning-content", tools=TOOLS
    )
    await stage.execute(later)
    assert carried(upstream.bodies()[-1]) == [{}]


@pytest.mark.parametrize("model", BARRING)
async def test_a_server_that_refuses_it_is_not_sent_it_again(
    upstream: Upstream, model: str
) -> None:
    for requests in (4, 3):
        upstream.server.reset()
        run = await to_the_end(upstream, await upstream.begin(model, tools=TOOLS))
        assert (run.status, run.last_error) == ("completed", None)
        assert len(upstream.bodies()) == requests


async def test_it_is_kept_beside_the_step_and_shown_to_nobody(upstream: Upstream) -> None:
    stage = upstream.stage
    run = await stage.execute(await upstream.begin("needs-reasoning-details", tools=TOOLS))
    (step,) = await stage.steps(run)
    kept = await stage.database.read(run_steps.extras_of_run, run.id)
    assert list(kept) == [step.id]
    assert (kept[step.id].server, kept[step.id].model) == (
        upstream.server.base_url, "needs-reasoning-details",
    )  # fmt: skip
    assert kept[step.id].message == NEEDS["reasoning-details"].back
    shown = encode([run, step]).decode() + str(await stage.told_in_full(run))
    assert "I think" not in shown
    assert "c2ln" not in shown


async def test_what_is_more_than_is_kept_is_left_out_whole(upstream: Upstream) -> None:
    run = await to_the_end(upstream, await upstream.begin("long-winded", tools=TOOLS))
    assert run.status == "completed"
    kept = await upstream.stage.database.read(run_steps.extras_of_run, run.id)
    assert [(each.message, list(each.calls.values())) for each in kept.values()] == [
        ({}, [{"extra_content": {"google": {"thought_signature": "c2ln"}}}])
    ] * 2
