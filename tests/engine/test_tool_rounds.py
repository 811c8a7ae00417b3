"""Rounds that nobody but the server answers: names that nobody offered, and rounds without end."""

import pytest

from perdure.wire.run_steps import (
    CodeInterpreterToolCall,
    FileSearchToolCall,
    FunctionToolCall,
    ToolCall,
    ToolCalls,
)
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine import coding, filled_stores
from tests.engine.filled_stores import RENT
from tests.engine.stage import Stage
from tests.engine.test_crash import assert_log_is_legal, crash_while_executing, outcome, recover
from tests.engine.upstream import Upstream

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))
NO_PYTHON = "There is no tool 'python'. There are no tools."
INVENTED = 'say: Let me see.\ncall: python {"code": "1+1"}\nthen:\nsay: Two.'


async def calls(stage: Stage, run: Run) -> list[list[ToolCall]]:
    """The calls of each completed step that has some."""
    return [
        step.step_details.tool_calls
        for step in await stage.steps(run)
        if isinstance(step.step_details, ToolCalls) and step.status == "completed"
    ]


def answered(call: ToolCall) -> tuple[str, str, str | None]:
    assert isinstance(call, FunctionToolCall)
    return call.function.name, call.function.arguments, call.function.output


async def search(upstream: Upstream, model: str, **fields: object) -> Run:
    """A run that searches a store, on this model, executed."""
    store_id = await filled_stores.store(upstream.stage, rent_md=RENT)
    run = await filled_stores.begin(
        upstream.stage, "When?", store_id, before=(), model=model, **fields
    )
    return await upstream.stage.execute(run)


async def test_without_functions_nobody_is_asked_for_an_invented_name(stage: Stage) -> None:
    run = await stage.execute(await stage.begin(INVENTED))
    assert (run.status, run.required_action) == ("completed", None)
    assert [[answered(call) for call in made] for made in await calls(stage, run)] == [
        [("python", '{"code": "1+1"}', NO_PYTHON)]
    ]
    assert [step.type for step in await stage.steps(run)] == [
        "message_creation", "tool_calls", "message_creation",
    ]  # fmt: skip
    assert "thread.run.requires_action" not in await stage.told(run)
    assert_log_is_legal(await stage.told(run))


async def test_with_functions_an_invented_name_is_passed_on(stage: Stage) -> None:
    """Spec 06 §3."""
    run = await stage.execute(await stage.begin(INVENTED, tools=[WEATHER]))
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert call.function.name == "python"


async def test_the_model_is_told_that_there_is_no_such_tool(upstream: Upstream) -> None:
    run = await search(upstream, "inventive")
    told = "There is no tool 'browser.open'. The tools are: file_search."
    assert run.status == "completed"
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", told)
    assert upstream.bodies()[1]["messages"] == [
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "browser.open", "arguments": '{"queries": ["rent"]}'},
                }
            ],
        },
        {"role": "tool", "content": told, "tool_call_id": "call_1"},
    ]


async def test_what_the_server_can_answer_is_answered_beside_an_invented_name(
    upstream: Upstream,
) -> None:
    run = await search(upstream, "two at once")
    assert run.status == "completed"
    ((found, invented),) = await calls(upstream.stage, run)
    assert isinstance(found, FileSearchToolCall)
    assert found.file_search.queries == ["rent"]
    assert [result.file_name for result in found.file_search.results] == ["rent.md"]
    assert answered(invented)[2] == "There is no tool 'python'. The tools are: file_search."


async def test_code_runs_beside_an_invented_name(stage: Stage) -> None:
    prompt = 'call: python {"code": "print 1"}\ncall: browser {}\nthen:\nsay: Done.'
    run = await stage.execute(await coding.begin(stage, prompt))
    assert run.status == "completed"
    ((code, invented),) = await calls(stage, run)
    assert isinstance(code, CodeInterpreterToolCall)
    assert code.code_interpreter.input == "print 1"
    assert answered(invented)[2] == "There is no tool 'browser'. The tools are: python."


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_at_every_commit_of_a_round_without_the_client_changes_nothing(
    stage: Stage, *, committed: bool
) -> None:
    prompt = 'call: python {}\nthen:\ncall: browser {"a": 1}\nthen:\nsay: Done.'
    reference = await stage.execute(await stage.begin(prompt))
    expected = await outcome(stage, reference)
    assert reference.status == "completed"
    at, crashed = 1, True
    while crashed:
        run = await stage.begin(prompt)
        crashed = await crash_while_executing(stage, run, at=at, committed=committed)
        await recover(stage)
        run = await stage.acts.get(run.id)
        if run.status == "queued":
            run = await stage.execute(run)
        assert await outcome(stage, run) == expected, f"crash at write {at}"
        assert_log_is_legal(await stage.told(run))
        at += 1
    # claim, two steps of calls and their ends, message, end
    assert at - 2 == 7


async def test_after_so_many_rounds_the_model_is_asked_without_tools(upstream: Upstream) -> None:
    upstream.stage.means = upstream.stage.means._replace(max_tool_rounds=3)
    run = await search(upstream, "restless", tool_choice="required", parallel_tool_calls=False)
    assert run.status == "completed"
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", "Enough.")
    assert len(await calls(upstream.stage, run)) == 3
    bodies = upstream.bodies()
    assert [bool(body.get("tools")) for body in bodies] == [True, True, True, False]
    assert not {"tool_choice", "parallel_tool_calls"} & bodies[-1].keys()


async def test_invented_names_count_as_rounds(stage: Stage) -> None:
    stage.means = stage.means._replace(max_tool_rounds=2)
    run = await stage.execute(await stage.begin("call: a {}\nthen:\ncall: b {}\nthen:\nsay: Done."))
    assert run.status == "completed"
    run = await stage.execute(await stage.begin("\nthen:\n".join(["call: a {}"] * 3)))
    assert run.status == "failed"


async def test_a_server_that_wants_to_see_tools_is_shown_them(upstream: Upstream) -> None:
    """They must not be called: `tool_choice` says so."""
    upstream.stage.means = upstream.stage.means._replace(max_tool_rounds=2)
    run = await search(upstream, "wants tools")
    assert run.status == "completed"
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", "Enough.")
    *_, refused, shown = upstream.bodies()
    assert "tools" not in refused
    assert [tool["function"]["name"] for tool in shown["tools"]] == ["file_search"]  # type: ignore[attr-defined]
    assert shown["tool_choice"] == "none"


@pytest.mark.parametrize("model", ["restless for ever", "wants tools for ever"])
async def test_a_call_even_then_fails_the_run_and_names_the_setting(
    upstream: Upstream, model: str
) -> None:
    upstream.stage.means = upstream.stage.means._replace(max_tool_rounds=2)
    run = await search(upstream, model)
    assert run.last_error is not None
    assert (run.status, run.last_error.code, run.last_error.message) == (
        "failed",
        "server_error",
        "The model called tools in 2 rounds in a row, and again when it was asked for an answer "
        "without tools. The setting max_tool_rounds says how many rounds there may be.",
    )
    assert [step.status for step in await upstream.stage.steps(run)] == [
        "completed", "completed", "failed",
    ]  # fmt: skip


async def test_rounds_are_counted_on_by_another_worker(stage: Stage) -> None:
    prompt = "\nthen:\n".join(["call: a {}"] * 3 + ["say: Done."])
    stage.means = stage.means._replace(max_tool_rounds=3)
    run = await stage.begin(prompt)
    # claim, the first step of calls and its end, the second step
    assert await crash_while_executing(stage, run, at=4, committed=True)
    await recover(stage)
    run = await stage.acts.get(run.id)
    assert run.status == "queued"
    stage.means = stage.means._replace(max_tool_rounds=2)
    run = await stage.execute(run)
    assert run.status == "failed"
    assert len(await calls(stage, run)) == 2


async def test_outputs_of_the_client_begin_the_count_anew(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    look = 'call: file_search {"queries": ["rent"]}'
    prompt = "\nthen:\n".join([look, look, "call: get_weather {}", look, look, "say: Done."])
    stage.means = stage.means._replace(max_tool_rounds=2)
    run = await filled_stores.begin(stage, prompt, store_id, tools=[*filled_stores.SEARCH, WEATHER])
    run = await stage.execute(run)
    # The third round comes without tools, and would be the last one.
    assert run.status == "failed"
    prompt = "\nthen:\n".join([look, "call: get_weather {}", look, look, "say: Done."])
    run = await filled_stores.begin(stage, prompt, store_id, tools=[*filled_stores.SEARCH, WEATHER])
    run = await stage.execute(run)
    assert run.status == "requires_action"
    run = await stage.execute(await stage.submit(run, "21"))
    assert run.status == "completed"


async def test_rounds_of_the_client_alone_have_no_bound(stage: Stage) -> None:
    stage.means = stage.means._replace(max_tool_rounds=1)
    prompt = "\nthen:\n".join(["call: get_weather {}"] * 3 + ["say: Done."])
    run = await stage.execute(await stage.begin(prompt, tools=[WEATHER]))
    for _ in range(3):
        assert run.status == "requires_action"
        run = await stage.execute(await stage.submit(run, "21"))
    assert run.status == "completed"


async def test_white_space_before_a_call_is_no_message_and_does_not_go_back(
    upstream: Upstream,
) -> None:
    run = await upstream.run("blank first", tools=[WEATHER])
    assert run.status == "requires_action"
    assert [step.type for step in await upstream.stage.steps(run)] == ["tool_calls"]
    run = await upstream.stage.execute(await upstream.stage.submit(run, "21"))
    assert run.status == "completed"
    assert (await upstream.stage.thread(run))[1:] == [("assistant", "completed", "\n\nEnough.")]


async def test_an_answer_of_white_space_is_kept_and_does_not_go_back(upstream: Upstream) -> None:
    stage = upstream.stage
    run = await upstream.run("only blank")
    assert (await stage.thread(run))[-1] == ("assistant", "completed", " \n")
    await stage.execute(await stage.acts.run(run.thread_id, run.assistant_id, model="text"))
    assert upstream.bodies()[-1]["messages"] == [{"role": "user", "content": "Hello"}]


async def test_a_call_of_nobody_knows_what_fails_the_run(upstream: Upstream) -> None:
    run = await upstream.run("nameless", tools=[WEATHER])
    assert run.last_error is not None
    assert (run.status, run.last_error.message) == (
        "failed", "The model called a tool without saying which one.",
    )  # fmt: skip
    assert await upstream.stage.steps(run) == []


async def test_searches_without_arguments_look_for_nothing(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await stage.execute(
        await filled_stores.begin(stage, "call: file_search {}\nthen:\nsay: Done.", store_id)
    )
    assert run.status == "completed"
    ((call,),) = await calls(stage, run)
    assert isinstance(call, FileSearchToolCall)
    assert (call.file_search.queries, call.file_search.results) == ([], [])


async def test_what_must_not_be_called_is_answered_as_an_invented_name(upstream: Upstream) -> None:
    """No tools are sent, and there are models that call what they were once shown."""
    run = await upstream.run("calls anyway", tools=[WEATHER], tool_choice="none")
    assert (run.status, run.required_action) == ("completed", None)
    told = "There is no tool 'get_weather'. There are no tools."
    assert [[answered(call) for call in made] for made in await calls(upstream.stage, run)] == [
        [("get_weather", "{}", told)]
    ]
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", told)
    assert [{"tools", "tool_choice"} & body.keys() for body in upstream.bodies()] == [set(), set()]


async def test_a_search_that_must_not_be_made_is_not_made(upstream: Upstream) -> None:
    run = await search(upstream, "calls file_search anyway", tool_choice="none")
    assert run.status == "completed"
    ((call,),) = await calls(upstream.stage, run)
    assert answered(call)[2] == "There is no tool 'file_search'. There are no tools."


async def test_a_server_that_wants_to_see_tools_behind_such_a_call_is_shown_them(
    upstream: Upstream,
) -> None:
    run = await upstream.run("calls anyway and wants tools", tools=[WEATHER], tool_choice="none")
    assert run.status == "completed"
    first, refused, shown = upstream.bodies()
    assert "tools" not in first
    assert "tools" not in refused
    assert shown["tool_choice"] == "none"
    assert [tool["function"]["name"] for tool in shown["tools"]] == ["get_weather"]  # type: ignore[attr-defined]
    # From now on it is shown them at once.
    await upstream.run("calls anyway and wants tools", tools=[WEATHER], tool_choice="none")
    assert len(upstream.bodies()) == 5


async def test_calls_that_must_not_be_made_have_an_end(upstream: Upstream) -> None:
    upstream.stage.means = upstream.stage.means._replace(max_tool_rounds=2)
    run = await upstream.run("inventive for ever", tools=[WEATHER], tool_choice="none")
    assert run.last_error is not None
    assert "The setting max_tool_rounds says" in run.last_error.message
    assert len(upstream.bodies()) == 3
