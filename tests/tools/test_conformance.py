"""What every tool that the server runs must do: see `tools/tool.py`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from perdure import tools
from perdure.bus.memory import MemoryBus
from perdure.providers import tokens
from perdure.storage import BlobStores
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.tools import TOOLS
from perdure.tools.tool import RunTool, ToolPrompt
from perdure.wire.events import Delta
from perdure.wire.run_steps import RunStep, ToolCalls
from perdure.wire.runs import Run
from perdure.wire.tools import (
    CodeInterpreterTool,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
)
from tests.engine import filled_stores
from tests.engine.stage import Stage
from tests.engine.test_crash import crash_while_executing, recover
from tests.tools.echo_tool import EchoTool

CALLS = 2


class Case(NamedTuple):
    """A tool: how a run gets it whose model is told this prompt, the arguments of a call, and what
    of the output says that it was answered.
    """

    name: str
    begin: Callable[..., Awaitable[Run]]
    arguments: str
    found: str
    tools: tuple[CodeInterpreterTool | FileSearchTool, ...] = ()


async def _searching(stage: Stage, prompt: str, **fields: object) -> Run:
    store_id = await filled_stores.store(stage, rent_md="The rent is due on the third day.")
    return await filled_stores.begin(stage, prompt, store_id, before=(), **fields)


async def _coding(stage: Stage, prompt: str, **fields: object) -> Run:
    return await stage.begin(prompt, **{"tools": [CodeInterpreterTool()], **fields})


async def _echoing(stage: Stage, prompt: str, **fields: object) -> Run:
    return await stage.begin(prompt, metadata={"echo": "on"}, **fields)


CASES = {
    "search": Case(
        "file_search", _searching, '{"queries": ["rent"]}', "The rent is due", (FileSearchTool(),)
    ),
    "code": Case("python", _coding, '{"code": "print 21"}', "21", (CodeInterpreterTool(),)),
    "echo": Case("echo", _echoing, '{"a": 1}', '{"a": 1}'),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def stage(
    database: Database,
    bus: MemoryBus,
    blobs: BlobStores,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    """An engine with one more tool than is shipped."""
    monkeypatch.setattr(tools, "TOOLS", (*TOOLS, EchoTool))
    stage = Stage(database, bus, blobs, ManualClock(), tmp_path / "reading")
    yield stage
    for tool in stage.means.tools:
        await tool.close()


def calling(case: Case, *, times: int = 1, then: str = "say: Done.") -> str:
    """A prompt that has the model call the tool so often in one round."""
    call = f"call: {case.name} {case.arguments}"
    return "\n".join([*[call] * times, "then:", then])


async def opened(stage: Stage, run: Run) -> dict[str, RunTool]:
    found = [await tool.open(run) for tool in stage.means.tools]
    return {tool.name: tool for tool in found if tool is not None}


def outputs(step: RunStep) -> list[str]:
    """The calls of a step, as they are stored."""
    assert isinstance(step.step_details, ToolCalls)
    return [str(call) for call in step.step_details.tool_calls]


async def prompted(stage: Stage, run: Run, tool: RunTool) -> ToolPrompt:
    steps = [step for step in await stage.steps(run) if step.status == "completed"]
    prompter = tool.prompter()

    def read(tx: Transaction) -> ToolPrompt:
        return prompter(tx, steps)

    return await stage.database.read(read)


async def test_a_run_has_only_the_tools_that_it_asks_for(stage: Stage, case: Case) -> None:
    run = await case.begin(stage, "Hello")
    assert list(await opened(stage, run)) == [case.name]
    assert await opened(stage, await stage.begin("Hello")) == {}


async def test_a_tool_is_offered_under_a_name_that_no_function_has(
    stage: Stage, case: Case
) -> None:
    taken = FunctionTool(function=FunctionDefinition(name=case.name))
    run = await case.begin(stage, "Hello")
    run.tools.append(taken)
    (tool,) = (await opened(stage, run)).values()
    prompt = await prompted(stage, run, tool)
    assert prompt.definition is not None
    assert tool.name == prompt.definition.function.name == f"{case.name}_"


async def test_calls_are_answered_by_the_server_and_the_model_goes_on(
    stage: Stage, case: Case
) -> None:
    run = await stage.execute(await case.begin(stage, calling(case, times=CALLS)))
    called, said = await stage.steps(run)
    assert (run.status, called.status, said.type) == ("completed", "completed", "message_creation")
    assert len(outputs(called)) == CALLS
    assert all(case.found in call for call in outputs(called))


async def test_the_model_is_shown_its_earlier_calls_with_their_outputs(
    stage: Stage, case: Case
) -> None:
    run = await stage.execute(await case.begin(stage, calling(case, times=CALLS)))
    prepared = await stage.prepare(run)
    asked = [call for message in prepared.request.messages for call in message.tool_calls or ()]
    answers = [message for message in prepared.request.messages if message.role == "tool"]
    assert [call.function.name for call in asked] == [case.name] * CALLS
    assert [json.loads(call.function.arguments) for call in asked] == (
        [json.loads(case.arguments)] * CALLS
    )
    assert [answer.tool_call_id for answer in answers] == [call.id for call in asked]
    assert all(case.found in str(answer.content) for answer in answers)


async def test_a_tool_is_recalled_as_it_was_prompted(stage: Stage, case: Case) -> None:
    run = await stage.execute(await case.begin(stage, calling(case, times=CALLS)))
    (tool,) = (await opened(stage, run)).values()
    prompt = await prompted(stage, run, tool)
    steps = [step for step in await stage.steps(run) if step.status == "completed"]
    recalled = (each.recall(run, {tool.name: prompt.sources}) for each in stage.means.tools)
    ((again, prompter),) = [each for each in recalled if each is not None]

    def read(tx: Transaction) -> ToolPrompt:
        return prompter(tx, steps)

    same = await stage.database.read(read)
    assert again.name == tool.name
    assert same.definition == prompt.definition
    assert same.replays.within(50) == prompt.replays.within(50)
    assert [each.recall(run, {}) for each in stage.means.tools] == [None] * len(stage.means.tools)


async def test_outputs_shrink_to_the_room_that_is_left(stage: Stage, case: Case) -> None:
    run = await stage.execute(await case.begin(stage, calling(case, times=CALLS)))
    (tool,) = (await opened(stage, run)).values()
    replays = (await prompted(stage, run, tool)).replays
    whole, least = replays.within(None), replays.within(0)
    assert whole.keys() == least.keys()
    if replays.can_shrink:
        assert _tokens(least) < _tokens(whole)
        assert replays.within(100_000) == whole
    else:
        assert least == whole


def _tokens(replays: object) -> int:
    return tokens.count(str(replays))


async def test_a_call_is_told_to_its_end_before_the_next_one_begins(
    stage: Stage, case: Case
) -> None:
    weather = FunctionTool(function=FunctionDefinition(name="get_weather"))
    prompt = f"call: {case.name} {case.arguments}\ncall: get_weather {{}}"
    run = await case.begin(stage, prompt, tools=[*case.tools, weather])
    subscription = stage.bus.subscribe(run.id)
    run = await stage.execute(run)
    assert run.status == "requires_action"
    (step,) = await stage.steps(run)
    assert case.found in outputs(step)[0]
    told = [each for each in await subscription.next() if isinstance(each, Delta)]
    places = [_place(delta) for delta in told]
    assert places == sorted(places)
    assert set(places) == {0, 1}


def _place(delta: Delta) -> int:
    (call,) = json.loads(delta.data())["delta"]["step_details"]["tool_calls"]
    return int(call["index"])


async def test_a_crash_at_any_commit_ends_as_if_there_had_been_none(
    stage: Stage, case: Case
) -> None:
    expected = await stage.execute(await case.begin(stage, calling(case)))
    wanted = [outputs(step) for step in await stage.steps(expected) if step.type == "tool_calls"]
    at, crashed = 1, True
    while crashed:
        run = await case.begin(stage, calling(case))
        crashed = await crash_while_executing(stage, run, at=at, committed=True)
        if crashed:
            await recover(stage)
        run = await stage.execute(run)
        assert run.status == "completed"
        calls = [step for step in await stage.steps(run) if step.type == "tool_calls"]
        assert [len(outputs(step)) for step in calls] == [len(each) for each in wanted]
        at += 1
    assert at > 3


async def test_an_execution_that_has_ended_has_closed_its_tool(stage: Stage, case: Case) -> None:
    run = await stage.execute(await case.begin(stage, calling(case)))
    # so the next one can begin: it finds nothing in use
    again = await stage.acts.run(run.thread_id, run.assistant_id, metadata=run.metadata)
    assert (await stage.execute(again)).status == "completed"
    echoes = [tool for tool in stage.means.tools if isinstance(tool, EchoTool)]
    assert all(each.is_closed for echo in echoes for each in echo.opened)
