"""The trace over HTTP: told by any server, and not to who may not read the thread."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.model_runs import TOOL
from tests.api.servers import client

PROMPT = 'call: get_weather {"city": "Rome"}\nthen:\nsay: Done.'


@pytest.fixture
async def elsewhere(
    app: Perdure, database_url: str | None, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[Perdure]:
    """Another server of the database that works on no runs; on SQLite there is only the one."""
    if database_url is None:
        yield app
        return
    url = SecretStr(database_url)
    chosen = settings.only(data_dir=tmp_path / "other", database_url=url, role="api")
    other = Perdure(chosen, clock=clock, address="127.0.0.1:2")
    await other.open()
    yield other
    await other.close()


async def ended(http: httpx2.AsyncClient, prompt: str = PROMPT) -> dict[str, Any]:
    """A run that waited for outputs and has completed."""
    body = {"model": "m", "tools": [TOOL], "instructions": "Be brief."}
    assistant = (await http.post("/assistants", json=body)).json()
    thread = {"messages": [{"role": "user", "content": prompt}]}
    run = {"assistant_id": assistant["id"], "thread": thread, "stream": True}
    told = (await http.post("/threads/runs", json=run)).text
    assert "thread.run.requires_action" in told
    runs = (await http.get("/threads")).json()["data"][0]["id"]
    (asking,) = (await http.get(f"/threads/{runs}/runs")).json()["data"]
    calls = asking["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "sunny"} for call in calls]
    path = f"/threads/{runs}/runs/{asking['id']}"
    await http.post(f"{path}/submit_tool_outputs", json={"tool_outputs": outputs, "stream": True})
    found: dict[str, Any] = (await http.get(path)).json()
    assert found["status"] == "completed"
    return found


async def test_any_server_of_the_database_tells_it(
    http: httpx2.AsyncClient, elsewhere: Perdure
) -> None:
    run = await ended(http)
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/trace"
    async with client(elsewhere) as other:
        plain = (await other.get(path)).json()
        assert [entry["type"] for entry in plain["entries"]].count("model_call") == 2
        assert {"claim", "output_wait"} < {entry["type"] for entry in plain["entries"]}
        assert plain["is_kept"]
        assert plain["is_whole"]
        assert not any("request" in entry for entry in plain["entries"])
        full = (await other.get(path, params={"include[]": "requests"})).json()
        requests = [entry["request"] for entry in full["entries"] if "request" in entry]
        assert [request["state"] for request in requests] == ["same", "same"]
        last = requests[1]["body"]["messages"]
        assert [message["role"] for message in last] == ["system", "user", "assistant", "tool"]
        assert last[-1]["content"] == "sunny"
        query = {"include": "requests", "call": "2"}
        (alone,) = (await other.get(path, params=query)).json()["entries"]
        assert alone["number"] == 2
        assert alone["request"] == requests[1]
        assert (await other.get(f"/runs/{run['id']}")).json() == run


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"include[]": "texts"}, 400, "include[0]"),
        ({"call": "0"}, 400, "call"),
        ({"call": "many"}, 400, "call"),
        ({"call": "7"}, 404, None),
    ],
)
async def test_a_wrong_question_is_refused(
    http: httpx2.AsyncClient, query: dict[str, str], status: int, param: str | None
) -> None:
    run = await ended(http)
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/trace"
    answer = await http.get(path, params=query)
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param


async def test_a_run_of_another_thread_or_none_is_not_found(http: httpx2.AsyncClient) -> None:
    run = await ended(http)
    other = (await http.post("/threads", json={})).json()
    for path in (
        f"/threads/{other['id']}/runs/{run['id']}/trace",
        f"/threads/{run['thread_id']}/runs/run_none/trace",
        "/runs/run_none",
    ):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (
            404,
            "invalid_request_error",
        )


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> dict[str, object]:
    return dict(getattr(request, "param", {}))


@pytest.mark.parametrize("chosen", [{"trace_retention_days": 0}], indirect=True)
async def test_a_server_that_keeps_none_says_so(http: httpx2.AsyncClient) -> None:
    run = await ended(http)
    trace = (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}/trace")).json()
    assert (trace["is_kept"], trace["entries"]) == (False, [])
