"""Whether a server can be given work, and who may ask for its metrics where there are no keys."""

import asyncio
import shutil
from pathlib import Path
from typing import NoReturn, cast

import httpx2
import pytest

from perdure.api.readiness import ReadinessCheck
from perdure.app import Perdure
from perdure.commands import schema
from perdure.errors import ConfigurationError, Unavailable
from perdure.settings import only
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from tests.patience import PATIENCE_SECONDS

READY = {"database": "ok", "schema": "ok", "contents": "ok", "draining": "ok"}
URL = "http://127.0.0.1/ready"


class Away:
    """A database that does not answer, or not in time."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def read(self, *_: object) -> NoReturn:
        if self._hangs:
            await asyncio.Event().wait()
        raise Unavailable("postgresql://user:c1n1ry@host is away")


class AtHand:
    """Contents that are there."""

    async def require_reachable(self) -> None:
        return


def check(
    database: Database,
    blobs: BlobStores,
    *,
    clock: ManualClock | None = None,
    most_seconds: float = PATIENCE_SECONDS,
) -> ReadinessCheck:
    return ReadinessCheck(
        database,
        blobs,
        clock or ManualClock(),
        is_draining=lambda: False,
        most_seconds=most_seconds,
    )


async def test_a_server_is_ready_without_a_key(http: httpx2.AsyncClient) -> None:
    answer = await http.get(URL, headers={"authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "parts": READY})


async def test_a_server_that_stops_is_not_ready(app: Perdure, http: httpx2.AsyncClient) -> None:
    app.drain()
    answer = await http.get(URL)
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert answer.json()["parts"] == {**READY, "draining": "the server is stopping"}


async def test_a_folder_that_is_gone_makes_it_not_ready(
    database: Database, blobs: BlobStores
) -> None:
    clock = ManualClock()
    checking = check(database, blobs, clock=clock)
    assert (await checking.check()).is_ready
    folder = blobs.folder
    assert folder is not None
    shutil.rmtree(folder.path)
    # It was asked for just now.
    assert (await checking.check()).is_ready
    clock.advance(2)
    found = await checking.check()
    assert found.parts == {**READY, "contents": "not available"}
    assert not found.is_ready


@pytest.mark.parametrize(
    ("hangs", "seconds", "word"),
    [(False, PATIENCE_SECONDS, "not available"), (True, 0, "no answer within 0 seconds")],
)
async def test_a_database_that_is_away_makes_it_not_ready_in_time(
    *, hangs: bool, seconds: float, word: str
) -> None:
    database, blobs = cast("Database", Away(hangs=hangs)), cast("BlobStores", AtHand())
    found = await check(database, blobs, most_seconds=seconds).check()
    assert found.parts == {**READY, "database": word, "schema": "not known"}


async def test_a_schema_that_lost_something_makes_it_not_ready_and_one_that_has_more_does_not(
    database: Database, blobs: BlobStores
) -> None:
    clock = ManualClock()
    checking = check(database, blobs, clock=clock)
    await checking.open()
    names = await database.read(schema.names)

    class Later:
        """The database once another server has changed it."""

        def __init__(self, names: frozenset[str]) -> None:
            self.names = names

        async def read(self, *_: object) -> frozenset[str]:
            return self.names

    for found, word in ((names | {"9999_more"}, "ok"), (names - {max(names)}, "is missing")):
        checking._database = Later(found)  # type: ignore[assignment]
        clock.advance(2)
        assert (await checking.check()).parts["schema"].endswith(word)


async def test_metrics_do_not_exist_where_there_is_no_admin(http: httpx2.AsyncClient) -> None:
    answer = await http.get("http://127.0.0.1/metrics")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        "Invalid URL (GET /metrics)",
    )


async def test_the_port_of_the_metrics_needs_no_key_and_has_nothing_else(app: Perdure) -> None:
    transport = httpx2.ASGITransport(app.metrics_asgi)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        assert (await http.get("/metrics")).text.startswith("# HELP perdure_runs_total ")
        assert (await http.get("/ready")).json()["status"] == "ready"
        assert (await http.get("/health")).json() == {"status": "ok"}
        for method, path in (("GET", "/v1/threads"), ("POST", "/metrics"), ("GET", "/")):
            assert (await http.request(method, path)).status_code == 404
        # A page that makes its own name lead to this machine.
        answer = await http.get("/metrics", headers={"host": "evil.example.com"})
        assert answer.status_code == 403


async def test_figures_of_all_servers_are_asked_for_at_most_every_five_seconds(
    app: Perdure, clock: ManualClock
) -> None:
    asked = []

    async def read(query: object, *args: object) -> object:
        asked.append(query)
        return await type(app.database).read(app.database, query, *args)  # type: ignore[arg-type]

    exposition = app.pages.exposition
    exposition._database = type("Counted", (), {"read": staticmethod(read)})()
    for _ in range(3):
        await exposition.text()
    assert len(asked) == 1
    clock.advance(6)
    await exposition.text()
    assert len(asked) == 2


def test_the_port_of_the_metrics_is_not_that_of_the_api(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="metrics_port is the port of the API"):
        only(data_dir=tmp_path, metrics_port=7373)
