"""Operations for those who operate a server: it is shown to nobody else."""

from pathlib import Path

import httpx2
import pytest

from perdure.app import Perdure
from perdure.clock import SystemClock
from perdure.commands import adjustments
from perdure.commands.servers import FORGET_SECONDS, CodeSessions, ServerIdentity, beat
from perdure.engine.adjustments import SharedAdjustmentMemory
from perdure.settings import only
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN
from tests.api.servers import HEADERS
from tests.model_servers import ollama

OPERATIONS = (
    ("GET", "/servers"),
    ("GET", "/health_report"),
    ("GET", "/model_adjustments"),
    ("DELETE", "/model_adjustments/adj_1"),
    ("GET", "/model_windows"),
    ("GET", "/export"),
    ("POST", "/import/begin"),
    ("POST", "/import/contents"),
    ("POST", "/import"),
)
MODEL_SERVER = "http://127.0.0.1:11434/v1"


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"lease_seconds": 30}


async def test_an_operator_is_shown_the_servers(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock, database_url: str | None
) -> None:
    now = clock.now()
    if database_url is not None:
        await app.engine.membership.step()  # type: ignore[union-attr]
        other = ServerIdentity("server_gone", "b:7373", "0.1", "worker", now - 500)
        await app.database.write(
            beat, other, runs=3, sessions=CodeSessions(), now=now - 61, until=now
        )
    found = (await http.get("/servers")).json()
    own = {
        "id": app.identity.id,
        "object": "server",
        "address": "127.0.0.1:7373",
        "version": app.identity.version,
        "role": "all",
        "status": "alive",
        "started_at": int(now),
        "last_seen_at": int(now),
        "runs_in_hand": 0,
    }
    assert found["data"][-1] == own
    assert (found["object"], found["has_more"], found["last_id"]) == ("list", False, own["id"])
    gone = found["data"][:-1]
    if database_url is None:
        assert gone == []
    else:
        assert [(each["id"], each["status"], each["runs_in_hand"]) for each in gone] == [
            ("server_gone", "gone", 3)
        ]
    assert FORGET_SECONDS > 61


async def test_what_was_learnt_of_model_servers_is_listed_and_forgotten(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    memory = SharedAdjustmentMemory(app.database, clock)
    now = int(clock.now())
    await app.database.write(
        adjustments.learn, MODEL_SERVER, "qwen3", {"no stop", "no seed"}, now=now - 10
    )
    assert await memory.of(MODEL_SERVER, "qwen3") == {"no stop", "no seed"}
    found = (await http.get("/model_adjustments")).json()["data"]
    (stop,) = [each for each in found if each["name"] == "no stop"]
    assert stop == {
        "id": stop["id"],
        "object": "model_adjustment",
        "created_at": now - 10,
        "expires_at": now - 10 + adjustments.LIFETIME_SECONDS,
        "server": MODEL_SERVER,
        "model": "qwen3",
        "name": "no stop",
    }
    path = f"/model_adjustments/{stop['id']}"
    assert (await http.delete(path)).json() == {
        "id": stop["id"], "object": "model_adjustment.deleted", "deleted": True,
    }  # fmt: skip
    assert (await http.delete(path)).status_code == 404
    assert [each["name"] for each in (await http.get("/model_adjustments")).json()["data"]] == [
        "no seed"
    ]
    clock.advance(30)
    assert await memory.of(MODEL_SERVER, "qwen3") == {"no seed"}


async def test_a_server_inside_another_program_has_no_report(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/health_report")
    assert (answer.status_code, "perdure serve" in answer.text) == (404, True)


@pytest.mark.parametrize(
    "chosen", [{"api_keys": ["test"]}, {"api_keys": ["test"], "host": "0.0.0.0"}]
)
async def test_a_key_of_a_project_is_no_operators(http: httpx2.AsyncClient) -> None:
    for method, path in OPERATIONS:
        answer = await http.request(method, path)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "insufficient_permissions")


@pytest.mark.parametrize("chosen", [{"api_keys": ["test"], "admin_key": ADMIN}])
async def test_an_admin_key_is_an_operators(http: httpx2.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    for path in ("/servers", "/model_adjustments", "/model_windows", "/export"):
        assert (await http.get(path, headers=headers)).status_code == 200
        assert (await http.get(path)).status_code == 403


async def test_windows_that_the_model_server_told_are_listed(tmp_path: Path) -> None:
    async with ollama.serving() as port:
        app = Perdure(
            only(data_dir=tmp_path, model_base_url=f"http://127.0.0.1:{port}/v1", drain_seconds=0),
            clock=SystemClock(),
        )
        await app.open()
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app.asgi),
            base_url="http://127.0.0.1/v1",
            headers=HEADERS,
        ) as http:
            assert (await http.get("/model_windows")).json()["data"] == []
            assistant = (await http.post("/assistants", json={"model": "llama3.2"})).json()
            thread = {"messages": [{"role": "user", "content": "Hello"}]}
            body = {"assistant_id": assistant["id"], "thread": thread, "stream": True}
            await http.post("/threads/runs", json=body)
            found = (await http.get("/model_windows")).json()
        await app.close()
    assert found["data"] == [
        {
            "object": "model_window",
            "model": "llama3.2",
            "tokens": 8192,
            "source": "told",
            "server_id": app.identity.id,
        }
    ]
    assert (found["first_id"], found["has_more"]) == ("llama3.2", False)
