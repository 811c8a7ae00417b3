"""What a server does in its role: answer requests, work, or both."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.clock import SystemClock
from perdure.errors import ConfigurationError
from perdure.storage import checkup
from tests.api.servers import HEADERS
from tests.patience import PATIENCE_SECONDS, until


class Cluster:
    """Servers on one database, by their role."""

    def __init__(self, apps: dict[str, Perdure], clients: dict[str, httpx2.AsyncClient]) -> None:
        self.apps = apps
        self.clients = clients


@pytest.fixture
async def cluster(postgres_url: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A server that answers and one that works."""
    apps, clients = {}, {}
    async with AsyncExitStack() as stack:
        for role in ("api", "worker"):
            app = Perdure(
                settings.only(
                    data_dir=tmp_path / role,
                    database_url=SecretStr(postgres_url),
                    role=role,
                    drain_seconds=0,
                    code_spare_sessions=0,
                ),
                clock=SystemClock(),
                address=f"{role}:7373",
            )
            await app.open()
            stack.push_async_callback(app.close)
            apps[role] = app
            clients[role] = await stack.enter_async_context(
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app.asgi),
                    base_url="http://127.0.0.1/v1",
                    headers=HEADERS,
                    timeout=PATIENCE_SECONDS,
                )
            )
        yield Cluster(apps, clients)


async def test_a_worker_answers_for_its_health_and_nothing_else(cluster: Cluster) -> None:
    worker = cluster.clients["worker"]
    assert (await worker.get("http://127.0.0.1/health")).json() == {"status": "ok"}
    for method, path in (("GET", "/models"), ("POST", "/threads"), ("GET", "/nothing")):
        answer = await worker.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == (
            "This server works on runs. Ask one with the role api or all."
        )


async def test_a_run_of_one_server_is_worked_on_by_the_other_and_streamed_whole(
    cluster: Cluster,
) -> None:
    """The stream is that of the server that was asked; the run is never in its hands."""
    api = cluster.clients["api"]
    body = {"model": "scripted", "instructions": "Answer."}
    assistant = (await api.post("/assistants", json=body)).json()
    said = "say 300 words"
    streamed = await api.post(
        "/threads/runs",
        json={
            "assistant_id": assistant["id"],
            "stream": True,
            "thread": {"messages": [{"role": "user", "content": said}]},
        },
    )
    text = streamed.text
    assert text.rstrip().endswith("data: [DONE]")
    assert "thread.message.delta" in text
    assert text.count("event: thread.run.completed") == 1
    for name in ("created", "queued", "in_progress"):
        assert text.count(f"event: thread.run.{name}\n") == 1
    assert cluster.apps["api"].engine.worker.in_hand == frozenset()


async def test_a_cancel_at_one_server_stops_the_work_of_the_other(cluster: Cluster) -> None:
    api, worker = cluster.clients["api"], cluster.apps["worker"]
    assistant = (await api.post("/assistants", json={"model": "scripted"})).json()
    run = (
        await api.post(
            "/threads/runs",
            json={
                "assistant_id": assistant["id"],
                "thread": {"messages": [{"role": "user", "content": "forever\nwait 1 ms"}]},
            },
        )
    ).json()
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    await until(lambda: worker.engine.worker.in_hand)
    await api.post(f"{path}/cancel")
    # Long before its next heartbeat.
    await until(lambda: not worker.engine.worker.in_hand)
    assert (await api.get(path)).json()["status"] == "cancelled"


async def test_each_server_is_in_the_table(cluster: Cluster, postgres_url: str) -> None:
    seen = checkup.look(postgres_url, Path())
    assert {(row.address, row.role) for row in seen.servers} == {
        ("api:7373", "api"),
        ("worker:7373", "worker"),
    }


def test_a_server_on_sqlite_can_have_no_role(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a server on SQLite is alone"):
        settings.only(data_dir=tmp_path, role="worker")


async def test_contents_in_a_folder_are_refused_beside_another_living_server(
    cluster: Cluster, postgres_url: str, tmp_path: Path
) -> None:
    def another(address: str) -> Perdure:
        chosen = settings.only(
            data_dir=tmp_path / "another",
            database_url=SecretStr(postgres_url),
            contents="folder",
            drain_seconds=0,
        )
        return Perdure(chosen, clock=SystemClock(), address=address)

    with pytest.raises(ConfigurationError, match=r"another server, at (api|worker):7373, works on"):
        await another("another:7373").open()
    for app in cluster.apps.values():
        await app.close()
    alone = another("another:7373")
    await alone.open()
    await alone.close()
