"""How a stream behaves when its client does not, or the server stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2
import pytest

from perdure.api.sse import EventStream
from perdure.app import Perdure
from perdure.bus.memory import MemoryBus
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.events import Event
from tests.api.conftest import HEADERS
from tests.api.sse import events, names

PATIENCE_SECONDS = 20


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
    assert isinstance(app.bus, MemoryBus)
    assert app.bus._listeners == {}


async def test_a_client_that_does_not_read_holds_nobody_up(
    app: Perdure, base_url: str, http: httpx2.AsyncClient, session: aiohttp.ClientSession
) -> None:
    """Its run goes on at full speed; when it reads at last, it gets the whole text."""
    body = await run_body(http, "say 100000 words")
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
    assert text.split() == [f"word{number}" for number in range(1, 100_001)]
    assert told[-2].name == "thread.run.completed"
    # What waited for it was joined.
    assert len(told) < 100_000


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
        comment = b": keep-alive\n\n"
        assert [await sent.get() for _ in range(3)] == [b"", comment, comment]
        app.bus.publish("run_1", Event(1, "thread.run.completed", b"{}"))
        await telling


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
    assert names(text) == [event.name for event in told if event.name != MESSAGE_DELTA]


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
