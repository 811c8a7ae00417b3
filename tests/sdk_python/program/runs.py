"""Assistants, threads, messages and runs."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
from openai import AssistantEventHandler, AsyncOpenAI, AzureOpenAI, OpenAI

from tests.sdk_python.program.checks import (
    BASE_URL,
    BEGUN,
    assistant,
    check,
    client,
    refused,
    short,
    thread,
)

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
TEXT_EVENTS = [
    "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
    "thread.message.in_progress", "thread.message.delta", "thread.message.completed",
    "thread.run.step.completed", "thread.run.completed",
]  # fmt: skip


def outputs(run: Any, output: str = "21") -> Any:
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": call.id, "output": output} for call in calls]


@check
def assistants_can_be_made_read_changed_listed_and_deleted() -> None:
    made = assistant(name="one", metadata={"a": "b"}, tools=TOOLS, temperature=0.5)
    assert client.beta.assistants.retrieve(made.id) == made
    changed = client.beta.assistants.update(made.id, name="two", tools=[])
    assert (changed.name, changed.tools, changed.metadata) == ("two", [], {"a": "b"})
    assert client.beta.assistants.delete(made.id).deleted
    assert refused(openai.NotFoundError, lambda: client.beta.assistants.retrieve(made.id)) == (
        f"No assistant found with id '{made.id}'."
    )


@check
def more_than_a_hundred_objects_are_iterated_in_both_orders() -> None:
    ids = [assistant(name=f"n{number}").id for number in range(101)]
    newest = [each.id for each in client.beta.assistants.list(limit=20)]
    assert newest[:101] == ids[::-1]
    oldest = [each.id for each in client.beta.assistants.list(limit=100, order="asc")]
    assert oldest == newest[::-1]
    for each in client.beta.assistants.list(limit=7):
        client.beta.assistants.delete(each.id)
    assert list(client.beta.assistants.list()) == []


@check
def threads_and_messages() -> None:
    made = thread("one", "two")
    assert client.beta.threads.update(made.id, metadata={"k": "v"}).metadata == {"k": "v"}
    message = client.beta.threads.messages.create(made.id, role="user", content="three")
    listed = client.beta.threads.messages.list(made.id, order="asc")
    assert [each.content[0].text.value for each in listed] == ["one", "two", "three"]  # type: ignore[union-attr]
    changed = client.beta.threads.messages.update(
        message.id, thread_id=made.id, metadata={"x": "y"}
    )
    assert changed.metadata == {"x": "y"}
    assert client.beta.threads.delete(made.id).deleted


@check
def a_polled_run_completes_with_usage_and_its_message() -> None:
    made, on = assistant(), thread("say: Good morning")
    run = client.beta.threads.runs.create_and_poll(thread_id=on.id, assistant_id=made.id)
    assert run.status == "completed"
    assert run.usage is not None
    assert run.usage.total_tokens > 0
    messages = client.beta.threads.messages.list(on.id).data
    assert [each.role for each in messages] == ["assistant", "user"]
    assert messages[0].content[0].text.value == "Good morning"  # type: ignore[union-attr]
    assert (messages[0].run_id, messages[0].assistant_id) == (run.id, made.id)


class Handler(AssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.done: list[str] = []

    def on_event(self, event: Any) -> None:
        self.names.append(event.event)

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value

    def on_message_done(self, message: Any) -> None:
        self.done.append(message.content[0].text.value)

    def on_run_step_done(self, run_step: Any) -> None:
        self.done.append(run_step.status)


@check
def a_streamed_run_calls_its_handler_in_the_right_order() -> None:
    handler = Handler()
    on = thread("say: one two three")
    with client.beta.threads.runs.stream(
        thread_id=on.id, assistant_id=assistant().id, event_handler=handler
    ) as stream:
        stream.until_done()
        run = stream.get_final_run()
        (message,) = stream.get_final_messages()
        (step,) = stream.get_final_run_steps()
    assert short(handler.names) == BEGUN + TEXT_EVENTS
    assert handler.text == "one two three"
    assert handler.done == ["one two three", "completed"]
    assert (run.status, message.content[0].text.value) == ("completed", "one two three")  # type: ignore[union-attr]
    assert step.type == "message_creation"


@check
def parallel_calls_are_one_step_and_take_their_outputs_polled() -> None:
    prompt = 'call: get_weather {"city": "Rome"}\ncall: get_weather {"city": "Oslo"}'
    on = thread(prompt)
    run = client.beta.threads.runs.create_and_poll(
        thread_id=on.id, assistant_id=assistant(tools=TOOLS).id
    )
    assert run.status == "requires_action"
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Rome", "Oslo"]
    run = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=on.id, tool_outputs=outputs(run)
    )
    assert run.status == "completed"
    steps = client.beta.threads.runs.steps.list(run_id=run.id, thread_id=on.id, order="asc").data
    assert [step.type for step in steps] == ["tool_calls", "message_creation"]
    details: Any = steps[0].step_details
    assert [call.function.output for call in details.tool_calls] == ["21", "21"]
    again = client.beta.threads.runs.steps.retrieve(steps[0].id, run_id=run.id, thread_id=on.id)
    assert again == steps[0]


@check
def two_rounds_of_calls_are_streamed() -> None:
    prompt = "call: get_weather {}\nthen:\ncall: get_weather {}\nthen:\nsay: Sunny"
    on = thread(prompt)
    called = ["thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta",
              "thread.run.requires_action"]  # fmt: skip
    handler = Handler()
    with client.beta.threads.runs.stream(
        thread_id=on.id, assistant_id=assistant(tools=TOOLS).id, event_handler=handler
    ) as stream:
        stream.until_done()
        run = stream.get_final_run()
    assert short(handler.names) == BEGUN + called
    for rest in (called, TEXT_EVENTS):
        handler = Handler()
        with client.beta.threads.runs.submit_tool_outputs_stream(
            run_id=run.id, thread_id=on.id, tool_outputs=outputs(run), event_handler=handler
        ) as stream:
            stream.until_done()
            run = stream.get_final_run()
        assert short(handler.names) == ["thread.run.step.completed", *BEGUN[1:], *rest]
    assert handler.text == "Sunny"


@check
def a_thread_and_its_run_are_made_in_one_call() -> None:
    body: Any = {"messages": [{"role": "user", "content": "say: hi"}]}
    run = client.beta.threads.create_and_run_poll(assistant_id=assistant().id, thread=body)
    assert run.status == "completed"
    handler = Handler()
    with client.beta.threads.create_and_run_stream(
        assistant_id=assistant().id, thread=body, event_handler=handler
    ) as stream:
        stream.until_done()
    assert short(handler.names) == ["thread.created", *BEGUN, *TEXT_EVENTS]


def slow_run() -> tuple[Any, Any]:
    on = thread("forever\nwait 1 ms")
    return on, client.beta.threads.runs.create(thread_id=on.id, assistant_id=assistant().id)


@check
def a_run_is_cancelled_once() -> None:
    on, run = slow_run()

    def cancel() -> Any:
        return client.beta.threads.runs.cancel(run.id, thread_id=on.id)

    assert cancel().status == "cancelling"
    run = client.beta.threads.runs.poll(run.id, thread_id=on.id)
    assert run.status == "cancelled"
    assert refused(openai.BadRequestError, cancel) == ("Cannot cancel run with status 'cancelled'.")


@check
def an_active_run_locks_its_thread() -> None:
    on, run = slow_run()
    assert (
        refused(
            openai.BadRequestError,
            lambda: client.beta.threads.messages.create(on.id, role="user", content="x"),
        )
        == f"Can't add messages to {on.id} while a run {run.id} is active."
    )
    assert (
        refused(
            openai.BadRequestError,
            lambda: client.beta.threads.runs.create(on.id, assistant_id=run.assistant_id),
        )
        == f"Thread {on.id} already has an active run {run.id}."
    )
    client.beta.threads.delete(on.id)


@check
def errors_are_the_sdks_exceptions() -> None:
    def body_of(act: Callable[[], object]) -> Any:
        try:
            act()
        except openai.BadRequestError as error:
            return error
        raise AssertionError("nothing was raised")

    missing = body_of(lambda: client.post("/assistants", body={}, cast_to=object, options={
        "headers": {"OpenAI-Beta": "assistants=v2"}}))  # fmt: skip
    assert (missing.param, missing.code) == ("model", "missing_required_parameter")
    wrong = body_of(lambda: assistant(metadata={"k": "v" * 513}))
    assert (wrong.param, wrong.code) == ("metadata.k", "string_above_max_length")
    many = body_of(lambda: assistant(metadata={str(n): "v" for n in range(17)}))
    assert (many.param, many.code) == ("metadata", "object_above_max_properties")
    assert refused(openai.NotFoundError, lambda: client.beta.threads.retrieve("thread_x")) == (
        "No thread found with id 'thread_x'."
    )
    without_key = {"Authorization": "Basic x"}
    assert refused(
        openai.AuthenticationError, lambda: client.models.list(extra_headers=without_key)
    ).startswith("You didn't provide an API key.")


@check
def an_incomplete_run_ends_polling_and_streaming() -> None:
    on = thread("say: one two three")
    made = assistant()
    run = client.beta.threads.runs.create_and_poll(
        thread_id=on.id, assistant_id=made.id, max_completion_tokens=2
    )
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    with client.beta.threads.runs.stream(
        thread_id=on.id, assistant_id=made.id, max_completion_tokens=2
    ) as stream:
        stream.until_done()
        final = stream.get_final_run()
        (message,) = stream.get_final_messages()
    assert final.status == "incomplete"
    assert message.content[0].text.value == "one two "  # type: ignore[union-attr]


@check
def a_failed_run_says_why() -> None:
    on = thread("fail: rate_limit_exceeded")
    run = client.beta.threads.runs.create_and_poll(thread_id=on.id, assistant_id=assistant().id)
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "rate_limit_exceeded")


@check
def metadata_of_an_ended_run_can_be_changed() -> None:
    on = thread("say: hi")
    run = client.beta.threads.runs.create_and_poll(thread_id=on.id, assistant_id=assistant().id)
    changed = client.beta.threads.runs.update(run.id, thread_id=on.id, metadata={"a": "b"})
    assert changed.metadata == {"a": "b"}
    assert [each.id for each in client.beta.threads.runs.list(on.id)] == [run.id]


@check
def a_raw_stream_can_be_iterated() -> None:
    on = thread("say: hi there")
    names = [
        event.event
        for event in client.beta.threads.runs.create(
            thread_id=on.id, assistant_id=assistant().id, stream=True
        )
    ]
    assert short([name for name in names if name and name.startswith("thread.")]) == (
        BEGUN + TEXT_EVENTS
    )


@check
def silence_does_not_break_a_stream() -> None:
    on = thread("wait 200 ms\nsay: one two three")
    with client.beta.threads.runs.stream(thread_id=on.id, assistant_id=assistant().id) as stream:
        assert "".join(stream.text_deltas) == "one two three"
    assert stream.current_run is not None
    assert stream.current_run.status == "completed"


@check
def the_async_client_works_alike() -> None:
    async def use() -> None:
        async with AsyncOpenAI(base_url=BASE_URL, api_key="any") as asynchronous:
            made = await asynchronous.beta.assistants.create(model="scripted")
            on = await asynchronous.beta.threads.create(
                messages=[{"role": "user", "content": "say: hi there"}]
            )
            text = ""
            async with asynchronous.beta.threads.runs.stream(
                thread_id=on.id, assistant_id=made.id
            ) as stream:
                async for piece in stream.text_deltas:
                    text += piece
            assert text == "hi there"

    asyncio.run(use())


@check
def the_azure_client_finds_the_same_server() -> None:
    azure = AzureOpenAI(
        azure_endpoint=BASE_URL.removesuffix("/v1"), api_key="k", api_version="2024-05-01-preview"
    )
    made = azure.beta.assistants.create(model="my-deployment")
    assert client.beta.assistants.retrieve(made.id).model == "my-deployment"
    answer = azure.chat.completions.create(
        model="my-deployment", messages=[{"role": "user", "content": "say: hi"}]
    )
    assert answer.choices[0].message.content == "hi"


@check
def chat_completions_and_models_are_served_too() -> None:
    messages: Any = [{"role": "user", "content": "say: hi there"}]
    answer = client.chat.completions.create(model="any", messages=messages)
    assert answer.choices[0].message.content == "hi there"
    chunks = client.chat.completions.create(model="any", messages=messages, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "hi there"
    assert [model.id for model in client.models.list()] == ["scripted"]


@check
def every_object_passes_strict_validation() -> None:
    strict = OpenAI(base_url=BASE_URL, api_key="any", _strict_response_validation=True)
    made = strict.beta.assistants.create(model="scripted", instructions="Be brief.", tools=TOOLS)
    on = strict.beta.threads.create(
        messages=[{"role": "user", "content": "call: get_weather {}\nthen:\nsay: hi"}]
    )
    run = strict.beta.threads.runs.create_and_poll(thread_id=on.id, assistant_id=made.id)
    run = strict.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=on.id, tool_outputs=outputs(run)
    )
    assert run.status == "completed"
    assert len(strict.beta.threads.messages.list(on.id).data) == 2
    assert len(strict.beta.threads.runs.steps.list(run_id=run.id, thread_id=on.id).data) == 2
    assert len(strict.beta.threads.runs.list(on.id).data) == 1
    file = strict.files.create(file=b"x", purpose="assistants")
    assert strict.files.retrieve(file.id) in strict.files.list().data
    strict.files.delete(file.id)
