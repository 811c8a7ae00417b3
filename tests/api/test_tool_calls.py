"""Tool calls of model servers that cut them in their own ways: polled and streamed, the official
SDK sees the calls that were meant, and so does the model server in the next round.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from openai import AsyncAssistantEventHandler, AsyncOpenAI
from openai.types.beta import FunctionToolParam
from openai.types.beta.thread_create_and_run_params import Thread
from openai.types.beta.threads import Run
from openai.types.beta.threads.runs import FunctionToolCall, RunStep, ToolCallsStepDetails

from tests.model_servers.calls import CALLS, FORMS, TIME, WEATHER, Form
from tests.model_servers.fixture import ModelServer, model_server, model_server_process
from tests.model_servers.pieces import Body

__all__ = ["model_server", "model_server_process"]

OFFERED = (WEATHER, TIME)
# How many runs are at work at once.
AT_ONCE = 6


@pytest.fixture
def chosen(model_server: ModelServer) -> dict[str, object]:
    return {"model_base_url": model_server.base_url, "max_tool_rounds": 2}


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
        yield client


class Listener(AsyncAssistantEventHandler):
    """What the SDK puts together of the deltas."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[FunctionToolCall] = []
        self.done: list[RunStep] = []

    async def on_run_step_delta(self, delta: object, snapshot: RunStep) -> None:
        assert isinstance(snapshot.step_details, ToolCallsStepDetails)
        self.made = cast("list[FunctionToolCall]", snapshot.step_details.tool_calls)

    async def on_run_step_done(self, run_step: RunStep) -> None:
        self.done.append(run_step)


THREAD: Thread = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
async def assistant_id(client: AsyncOpenAI) -> str:
    functions = [FunctionToolParam(type="function", function={"name": name}) for name in OFFERED]
    return (await client.beta.assistants.create(model="any", tools=functions)).id


def asked(run: Run) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls that a run waits for."""
    assert run.required_action is not None, run
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [(call.id, call.function.name, call.function.arguments) for call in calls]


async def answered(client: AsyncOpenAI, run: Run) -> Run:
    return await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call_id, "output": "21"} for call_id, *_ in asked(run)],
        poll_interval_ms=50,
    )


def gone_back(server: ModelServer, model: str) -> list[tuple[str, str, str]]:
    """The calls in the last request for this model."""
    body = server.bodies_for(model)[-1]
    message = cast("list[Body]", body["messages"])[1]
    assert message["content"] == ""
    calls = cast("list[dict[str, Body]]", message["tool_calls"])
    return [(str(call["id"]), *call["function"].values()) for call in calls]  # type: ignore[misc]


def names_and_arguments(calls: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(name, arguments) for _, name, arguments in calls]


async def each(check: Callable[[str, Form], Awaitable[None]]) -> None:
    """Checks each form, with the name of the model that cuts its calls in this way."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def checked(model: str, form: Form) -> None:
        async with slots:
            await check(model, form)

    await asyncio.gather(*map(checked, CALLS, FORMS))


async def test_a_run_that_is_polled_asks_for_the_calls_that_were_meant(
    client: AsyncOpenAI, assistant_id: str, model_server: ModelServer
) -> None:
    async def check(model: str, form: Form) -> None:
        run = await client.beta.threads.create_and_run_poll(
            assistant_id=assistant_id, model=model, thread=THREAD, poll_interval_ms=50
        )
        assert names_and_arguments(asked(run)) == form.calls, form.stream
        ended = await answered(client, run)
        assert ended.status == "completed", form.stream
        assert gone_back(model_server, model) == asked(run), form.stream

    await each(check)


async def test_a_run_that_is_streamed_tells_the_calls_that_it_asks_for(
    client: AsyncOpenAI, assistant_id: str
) -> None:
    async def check(model: str, form: Form) -> None:
        listener = Listener()
        async with client.beta.threads.create_and_run_stream(
            assistant_id=assistant_id, model=model, thread=THREAD, event_handler=listener
        ) as stream:
            await stream.until_done()
        told = [(call.id, call.function.name, call.function.arguments) for call in listener.made]
        assert listener.current_run is not None
        assert told == asked(listener.current_run), form.stream
        assert names_and_arguments(told) == form.calls, form.stream

    await each(check)


async def test_a_stream_tells_a_call_that_nobody_is_asked_for(client: AsyncOpenAI) -> None:
    """The step ends with an output of the server, and the answer follows."""
    assistant = await client.beta.assistants.create(model="inventive")
    listener = Listener()
    async with client.beta.threads.create_and_run_stream(
        assistant_id=assistant.id, thread=THREAD, event_handler=listener
    ) as stream:
        messages = await stream.get_final_messages()
    steps = listener.done
    told = "There is no tool 'browser.open'. There are no tools."
    assert [_function(step) for step in steps[:1]] == [
        ("browser.open", '{"queries": ["rent"]}', told)
    ]
    assert [(step.type, step.status) for step in steps] == [
        ("tool_calls", "completed"), ("message_creation", "completed"),
    ]  # fmt: skip
    assert messages[0].content[0].text.value == told  # type: ignore[union-attr]


@pytest.mark.parametrize("way", ["polled", "streamed"])
async def test_a_run_that_does_nothing_but_call_ends_with_the_name_of_the_setting(
    client: AsyncOpenAI, way: str
) -> None:
    assistant = await client.beta.assistants.create(model="inventive for ever")
    run: Run | None
    if way == "polled":
        run = await client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread=THREAD, poll_interval_ms=50
        )
    else:
        listener = Listener()
        async with client.beta.threads.create_and_run_stream(
            assistant_id=assistant.id, thread=THREAD, event_handler=listener
        ) as stream:
            await stream.until_done()
        run = listener.current_run
    assert run is not None
    assert run.last_error is not None
    assert run.status == "failed"
    assert "max_tool_rounds" in run.last_error.message


def _function(step: RunStep) -> tuple[str, str, str | None]:
    assert isinstance(step.step_details, ToolCallsStepDetails)
    (call,) = step.step_details.tool_calls
    assert isinstance(call, FunctionToolCall)
    return call.function.name, call.function.arguments, call.function.output
