"""A run is the same in the last event of its stream, when it is polled, and after a restart.

The table says, for each way in which a run can come to rest, what its fields are then (spec 03
§2.1); everything else in a run is as it was created.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from perdure.wire.events import Delta
from tests.api.servers import HEADERS
from tests.api.sse import Told, events
from tests.docs.stream_order import out_of_order
from tests.patience import PATIENCE_SECONDS

LIFETIME = 600
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "A function.",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    },
}
BUDGETS = {"max_prompt_tokens": 5000, "max_completion_tokens": 4000}
# None of them is a default.
GIVEN = {
    "model": "a-model",
    "instructions": "Be brief.",
    "tools": [TOOL],
    "metadata": {"key": "value"},
    "temperature": 0.25,
    "top_p": 0.5,
    "reasoning_effort": "low",
    **BUDGETS,
    "truncation_strategy": {"type": "last_messages", "last_messages": 3},
    "response_format": {"type": "text"},
    "tool_choice": "required",
    "parallel_tool_calls": False,
}
ERRORS = {
    code: {"code": code, "message": f"The scripted model fails: {code}."}
    for code in ("server_error", "rate_limit_exceeded")
}
# Long enough to be met in the middle.
SLOW = "say 100 words\nwait 2 ms"


class House:
    """A server with room for one run at work, and the data that outlives it."""

    def __init__(self, database_url: str | None, data_dir: Path) -> None:
        self.clock = ManualClock()
        self.start = int(self.clock.now())
        self._settings = settings.only(
            data_dir=data_dir,
            database_url=SecretStr(database_url) if database_url else None,
            drain_seconds=0,
            max_concurrent_runs=1,
            # a run past its time still has its worker
            lease_seconds=10 * LIFETIME,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Server"]:
        app = Perdure(self._settings, clock=self.clock)
        await app.open()
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app.asgi),
            base_url="http://127.0.0.1/v1",
            headers=HEADERS,
            timeout=PATIENCE_SECONDS,
        ) as http:
            yield Server(app, http, self.clock)
        await app.close()


class Server:
    """What a scenario does with the server."""

    def __init__(self, app: Perdure, http: httpx2.AsyncClient, clock: ManualClock) -> None:
        self.app = app
        self.http = http
        self.clock = clock

    async def post(self, path: str, body: object = None) -> Any:
        response = await self.http.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def get(self, path: str) -> Any:
        response = await self.http.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def queued(self, prompt: str, **fields: object) -> "Heard":
        """A run that waits since the start of the test, behind another that takes 7 seconds."""
        assistant = await self.post("/assistants", {"model": "other"})
        other = await self._run({"assistant_id": assistant["id"]}, "forever\nwait 1 ms")
        await self.writes(other)
        run = await self._run({"assistant_id": assistant["id"], **GIVEN, **fields}, prompt)
        self.clock.advance(7)
        return Heard(self, run, other)

    async def started(self, prompt: str, **fields: object) -> "Heard":
        """The same, when the other has gone and the run can be begun."""
        heard = await self.queued(prompt, **fields)
        await self.post(f"{path_of(heard.other)}/cancel")
        return heard

    async def writes(self, run: Any) -> None:
        """Waits until something is heard of the run's answer."""
        subscription = self.app.bus.subscribe(run["id"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(isinstance(told, Delta) for told in await subscription.next()):
                pass
        subscription.close()

    async def _run(self, body: dict[str, object], prompt: str) -> Any:
        thread = {"messages": [{"role": "user", "content": prompt}]}
        return await self.post("/threads/runs", {**body, "thread": thread})


class Heard:
    """A run, and a listener that hears it to its next rest."""

    def __init__(self, server: Server, run: Any, other: Any) -> None:
        self.run = run
        self.other = other
        self.path = path_of(run)
        self._server = server
        self._listener = asyncio.ensure_future(server.http.get(f"{self.path}/stream"))

    async def rest(self) -> list[Told]:
        """What was told of the run from its start until it rests."""
        return events((await self._listener).text)


def path_of(run: Any) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


Outcome = tuple[Any, list[Told]]
Scenario = Callable[[Server], Awaitable[Outcome]]


async def completed(server: Server) -> Outcome:
    heard = await server.started(SLOW)
    await server.writes(heard.run)
    server.clock.advance(5)
    return heard.run, await heard.rest()


async def incomplete(server: Server) -> Outcome:
    heard = await server.started(SLOW, max_completion_tokens=50)
    await server.writes(heard.run)
    server.clock.advance(5)
    return heard.run, await heard.rest()


async def over_budget(server: Server) -> Outcome:
    """Before the model said anything."""
    heard = await server.started("say: one", max_prompt_tokens=1)
    return heard.run, await heard.rest()


async def failed(server: Server) -> Outcome:
    heard = await server.started(f"{SLOW}\nfail: rate_limit_exceeded after 50 tokens")
    await server.writes(heard.run)
    server.clock.advance(5)
    return heard.run, await heard.rest()


async def failed_at_once(server: Server) -> Outcome:
    heard = await server.started("fail: server_error")
    return heard.run, await heard.rest()


async def cancelled(server: Server) -> Outcome:
    heard = await server.started("forever\nwait 1 ms")
    await server.writes(heard.run)
    server.clock.advance(5)
    await server.post(f"{heard.path}/cancel")
    return heard.run, await heard.rest()


async def cancelled_in_the_queue(server: Server) -> Outcome:
    heard = await server.queued("say: one")
    await server.post(f"{heard.path}/cancel")
    return heard.run, await heard.rest()


async def expired(server: Server) -> Outcome:
    heard = await server.started("forever\nwait 1 ms")
    await server.writes(heard.run)
    server.clock.advance(LIFETIME)
    await server.get(heard.path)
    return heard.run, await heard.rest()


async def expired_in_the_queue(server: Server) -> Outcome:
    heard = await server.queued("say: one")
    server.clock.advance(LIFETIME)
    await server.get(heard.path)
    return heard.run, await heard.rest()


async def waiting(server: Server) -> Outcome:
    heard = await server.started("call: f {}\nthen:\nsay: done")
    return heard.run, await heard.rest()


async def completed_with_outputs(server: Server) -> Outcome:
    heard = await server.started("call: f {}\nthen:\nsay: done")
    call = calls_of(await heard.rest())[0]
    server.clock.advance(5)
    outputs = [{"tool_call_id": call["id"], "output": "1"}]
    await server.post(f"{heard.path}/submit_tool_outputs", {"tool_outputs": outputs})
    return heard.run, await whole(server, heard)


async def cancelled_while_waiting(server: Server) -> Outcome:
    heard = await server.started("call: f {}")
    await heard.rest()
    server.clock.advance(5)
    await server.post(f"{heard.path}/cancel")
    return heard.run, await whole(server, heard)


async def expired_while_waiting(server: Server) -> Outcome:
    heard = await server.started("call: f {}")
    await heard.rest()
    server.clock.advance(LIFETIME)
    await server.get(heard.path)
    return heard.run, await whole(server, heard)


async def whole(server: Server, heard: Heard) -> list[Told]:
    """What was told of the run from its start, over its rest in between."""
    return events((await server.http.get(f"{heard.path}/stream")).text)


def calls_of(told: list[Told]) -> Any:
    return told[-2].data["required_action"]["submit_tool_outputs"]["tool_calls"]


class End(NamedTuple):
    """The fields of a run at rest; times in seconds since it was created."""

    status: str
    started_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    cancelled_at: int | None = None
    expires_at: int | None = None
    last_error: str | None = None
    incomplete: str | None = None
    asks: bool = False
    used: bool = True


ENDS: dict[Scenario, End] = {
    completed: End("completed", started_at=7, completed_at=12),
    completed_with_outputs: End("completed", started_at=12, completed_at=12),
    incomplete: End(
        "incomplete", started_at=7, completed_at=12, incomplete="max_completion_tokens"
    ),
    over_budget: End("incomplete", started_at=7, completed_at=7, incomplete="max_prompt_tokens"),
    failed: End("failed", started_at=7, failed_at=12, last_error="rate_limit_exceeded"),
    failed_at_once: End("failed", started_at=7, failed_at=7, last_error="server_error", used=False),
    cancelled: End("cancelled", started_at=7, cancelled_at=12),
    cancelled_in_the_queue: End("cancelled", cancelled_at=7, used=False),
    cancelled_while_waiting: End("cancelled", started_at=7, cancelled_at=12),
    expired: End("expired", started_at=7, expires_at=LIFETIME),
    expired_in_the_queue: End("expired", expires_at=LIFETIME, used=False),
    expired_while_waiting: End("expired", started_at=7, expires_at=LIFETIME),
    waiting: End("requires_action", started_at=7, expires_at=LIFETIME, asks=True, used=False),
}


@pytest.mark.parametrize("scenario", ENDS, ids=lambda scenario: scenario.__name__)
async def test_a_run_at_rest_is_the_same_streamed_or_polled_or_after_a_restart(
    database_url: str | None, data_dir: Path, scenario: Scenario
) -> None:
    house = House(database_url, data_dir)
    async with house.open() as server:
        created, told = await scenario(server)
        path = path_of(created)
        run = await server.get(path)
        steps = (await server.get(f"{path}/steps?order=asc"))["data"]
        listed = (await server.get(f"/threads/{created['thread_id']}/runs"))["data"]
        messages = (await server.get(f"/threads/{created['thread_id']}/messages"))["data"]

    assert {**created, **BUDGETS} == new(created, house.start)
    assert run == expected(ENDS[scenario], created, steps, told, house.start)
    assert told[-1].name == "done"
    assert told[-2].name == f"thread.run.{run['status']}"
    assert (told[-2].data, listed) == (run, [run])
    last_told = {event.data["id"]: event.data for event in told[:-1]}
    closed = [step for step in steps if step["status"] != "in_progress"]
    assert [last_told[step["id"]] for step in closed] == closed
    written = [message for message in messages if message["run_id"]]
    assert [last_told[message["id"]] for message in written] == written

    async with house.open() as server:
        assert await server.get(path) == run
        assert (await server.get(f"{path}/steps?order=asc"))["data"] == steps


@pytest.mark.parametrize("scenario", ENDS, ids=lambda scenario: scenario.__name__)
async def test_events_of_a_stream_follow_each_other_as_documented(
    database_url: str | None, data_dir: Path, scenario: Scenario
) -> None:
    house = House(database_url, data_dir)
    async with house.open() as server:
        _, told = await scenario(server)
    assert out_of_order([event.name for event in told]) == []


def new(run: Any, start: int) -> Any:
    """A run as it is created: what was given, and nothing that is yet to come."""
    nothing = (
        "started_at", "completed_at", "failed_at", "cancelled_at", "required_action",
        "last_error", "incomplete_details", "usage",
    )  # fmt: skip
    return {
        **GIVEN,
        **dict.fromkeys(nothing),
        "id": run["id"],
        "object": "thread.run",
        "created_at": start,
        "expires_at": start + LIFETIME,
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "status": "queued",
        "tool_resources": {},
    }


def expected(end: End, created: Any, steps: Any, told: list[Told], start: int) -> Any:
    """The run at its rest, key by key."""
    asked = [e.data["required_action"] for e in told if e.name == "thread.run.requires_action"]
    return {
        **created,
        "status": end.status,
        "started_at": since(start, end.started_at),
        "completed_at": since(start, end.completed_at),
        "failed_at": since(start, end.failed_at),
        "cancelled_at": since(start, end.cancelled_at),
        "expires_at": since(start, end.expires_at),
        "required_action": asked[0] if end.asks else None,
        "last_error": ERRORS[end.last_error] if end.last_error else None,
        "incomplete_details": {"reason": end.incomplete} if end.incomplete else None,
        "usage": total([step["usage"] for step in steps]) if end.used else None,
    }


def total(usages: list[Any]) -> Any:
    """The sum over the steps (spec 03 §10)."""
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {
        **{count: sum(usage[count] for usage in usages if usage) for count in counts},
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def since(start: int, seconds: int | None) -> int | None:
    return None if seconds is None else start + seconds
