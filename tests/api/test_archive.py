"""To archive a project ends what runs in it, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2
import pytest

from perdure.app import Perdure
from perdure.commands import projects
from perdure.commands.audit_logs import COMMAND_LINE, Change
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN, Admin, bearer
from tests.patience import PATIENCE_SECONDS

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}


@pytest.fixture
def chosen() -> dict[str, object]:
    # Streams look again soon.
    return {"admin_key": ADMIN, "keep_alive_seconds": 0.1}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def _headers(secret: str) -> dict[str, str]:
    return {**bearer(secret), "openai-beta": "assistants=v2"}


async def _body(http: httpx2.AsyncClient, secret: str, prompt: str) -> dict[str, Any]:
    made = await http.post("/assistants", json={"model": "scripted", "tools": [FUNCTION]},
                           headers=_headers(secret))  # fmt: skip
    thread = {"messages": [{"role": "user", "content": prompt}]}
    return {"assistant_id": made.json()["id"], "thread": thread}


async def _statuses(app: Perdure) -> list[str]:
    """The statuses of all runs, the oldest first."""

    def read(tx: Any) -> list[str]:
        rows = tx.all("invariants.runs", after=0, limit=100)
        return [row["status"] for row in rows]

    return await app.database.read(read)


async def test_runs_and_their_streams_end_and_other_projects_go_on(
    app: Perdure, http: httpx2.AsyncClient, base_url: str, session: aiohttp.ClientSession
) -> None:
    admin = Admin(http)
    blue, green = await admin.project("Blue"), await admin.project("Green")
    blue_key, green_key = (await admin.key(blue)).secret, (await admin.key(green)).secret
    asked = await _body(http, blue_key, "call: get_weather")
    await http.post("/threads/runs", json={**asked, "stream": True}, headers=_headers(blue_key))
    waiting = await _body(http, green_key, "call: get_weather")
    await http.post("/threads/runs", json={**waiting, "stream": True}, headers=_headers(green_key))
    talks = await _body(http, blue_key, "say 5000 words\nwait 1 ms")
    response = await session.post(
        f"{base_url}/threads/runs", json={**talks, "stream": True}, headers=_headers(blue_key)
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        seen = ""
        while "thread.message.delta" not in seen:
            seen += (await response.content.readany()).decode()
        await admin.post(f"/projects/{blue}/archive")
        rest = (await response.content.read()).decode()
    names = [line[7:] for line in rest.splitlines() if line.startswith("event: ")]
    assert names[-2:] == ["thread.run.cancelled", "done"]
    assert await _statuses(app) == ["cancelled", "requires_action", "cancelled"]
    refused = await http.get("/assistants", headers=_headers(blue_key))
    assert refused.json()["error"]["code"] == "invalid_api_key"
    assert (await http.get("/assistants", headers=_headers(green_key))).status_code == 200


async def test_a_run_that_comes_too_late_is_ended_by_upkeep(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Its request was let in before the project was archived, or the server that archived it was
    killed at once.
    """
    admin = Admin(http)
    blue = await admin.project("Blue")
    key = (await admin.key(blue)).secret
    asked = await _body(http, key, "call: get_weather")
    made = await http.post("/threads/runs", json=asked, headers=_headers(key))
    assert made.status_code == 200
    by = Change(COMMAND_LINE, int(clock.now()))
    await app.database.write(projects.archive, blue, by)
    await app.engine.maintenance.step()

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _statuses(app) != ["cancelled"]:  # noqa: ASYNC110 # as in `until`
            await asyncio.sleep(0)


async def test_the_stream_of_a_projects_runs_ends_with_its_key(
    base_url: str,
    http: httpx2.AsyncClient,
    session: aiohttp.ClientSession,
) -> None:
    admin = Admin(http)
    blue = await admin.project("Blue")
    key = await admin.key(blue)
    response = await session.get(f"{base_url}/runs/stream", headers=_headers(key.secret))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await response.content.readany()
        await admin.delete(f"/projects/{blue}/api_keys/{key.id}")
        await response.content.read()
    assert response.content.at_eof()
