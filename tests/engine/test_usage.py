"""What runs use is counted in the transactions that their workers write."""

import asyncio

from perdure.commands import creation, usage_counts
from perdure.commands.creation import NewRun
from perdure.commands.usage_counts import UsageCounts, UsageQuery
from perdure.engine.executor import Execution
from perdure.wire.runs import CreateRun
from perdure.wire.tools import CodeInterpreterTool, FunctionDefinition, FunctionTool
from tests.commands.acts import LIFETIME, PROJECT
from tests.engine import filled_stores
from tests.engine.filled_stores import BEES, RENT
from tests.engine.stage import Stage
from tests.engine.used import EVER, used

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))


async def test_each_model_call_of_a_run_counts_with_its_tokens(stage: Stage) -> None:
    prompt = "call: get_weather\nusage: 20 5\nthen:\nsay: Sunny\nusage: 30 7"
    run = await stage.execute(await stage.begin(prompt, tools=[WEATHER]))
    assert await used(stage.database) == UsageCounts(1, 20, 5)
    run = await stage.execute(await stage.submit(run, "21"))
    assert await used(stage.database) == UsageCounts(2, 50, 12)


async def test_a_run_counts_for_the_key_that_made_it_and_the_model_it_asked_for(
    stage: Stage,
) -> None:
    assistant = await stage.acts.assistant()
    thread = await stage.acts.thread("say: Hi\nusage: 3 1")
    new = NewRun("run_a", PROJECT, stage.acts.now, LIFETIME, "key_a")
    body = CreateRun(assistant_id=assistant.id, model="gpt-x")
    run = await stage.database.write(creation.create, thread.id, body, new)
    await stage.execute(run)
    query = UsageQuery("completions", 0, EVER, 2**30, by_project=True, by_key=True, by_model=True)
    (found,) = await stage.database.read(usage_counts.sums, query)
    assert (found.project, found.key_id, found.model) == (PROJECT, "key_a", "gpt-x")
    assert found.counts == UsageCounts(1, 3, 1)


async def test_a_model_call_that_is_broken_off_counts_once(stage: Stage) -> None:
    run = await stage.begin("forever\nwait 1 ms")
    execution = Execution(run.id, stage.means, owner="worker_1")
    work = asyncio.ensure_future(execution.run())
    await stage.listen_until(run, lambda told: told.name == "thread.message.delta")
    execution.interrupt()
    await work
    counts = await used(stage.database)
    assert counts.requests == 1
    assert counts.output_tokens > 0
    assert (await stage.acts.get(run.id)).status == "queued"


async def test_a_run_that_fails_before_its_model_call_counts_nothing(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("fail: server_error"))
    assert run.status == "failed"
    assert await used(stage.database) == UsageCounts()


async def test_each_search_of_a_run_counts(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, bees_txt=BEES, rent_md=RENT)
    prompt = (
        'call: file_search {"queries": ["rent"]}\ncall: file_search {"queries": ["bees"]}\n'
        "then:\nsay: Both."
    )
    run = await stage.execute(await filled_stores.begin(stage, prompt, store_id))
    assert run.status == "completed"
    assert (await used(stage.database, "file_search_calls")).requests == 2


async def test_a_code_session_counts_when_it_begins_and_not_with_every_call(stage: Stage) -> None:
    prompt = (
        'call: python {"code": "print 1"}\nthen:\ncall: python {"code": "print 2"}\nthen:\nsay: ok'
    )
    run = await stage.execute(await stage.begin(prompt, tools=[CodeInterpreterTool()]))
    assert run.status == "completed"
    assert (await used(stage.database, "code_interpreter_sessions")).requests == 1
    assert (await used(stage.database)).requests == 3
