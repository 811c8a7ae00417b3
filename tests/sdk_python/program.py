"""Plain SDK code against a running server, in a process of its own.

Usage: program.py BASE_URL. Runs every check and prints one JSON line for each: its name, and
what went wrong, if anything did. Works with every SDK from 1.26 on, so it stays off what newer
ones added.
"""

import asyncio
import hashlib
import io
import json
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
from openai import AssistantEventHandler, AsyncOpenAI, AzureOpenAI, OpenAI

warnings.simplefilter("ignore")
BASE_URL = sys.argv[1]
client = OpenAI(base_url=BASE_URL, api_key="any", max_retries=0)

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
BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]

CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    CHECKS.append(function)
    return function


def assistant(**fields: Any) -> Any:
    return client.beta.assistants.create(model="scripted", **fields)


def thread(*texts: str) -> Any:
    return client.beta.threads.create(
        messages=[{"role": "user", "content": text} for text in texts]
    )


def short(names: list[str]) -> list[str]:
    """The names, with runs of deltas as one."""
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


def refused(kind: type[openai.APIStatusError], act: Callable[[], object]) -> str:
    """The message with which a call is refused."""
    try:
        act()
    except kind as error:
        return str((error.body or {})["message"])  # type: ignore[index]
    raise AssertionError(f"nothing raised {kind.__name__}")


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
def files_are_made_of_paths_and_bytes_and_come_back_as_they_were() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Grüße an alle.txt")
        path.write_bytes(b"from a path")
        of_path = client.files.create(file=path, purpose="assistants")
    of_bytes = client.files.create(file=b"from bytes", purpose="fine-tune")
    named = client.files.create(file=("a.json", io.BytesIO(b"{}")), purpose="assistants")
    empty = client.files.create(file=("empty.md", b""), purpose="assistants")
    assert [each.filename for each in (of_path, of_bytes, named, empty)] == [
        "Grüße an alle.txt", "upload", "a.json", "empty.md",
    ]  # fmt: skip
    assert [each.bytes for each in (of_path, of_bytes, named, empty)] == [11, 10, 2, 0]
    assert client.files.retrieve(of_path.id) == of_path
    assert client.files.wait_for_processing(of_path.id).status == "processed"
    assert client.files.content(of_path.id).read() == b"from a path"
    assert client.files.content(empty.id).read() == b""
    listed = [each.id for each in client.files.list(purpose="assistants")]
    assert listed == [empty.id, named.id, of_path.id]
    for each in client.files.list():
        assert client.files.delete(each.id).deleted
    assert list(client.files.list()) == []
    assert refused(openai.NotFoundError, lambda: client.files.content(named.id)) == (
        f"No such File object: {named.id}"
    )
    assert refused(
        openai.BadRequestError,
        lambda: client.files.create(file=b"x", purpose="world_domination"),  # type: ignore[arg-type]
    ).startswith("'world_domination' is not one of [")


@check
def uploads_in_parts_become_files() -> None:
    if not hasattr(client, "uploads"):
        return  # this SDK is older than uploads
    upload = client.uploads.create(
        filename="a.jsonl", purpose="batch", bytes=6, mime_type="application/jsonl"
    )
    parts = [client.uploads.parts.create(upload.id, data=data).id for data in (b"def", b"abc")]
    md5 = hashlib.md5(b"abcdef").hexdigest()
    done = client.uploads.complete(upload.id, part_ids=parts[::-1], md5=md5)
    assert (done.status, done.file is not None) == ("completed", True)
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"abcdef"
    upload = client.uploads.create(
        filename="a.jsonl", purpose="batch", bytes=6, mime_type="application/jsonl"
    )
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert refused(
        openai.BadRequestError, lambda: client.uploads.complete(upload.id, part_ids=[])
    ) == ("Cannot complete upload with status 'cancelled'.")
    client.files.delete(done.file.id)


@check
def a_file_can_be_sent_in_chunks_by_the_sdk() -> None:
    if not hasattr(getattr(client, "uploads", None), "upload_file_chunked"):
        return  # this SDK is older than its helper
    content = bytes(range(256)) * 4096
    done = client.uploads.upload_file_chunked(
        file=content,
        filename="large.bin",
        bytes=len(content),
        mime_type="application/octet-stream",
        purpose="assistants",
        part_size=300_000,
        md5=hashlib.md5(content).hexdigest(),
    )
    assert done.file is not None
    assert client.files.content(done.file.id).read() == content
    client.files.delete(done.file.id)


RENT = "The rent is due on the third working day of each month."
BEES = "A colony of bees keeps its brood nest at thirty-five degrees."


def stores() -> Any:
    """Where this SDK has vector stores."""
    return getattr(client, "vector_stores", None) or client.beta.vector_stores  # type: ignore[attr-defined]


@check
def files_go_into_vector_stores_with_the_sdks_own_helpers() -> None:
    store = stores().create(name="Papers", expires_after={"anchor": "last_active_at", "days": 3})
    file = stores().files.upload_and_poll(vector_store_id=store.id, file=("rent.md", RENT.encode()))
    assert (file.status, file.last_error) == ("completed", None), file
    batch = stores().file_batches.upload_and_poll(
        vector_store_id=store.id,
        files=[("bees.txt", BEES.encode()), ("sheet.xlsx", b"no text")],
    )
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == (
        "completed", 1, 1,
    )  # fmt: skip
    (failed,) = stores().files.list(store.id, filter="failed").data
    assert failed.last_error.code == "unsupported_file"
    assert {each.id for each in stores().files.list(store.id)} > {file.id, failed.id}
    assert stores().retrieve(store.id).file_counts.total == 3
    assert stores().update(store.id, name="Old papers").name == "Old papers"
    if hasattr(stores(), "search"):
        found = stores().search(store.id, query="When is the rent due?").data
        assert (found[0].filename, found[0].content[0].text) == ("rent.md", RENT)
        assert stores().files.content(file.id, vector_store_id=store.id).data[0].text == RENT
    assert stores().files.delete(failed.id, vector_store_id=store.id).deleted
    assert stores().delete(store.id).deleted
    assert client.files.retrieve(file.id).filename == "rent.md"


@check
def what_is_cancelled_or_deleted_while_it_is_read_ends_there() -> None:
    long = ("All work and no play makes Jack a dull boy. " * 20_000).encode()
    uploaded = [
        client.files.create(file=(f"{number}.txt", long), purpose="assistants").id
        for number in range(4)
    ]
    store = stores().create()
    batch = stores().file_batches.create(store.id, file_ids=uploaded)
    assert (batch.status, batch.file_counts.total) == ("in_progress", 4)
    cancelled = stores().file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (cancelled.status, cancelled.file_counts.in_progress) == ("cancelled", 0)
    polled = stores().file_batches.poll(batch.id, vector_store_id=store.id)
    assert polled.status == "cancelled"
    counts = stores().retrieve(store.id).file_counts
    assert counts.completed + counts.cancelled == counts.total == 4
    again = stores().create(file_ids=uploaded[:3])
    client.files.delete(uploaded[0])
    stores().files.delete(uploaded[1], vector_store_id=again.id)
    assert stores().retrieve(again.id).file_counts.total == 1
    assert stores().files.poll(uploaded[2], vector_store_id=again.id).status == "completed"
    last = stores().create(file_ids=uploaded[2:])
    assert stores().delete(last.id).deleted
    refused(openai.NotFoundError, lambda: stores().retrieve(last.id))
    for store_id in (store.id, again.id):
        stores().delete(store_id)


@check
def answers_cite_the_files_polled_and_streamed() -> None:
    file = client.files.create(file=("rent.md", RENT.encode()), purpose="assistants")
    made = assistant(tools=[{"type": "file_search"}])
    attachment: Any = {"file_id": file.id, "tools": [{"type": "file_search"}]}
    question: Any = {
        "role": "user", "content": "When is the rent due?", "attachments": [attachment],
    }  # fmt: skip
    asked = client.beta.threads.create(messages=[question])
    run = client.beta.threads.runs.create_and_poll(thread_id=asked.id, assistant_id=made.id)
    assert run.status == "completed", run.last_error
    polled = client.beta.threads.messages.list(asked.id, limit=1).data[0]
    with client.beta.threads.runs.stream(thread_id=asked.id, assistant_id=made.id) as stream:
        (streamed,) = stream.get_final_messages()
    stored = client.beta.threads.messages.list(asked.id, limit=1).data[0]
    for message in (polled, streamed, stored):
        text = message.content[0].text  # type: ignore[union-attr]
        (note,) = text.annotations
        assert text.value[note.start_index : note.end_index] == note.text == "【4:0†rent.md】"
        assert note.file_citation.file_id == file.id  # type: ignore[union-attr]
        assert RENT in text.value
    step = client.beta.threads.runs.steps.list(run.id, thread_id=asked.id).data[-1]
    (call,) = step.step_details.tool_calls  # type: ignore[union-attr]
    assert (step.status, call.type) == ("completed", "file_search")


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


def results() -> Iterator[dict[str, str | None]]:
    for function in CHECKS:
        wrong = None
        try:
            function()
        except Exception:
            wrong = traceback.format_exc()
        yield {"check": function.__name__, "wrong": wrong}


if __name__ == "__main__":
    for result in results():
        print(json.dumps(result), flush=True)
