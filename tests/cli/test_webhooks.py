"""Webhooks of a real server process: delivered, verified, and delivered after a crash."""

import asyncio
import base64
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from openai import AsyncOpenAI

from tests.cli.processes import Served, serving
from tests.webhooks.receiver import SECRET, Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def _environment(receiver: Receiver, *, allowed: bool = True) -> dict[str, str]:
    webhook = {"name": "app", "url": f"{receiver.url}/path-secret", "secret": SECRET}
    return {
        "PERDURE_WEBHOOKS": json.dumps([webhook]),
        "PERDURE_WEBHOOK_PRIVATE_TARGETS": str(allowed),
        "PERDURE_LOG_FORMAT": "json",
    }


async def _start_run(served: Served, prompt: str) -> tuple[str, str]:
    """The ids of a new run and of its thread."""
    async with AsyncOpenAI(base_url=served.base_url, api_key="any") as client:
        assistant = await client.beta.assistants.create(model="scripted")
        run = await client.beta.threads.create_and_run(
            assistant_id=assistant.id,
            thread={"messages": [{"role": "user", "content": prompt}]},
        )
        return run.id, run.thread_id


async def _lines_to(served: Served, event: str) -> list[dict[str, object]]:
    """What the server logs next, up to this event."""
    lines: list[dict[str, object]] = []
    assert served.process.stderr is not None
    while not lines or lines[-1]["event"] != event:
        lines.append(json.loads(await asyncio.to_thread(served.process.stderr.readline)))
    return lines


async def test_a_server_tells_of_a_run_that_nobody_polled(
    tmp_path: Path, receiver: Receiver
) -> None:
    with serving(tmp_path / "data", environment=_environment(receiver)) as served:
        run_id, thread_id = await _start_run(served, "say: hello")
        (received,) = await receiver.wait_received(1)
        lines = await _lines_to(served, "webhook_delivered")
        code, rest = await asyncio.to_thread(served.stop)
    client = AsyncOpenAI(api_key="any", webhook_secret=SECRET)
    event = client.webhooks.unwrap(received.body, received.headers)
    assert event.type == "thread.run.completed"  # type: ignore[comparison-overlap]
    run = json.loads(received.body)["data"]
    assert (run["id"], run["thread_id"], run["status"]) == (run_id, thread_id, "completed")
    assert code == 0
    line = lines[-1]
    assert (line["webhook"], line["run_id"]) == ("app", run_id)
    assert (line["event_id"], line["attempt"]) == (received.headers["webhook-id"], 1)
    said = json.dumps(lines) + rest
    assert base64.b64decode(SECRET.removeprefix("whsec_")).hex() not in said
    for hidden in (SECRET, "path-secret", "hello"):
        assert hidden not in said


async def test_a_run_that_waits_for_outputs_is_told_with_its_calls(
    tmp_path: Path, receiver: Receiver
) -> None:
    with serving(tmp_path / "data", environment=_environment(receiver)) as served:
        async with AsyncOpenAI(base_url=served.base_url, api_key="any") as client:
            assistant = await client.beta.assistants.create(
                model="scripted", tools=[{"type": "function", "function": {"name": "weather"}}]
            )
            run = await client.beta.threads.create_and_run(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": 'call: weather {"in": "Rome"}'}]},
            )
            (asked,) = await receiver.wait_received(1)
            told = json.loads(asked.body)
            assert told["type"] == "thread.run.requires_action"
            (call,) = told["data"]["required_action"]["submit_tool_outputs"]["tool_calls"]
            assert call["function"]["name"] == "weather"
            await client.beta.threads.runs.submit_tool_outputs(
                run.id,
                thread_id=run.thread_id,
                tool_outputs=[{"tool_call_id": call["id"], "output": "sunny"}],
            )
            _, completed = await receiver.wait_received(2)
    assert json.loads(completed.body)["type"] == "thread.run.completed"
    assert asked.headers["webhook-id"] != completed.headers["webhook-id"]


async def test_a_delivery_that_failed_outlives_the_server(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The server is killed after its first attempt; the next one comes five seconds later."""
    receiver.answers = [web.Response(status=503) for _ in range(20)]
    environment = _environment(receiver)
    with serving(tmp_path / "data", environment=environment) as served:
        run_id, _ = await _start_run(served, "say: hello")
        await _lines_to(served, "webhook_postponed")
        await asyncio.to_thread(served.stop, signal.SIGKILL)
    receiver.answers = []
    so_far = len(receiver.received)
    with serving(tmp_path / "data", environment=environment):
        first, *_, last = await receiver.wait_received(so_far + 1)
    assert first.headers["webhook-id"] == last.headers["webhook-id"]
    assert first.body == last.body
    assert json.loads(last.body)["data"]["id"] == run_id


async def test_a_private_target_is_refused_and_the_run_is_not_concerned(
    tmp_path: Path, receiver: Receiver
) -> None:
    environment = _environment(receiver, allowed=False)
    with serving(tmp_path / "data", environment=environment) as served:
        run_id, thread_id = await _start_run(served, "say: hello")
        line = (await _lines_to(served, "webhook_postponed"))[-1]
        async with AsyncOpenAI(base_url=served.base_url, api_key="any") as client:
            run = await client.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
    assert line["error"] == (
        "It is refused: its address is not public, and webhook_private_targets is not set."
    )
    assert run.status == "completed"
    assert receiver.received == []
