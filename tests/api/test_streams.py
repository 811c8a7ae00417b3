"""How a stream behaves when its client does not, or the server stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2
import pytest

from perdure.api.event_stream import EventStream
from perdure.app import Perdure
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.events import Event, text_delta
from tests.api.servers import HEADERS
from tests.api.sse import Told, events, names
from tests.patience import PATIENCE_SECONDS, until


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield session


async def run_body(http: httpx2.AsyncClient, prompt: str) -> dict[str, Any]:
    assistant = (await http.post("/assistants", json={"model": "scripted"})).json()
    thread = {"messages": [{"role": "user", "content": prompt}]}
    return {"assistant_id": assistant["id"], "thread": thread, "stream": True}


async def read_until(response: aiohttp.ClientResponse, text: str) -> str:
    """What the stream says up to a text."""
    seen = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text not in seen:
            seen += (await response.content.readany()).decode()
    return seen


async def run_of(app: Perdure, http: httpx2.AsyncClient, seen: str) -> dict[str, Any]:
    """The run of a stream, once it has ended."""
    run = events(seen.rpartition("\n\n")[0])[1].data
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    subscription = app.bus.subscribe(run["id"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (now := (await http.get(path)).json())["status"] in ("queued", "in_progress"):
            await subscription.next()
    subscription.close()
    found: dict[str, Any] = now
    return found


async def test_a_client_that_goes_away_does_not_stop_its_run(
    app: Perdure, base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    body = await run_body(http, "say 200 words\nwait 1 ms")
    response = await session.post(f"{base_url}/threads/runs", json=body)
    seen = await read_until(response, MESSAGE_DELTA)
    response.close()
    run = await run_of(app, http, seen)
    assert run["status"] == "completed"
    messages = (await http.get(f"/threads/{run['thread_id']}/messages")).json()["data"]
    assert messages[0]["content"][0]["text"]["value"].endswith("word200")
    await until(lambda: not app.bus.topics)


async def test_a_client_that_does_not_read_holds_nobody_up(
    app: Perdure, base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    """Its run goes on at full speed; when it reads at last, it gets the whole text."""
    body = await run_body(http, "say 50000 words")
    response = await session.post(f"{base_url}/threads/runs", json=body)
    seen = await read_until(response, "thread.run.queued")
    run = await run_of(app, http, seen)
    assert run["status"] == "completed"
    seen += await read_until(response, "[DONE]")
    told = events(seen)
    text = "".join(
        event.data["delta"]["content"][0]["text"]["value"]
        for event in told
        if event.name == MESSAGE_DELTA
    )
    assert text.split() == [f"word{number}" for number in range(1, 50_001)]
    assert told[-2].name == "thread.run.completed"
    # What waited for it was joined.
    assert len(told) < 50_000


async def test_silence_is_filled_with_comments(app: Perdure) -> None:
    subscription = app.bus.subscribe("run_1")
    stream = EventStream(subscription, run_id="run_1", database=app.database, keep_alive=0.01)
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(message: Any) -> None:
        await sent.put(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    telling = asyncio.ensure_future(stream({}, receive, send))
    async with asyncio.timeout(PATIENCE_SECONDS):
        comment = b": keep-alive\n"
        assert [await sent.get() for _ in range(3)] == [b"", comment, comment]
        app.bus.publish("run_1", Event(1, "thread.run.completed", b"{}"))
        await telling


async def test_tokens_of_one_moment_are_sent_together_and_wait_in_order_for_a_slow_client(
    app: Perdure,
) -> None:
    subscription = app.bus.subscribe("run_1")
    stream = EventStream(subscription, run_id="run_1", database=app.database, keep_alive=60)
    sent: list[bytes] = []
    may_send = asyncio.Event()
    may_send.set()

    async def send(message: Any) -> None:
        await may_send.wait()
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    delta = text_delta("msg_1", 0)
    telling = asyncio.ensure_future(stream({}, receive, send))
    app.bus.publish("run_1", Event(1, "thread.message.in_progress", b"{}"))
    await until(lambda: len(sent) == 2)
    app.bus.publish("run_1", delta.with_text("one "))
    app.bus.publish("run_1", delta.with_text("two "))
    await until(lambda: len(sent) == 3)
    assert [event.id for event in events(sent[2].decode())] == ["1.4", "1.8"]
    may_send.clear()
    for number in range(1000):
        app.bus.publish("run_1", delta.with_text(f"{number} "))
        await asyncio.sleep(0)
    app.bus.publish("run_1", Event(2, "thread.message.completed", b"{}"))
    app.bus.publish("run_1", Event(3, "thread.run.completed", b"{}"))
    assert len(sent) == 3
    may_send.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await telling
    told = events(b"".join(sent).decode())
    assert text_of(told) == "one two " + "".join(f"{number} " for number in range(1000))
    assert [event.name for event in told][-3:] == [
        "thread.message.completed",
        "thread.run.completed",
        "done",
    ]
    assert len(told) < 100  # what waited was joined


async def test_events_that_the_bus_did_not_bring_are_told_from_the_log(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    body = await run_body(http, "say: hello")
    told = events((await http.post("/threads/runs", json=body)).text)
    run_id = told[1].data["id"]
    subscription = app.bus.subscribe(run_id)  # too late: all has been told
    stream = EventStream(subscription, run_id=run_id, database=app.database, keep_alive=0.01)
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    await asyncio.wait_for(stream({}, receive, send), PATIENCE_SECONDS)
    text = b"".join(sent).decode()
    assert without_deltas(events(text)) == without_deltas(told)
    assert text_of(events(text)) == "hello"


async def test_a_deleted_thread_ends_the_stream_of_its_run(
    base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    body = await run_body(http, "forever\nwait 1 ms")
    response = await session.post(f"{base_url}/threads/runs", json=body)
    seen = await read_until(response, MESSAGE_DELTA)
    run = events(seen.partition("\n\nevent: thread.message.delta")[0])[1].data
    await http.delete(f"/threads/{run['thread_id']}")
    seen += await read_until(response, "[DONE]")
    assert names(seen)[-5:] == [
        "thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled",
        "thread.run.cancelled", "done",
    ]  # fmt: skip


async def test_a_stream_that_the_server_must_leave_ends_with_an_error_every_sdk_raises(
    app: Perdure, base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    """Spec 04 §7: bare keys plus an `error` member that holds the same."""
    body = await run_body(http, "forever\nwait 1 ms")
    response = await session.post(f"{base_url}/threads/runs", json=body)
    seen = await read_until(response, MESSAGE_DELTA)
    app.drain()
    seen += (await response.content.read()).decode()
    last = events(seen)[-1]
    assert last.name == "error"
    error = last.data.pop("error")
    assert error == last.data
    assert error["type"] == "server_error"
    run = events(seen)[1].data
    assert (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}")).json()[
        "status"
    ] == "queued"


def stream_path(run: dict[str, Any]) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}/stream"


def text_of(told: list[Told]) -> str:
    return "".join(
        part["text"]["value"]
        for event in told
        if event.name == MESSAGE_DELTA
        for part in event.data["delta"]["content"]
    )


def without_deltas(told: list[Told]) -> list[Told]:
    return [event for event in told if not event.name.endswith(".delta")]


async def test_a_finished_run_is_told_again_from_its_start(http: httpx2.AsyncClient) -> None:
    body = await run_body(http, "say: one two three")
    told = events((await http.post("/threads/runs", json=body)).text)
    again = events((await http.get(stream_path(told[1].data))).text)
    assert without_deltas(again) == without_deltas(told)
    assert text_of(again) == "one two three"
    assert again[-1].name == "done"


async def test_from_every_event_of_a_finished_run_the_rest_is_told_once(
    http: httpx2.AsyncClient,
) -> None:
    body = await run_body(http, "say: one two three")
    told = events((await http.post("/threads/runs", json=body)).text)
    path = stream_path(told[1].data)
    for number, event in enumerate(told[:-1], start=1):
        for given in (
            {"headers": {"last-event-id": event.id}},
            {"params": {"after": event.id}},
        ):
            rest = events((await http.get(path, **given)).text)  # type: ignore[arg-type]
            both = told[:number] + rest
            assert without_deltas(both) == without_deltas(told)
            assert text_of(both) == "one two three"


async def test_a_broken_stream_of_a_living_run_is_picked_up_anywhere(
    base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    """Everything, in order, once."""
    words = [f"word{number}" for number in range(1, 41)]
    for breaks in (1, 3, 5, 9, 20):
        body = await run_body(http, "say 40 words\nwait 1 ms")
        response = await session.post(f"{base_url}/threads/runs", json=body)
        told: list[Told] = []
        while not told or told[-1].name != "done":
            seen = ""
            while seen.count("\n\n") < breaks and "[DONE]" not in seen:
                seen += (await response.content.readany()).decode()
            told += events(seen.rpartition("\n\n")[0])
            response.close()
            if told[-1].name != "done":
                url = f"{base_url}{stream_path(told[1].data)}"
                response = await session.get(url, headers={"last-event-id": told[-1].id})
        assert text_of(told).split() == words
        assert [event.name for event in without_deltas(told)] == [
            "thread.created", "thread.run.created", "thread.run.queued", "thread.run.in_progress",
            "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
            "thread.message.in_progress", "thread.message.completed", "thread.run.step.completed",
            "thread.run.completed", "done",
        ]  # fmt: skip


async def test_a_run_that_waits_for_outputs_is_told_up_to_there_and_the_rest_later(
    http: httpx2.AsyncClient,
) -> None:
    body = await run_body(http, "call: f {}\nthen:\nsay: done")
    body["tools"] = [{"type": "function", "function": {"name": "f"}}]
    told = events((await http.post("/threads/runs", json=body)).text)
    run = told[-2].data
    path = stream_path(run)
    assert without_deltas(events((await http.get(path)).text)) == without_deltas(told)
    call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "1"}], "stream": True}
    submit = path.replace("/stream", "/submit_tool_outputs")
    rest = events((await http.post(submit, json=outputs)).text)
    whole = events((await http.get(path)).text)
    assert without_deltas(whole) == without_deltas(told)[:-1] + without_deltas(rest)
    assert whole[-1].name == "done"


async def test_any_number_of_listeners_hear_the_same(
    base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    body = await run_body(http, "say 30 words\nwait 1 ms")
    response = await session.post(f"{base_url}/threads/runs", json=body)
    seen = await read_until(response, MESSAGE_DELTA)
    run = events(seen.partition("\n\nid: 8.")[0])[1].data

    async def listen() -> list[Told]:
        async with session.get(f"{base_url}{stream_path(run)}") as answer:
            return events((await answer.read()).decode())

    heard = await asyncio.gather(*(listen() for _ in range(10)))
    first = events(seen + (await response.content.read()).decode())
    for told in heard:
        assert without_deltas(told) == without_deltas(first)
        assert text_of(told) == text_of(first)


async def test_a_wrong_event_id_is_refused(http: httpx2.AsyncClient) -> None:
    body = await run_body(http, "say: hi")
    told = events((await http.post("/threads/runs", json=body)).text)
    response = await http.get(stream_path(told[1].data), params={"after": "x1"})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "after"
    missing = await http.get("/threads/thread_no/runs/run_no/stream")
    assert missing.status_code == 404
