"""`perdure chat`: a conversation with an assistant, over HTTP like any other client.

The terminal is read in the main thread and each request is a run of the event loop, so that
Ctrl-C always ends just the one thing that is going on.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from perdure import lifecycle
from perdure.cli.client import Client, RequestFailed, RequestRefused, read
from perdure.cli.terminal import line, say
from perdure.errors import ConfigurationError
from perdure.wire.base import JsonObject, Object
from perdure.wire.lists import Models
from perdure.wire.runs import Run
from perdure.wire.tools import RequiredToolCall

_SECONDS_BETWEEN_LOOKS = 0.2
# Messages of a thread that goes on, which are shown first.
_SHOWN = 6
_MESSAGE_ENDS = frozenset(move.event for move in lifecycle.MESSAGE)


class _Made(Object):
    id: str


class _Runs(Object):
    data: list[Run]


class _Text(Object):
    value: str = ""


class _Part(Object):
    text: _Text = _Text()
    refusal: str = ""


class _Content(Object):
    content: tuple[_Part, ...] = ()


class _Message(Object):
    role: str
    content: tuple[_Part, ...] = ()


class _Messages(Object):
    data: list[_Message]


class _MessageDelta(Object):
    delta: _Content


def chat(
    client: Client, assistant: str | None, model: str | None, thread: str | None = None
) -> None:
    """Converses until the user ends it; without an assistant's id, a temporary one is made.

    With a thread's id the conversation continues there, with the assistant of its newest run unless
    another is named, and the thread is kept.
    """
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # makes input() editable where the system has it
    with asyncio.Runner() as runner:
        try:
            _converse(runner, client, assistant, model, thread)
        except RequestFailed as error:
            raise ConfigurationError(str(error)) from None
        finally:
            runner.run(client.close())


def _converse(
    runner: asyncio.Runner,
    client: Client,
    assistant: str | None,
    model: str | None,
    thread: str | None,
) -> None:
    if thread:
        runner.run(_show_newest(client, thread))
        assistant = assistant or runner.run(_last_assistant(client, thread))
    made = [] if assistant else [runner.run(_make_assistant(client, model))]
    run: JsonObject = {"assistant_id": assistant or made[0], "stream": True}
    if model:
        run["model"] = model
    on = thread or runner.run(client.post("/threads", {}, _Made)).id
    say("Ctrl-C cancels an answer, Ctrl-D ends the conversation.")
    try:
        while (text := _read("you> ")) is not None:
            if text:
                message = {"role": "user", "content": text}
                _answer(runner, client, on, {**run, "additional_messages": [message]})
    finally:
        if not thread:
            runner.run(client.delete(f"/threads/{on}"))
        for made_assistant in made:
            runner.run(client.delete(f"/assistants/{made_assistant}"))


async def _show_newest(client: Client, thread: str) -> None:
    """Shows the end of a thread that is continued."""
    path = f"/threads/{thread}/messages?limit={_SHOWN}"
    for message in reversed((await client.get(path, _Messages)).data):
        text = "\n".join(part.text.value or part.refusal for part in message.content)
        say(f"you> {text}" if message.role == "user" else text)


async def _last_assistant(client: Client, thread: str) -> str | None:
    """Returns the assistant of a thread's newest run, if it still exists."""
    for run in (await client.get(f"/threads/{thread}/runs?limit=1", _Runs)).data:
        with contextlib.suppress(RequestRefused):
            return (await client.get(f"/assistants/{run.assistant_id}", _Made)).id
    return None


async def _make_assistant(client: Client, model: str | None) -> str:
    if model is None:
        models = await client.get("/models", Models)
        if not models.data:
            raise RequestFailed("The server lists no models: name one with --model.")
        model = models.data[0].id
    body = {"model": model, "name": "perdure chat", "instructions": "You are a helpful assistant."}
    return (await client.post("/assistants", body, _Made)).id


def _read(prompt: str) -> str | None:
    """Returns a line of the user's; empty after Ctrl-C, None at Ctrl-D."""
    try:
        return input(prompt).strip()
    except KeyboardInterrupt:
        say("")
        return ""
    except EOFError:
        say("")
        return None


def _answer(runner: asyncio.Runner, client: Client, thread: str, body: JsonObject) -> None:
    """Shows one run, with as many rounds of function calls as it takes."""
    path = f"/threads/{thread}/runs"
    try:
        while True:
            run = runner.run(_show(client.stream(path, body)))
            if run is None or run.required_action is None:
                return
            calls = run.required_action.submit_tool_outputs.tool_calls
            body = {"tool_outputs": [_ask_output(call) for call in calls], "stream": True}
            path = f"/threads/{thread}/runs/{run.id}/submit_tool_outputs"
    except (KeyboardInterrupt, EOFError):
        runner.run(_cancel(client, thread))
        say("\n(cancelled)")
    except RequestFailed as error:
        say(line(f"error: {error}"))


def _ask_output(call: RequiredToolCall) -> JsonObject:
    say(line(f"The assistant calls {call.function.name}({call.function.arguments})"))
    return {"tool_call_id": call.id, "output": input("its output> ")}


async def _show(events: AsyncGenerator[tuple[str, bytes], None]) -> Run | None:
    """Prints an answer as it arrives. Returns the run as it is at the end, None if no event had
    it.
    """
    async with contextlib.aclosing(events):
        return await _show_all(events)


async def _show_all(events: AsyncIterator[tuple[str, bytes]]) -> Run | None:
    run = None
    async for name, data in events:
        if name == lifecycle.MESSAGE_DELTA:
            for part in read(data, _MessageDelta).delta.content:
                say(part.text.value or part.refusal, nl=False)
        elif name in _MESSAGE_ENDS:
            say("")
        elif name == lifecycle.ERROR:
            say(line(f"error: {data.decode(errors='replace')}"))
        elif name in lifecycle.STREAM_ENDS:
            run = read(data, Run)
            _explain(run)
    return run


def _explain(run: Run) -> None:
    if run.last_error:
        say(line(f"The run failed: {run.last_error.message}"))
    elif run.incomplete_details:
        say(f"The answer was cut: {run.incomplete_details.reason}.")
    elif run.status == lifecycle.RunStatus.EXPIRED:
        say("The run took too long and expired.")


async def _cancel(client: Client, thread: str) -> None:
    """Cancels the active run, and waits until the thread is free again."""
    cancelled = False
    while True:
        latest = (await client.get(f"/threads/{thread}/runs?limit=1", _Runs)).data
        if not latest or latest[0].status in lifecycle.TERMINAL:
            return
        if not cancelled and latest[0].status != lifecycle.RunStatus.CANCELLING:
            await client.post(f"/threads/{thread}/runs/{latest[0].id}/cancel", None, Run)
            cancelled = True
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
