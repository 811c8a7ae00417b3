"""What an execution makes of the model's answers."""

import asyncio

import pytest

from perdure.commands import leases, runs, threads
from perdure.engine.executor import Execution
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.events import Delta
from perdure.wire.run_steps import ToolCalls
from perdure.wire.runs import TruncationStrategy
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.commands.acts import LIFETIME, PROJECT
from tests.engine.stage import Stage
from tests.patience import PATIENCE_SECONDS

WEATHER = FunctionTool(
    function=FunctionDefinition(
        name="get_weather",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
)
TIME = FunctionTool(function=FunctionDefinition(name="get_time"))


async def test_a_plain_run_ends_with_the_answer_on_the_thread(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("say: Good morning"))
    assert run.status == "completed"
    assert await stage.thread(run) == [
        ("user", "completed", "say: Good morning"),
        ("assistant", "completed", "Good morning"),
    ]
    assert run.usage is not None
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens
    assert run.usage.completion_tokens == 2


async def test_usage_is_the_sum_over_the_steps(stage: Stage) -> None:
    prompt = "call: get_weather\nusage: 20 5\nthen:\nsay: Sunny\nusage: 30 7"
    run = await stage.execute(await stage.begin(prompt, tools=[WEATHER]))
    assert (run.status, run.usage) == ("requires_action", None)
    run = await stage.execute(await stage.submit(run, "21 degrees"))
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.completion_tokens, run.usage.total_tokens) == (
        50, 12, 62,
    )  # fmt: skip
    assert [step.usage and step.usage.total_tokens for step in await stage.steps(run)] == [25, 37]


async def test_parallel_calls_are_one_step(stage: Stage) -> None:
    prompt = 'call: get_weather {"city": "Paris"}\ncall: get_time {}'
    run = await stage.execute(await stage.begin(prompt, tools=[WEATHER, TIME]))
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_time", "{}"),
    ]
    assert len({call.id for call in calls}) == 2
    (step,) = await stage.steps(run)
    assert isinstance(step.step_details, ToolCalls)
    assert [call.id for call in step.step_details.tool_calls] == [call.id for call in calls]


async def test_without_parallel_calls_a_round_has_one_even_if_the_model_sends_more(
    stage: Stage,
) -> None:
    prompt = 'call: get_weather {"city": "Paris"}\ncall: get_time {"zone": "UTC"}'
    run = await stage.begin(prompt, tools=[WEATHER, TIME], parallel_tool_calls=False)
    run = await stage.execute(run)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Paris"}')


async def test_text_before_calls_is_a_step_of_its_own(stage: Stage) -> None:
    run = await stage.begin("say: Let me look.\ncall: get_weather", tools=[WEATHER])
    run = await stage.execute(run)
    assert run.status == "requires_action"
    assert [(step.type, step.status) for step in await stage.steps(run)] == [
        ("message_creation", "completed"),
        ("tool_calls", "in_progress"),
    ]
    assert (await stage.thread(run))[-1] == ("assistant", "completed", "Let me look.")


async def test_several_tool_rounds_follow_each_other(stage: Stage) -> None:
    prompt = "call: get_weather\nthen:\ncall: get_time\nthen:\nsay: Done"
    run = await stage.begin(prompt, tools=[WEATHER, TIME])
    ids = set()
    for _ in range(2):
        run = await stage.execute(run)
        assert run.required_action is not None
        ids |= {call.id for call in run.required_action.submit_tool_outputs.tool_calls}
        run = await stage.submit(run, "ok")
    run = await stage.execute(run)
    assert run.status == "completed"
    assert len(ids) == 2
    assert [step.type for step in await stage.steps(run)] == [
        "tool_calls", "tool_calls", "message_creation",
    ]  # fmt: skip


async def test_a_refusal_becomes_a_refusal_part(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("refuse: I can't do that"))
    assert run.status == "completed"
    assert (await stage.thread(run))[-1] == ("assistant", "completed", "I can't do that")


async def test_the_model_s_length_stop_leaves_the_run_incomplete(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("say: one two three\nstop after 2 tokens"))
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    assert (await stage.thread(run))[-1] == ("assistant", "incomplete", "one two ")


async def test_the_completion_budget_counts_over_all_rounds(stage: Stage) -> None:
    """Spec 03 §7: what the first round used is gone for the second."""
    prompt = "call: get_weather {}\nthen:\nsay: one two three four"
    run = await stage.begin(prompt, tools=[WEATHER], max_completion_tokens=4)
    run = await stage.execute(run)
    assert run.status == "requires_action"
    run = await stage.execute(await stage.submit(run, "ok"))
    assert run.status == "incomplete"
    assert (await stage.thread(run))[-1] == ("assistant", "incomplete", "one two ")
    assert run.usage is not None
    assert run.usage.completion_tokens == 4


async def test_a_prompt_that_cannot_fit_its_budget_ends_the_run(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("word " * 400, max_prompt_tokens=256))
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_prompt_tokens"
    assert len(await stage.thread(run)) == 1


async def test_last_messages_limits_what_the_model_sees(stage: Stage) -> None:
    assistant = await stage.acts.assistant()
    thread = await stage.acts.thread("say: first", "say: second")
    strategy = TruncationStrategy(type="last_messages", last_messages=1)
    run = await stage.acts.run(thread.id, assistant.id, truncation_strategy=strategy)
    run = await stage.execute(run)
    assert run.usage is not None
    whole = await stage.acts.run(thread.id, assistant.id)
    whole = await stage.execute(whole)
    assert whole.usage is not None
    assert run.usage.prompt_tokens < whole.usage.prompt_tokens


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "invalid_prompt"])
async def test_a_failing_model_fails_the_run_with_its_code(stage: Stage, code: str) -> None:
    run = await stage.execute(await stage.begin(f"fail: {code}"))
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", code)
    assert await stage.steps(run) == []


async def test_a_failure_in_mid_answer_keeps_the_text_so_far(stage: Stage) -> None:
    run = await stage.begin("say: one two three\nfail: server_error after 2 tokens")
    run = await stage.execute(run)
    assert run.status == "failed"
    assert (await stage.thread(run))[-1] == ("assistant", "incomplete", "one two ")
    (step,) = await stage.steps(run)
    assert step.last_error is not None
    assert (step.status, step.last_error.code) == ("failed", "server_error")
    assert run.usage is not None
    assert run.usage.completion_tokens > 0


async def test_the_content_filter_fails_the_run_and_says_so_in_the_message(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("say: one two\nfinish: content_filter"))
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "server_error")
    assert (await stage.told(run))[-3:] == [
        "thread.message.incomplete", "thread.run.step.failed", "thread.run.failed",
    ]  # fmt: skip


async def test_an_empty_answer_is_an_empty_message(stage: Stage) -> None:
    run = await stage.execute(await stage.begin("say:"))
    assert run.status == "completed"
    assert (await stage.thread(run))[-1] == ("assistant", "completed", "")


def is_delta(told: object) -> bool:
    return isinstance(told, Delta) and told.name == MESSAGE_DELTA


async def test_a_cancel_in_mid_answer_stops_the_model_and_keeps_the_text(stage: Stage) -> None:
    run = await stage.begin("forever\nwait 1 ms")
    work = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, is_delta)
    cancelling = await stage.acts.cancel(run.id)
    assert cancelling.status == "cancelling"
    run = await work
    assert run.status == "cancelled"
    role, status, text = (await stage.thread(run))[-1]
    assert (role, status) == ("assistant", "incomplete")
    assert text.startswith("on ")
    assert run.usage is not None
    assert run.usage.completion_tokens > 0
    assert (await stage.told(run))[-4:] == [
        "thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]  # fmt: skip


async def test_a_run_past_its_time_is_expired_by_its_own_worker(stage: Stage) -> None:
    """The maintenance loop tells the worker, which still has the text."""
    run = await stage.begin("forever\nwait 1 ms")
    engine = stage.engine()
    work = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, is_delta)
    stage.clock.advance(LIFETIME)
    held = await stage.database.write(runs.lock, run.id)
    assert held is not None
    assert held.lease is not None
    renewed = {run.id: held.lease}
    await stage.database.write(leases.renew, renewed, now=stage.clock.now(), lease_seconds=30)
    await engine.maintenance.step()
    run = await work
    assert (run.status, run.expires_at) == ("expired", run.created_at + LIFETIME)
    assert (await stage.thread(run))[-1][1] == "incomplete"


async def test_a_thread_that_is_deleted_takes_its_run_along(stage: Stage) -> None:
    run = await stage.begin("forever\nwait 1 ms")
    execution = Execution(run.id, stage.means, owner="worker_1")
    work = asyncio.ensure_future(execution.run())
    await stage.listen_until(run, is_delta)
    await stage.database.write(
        threads.delete, run.thread_id, project=PROJECT, now=int(stage.clock.now())
    )
    await asyncio.wait_for(work, PATIENCE_SECONDS)
    assert await stage.database.write(runs.lock, run.id) is None


async def test_a_cancel_that_comes_before_the_claim_is_heeded(stage: Stage) -> None:
    run = await stage.begin("forever\nwait 1 ms")
    await stage.acts.cancel(run.id)
    assert (await stage.execute(run)).status == "cancelled"
