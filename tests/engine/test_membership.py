"""What a server says of itself to the others of its database."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from perdure.commands import servers
from perdure.commands.servers import ServerIdentity
from perdure.engine.maintenance import Maintenance
from perdure.engine.membership import Membership
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.wire.servers import Role
from tests.engine.stage import Stage

LEASE = 10.0


class Server:
    """A server whose runs and sessions the test sets."""

    def __init__(
        self, stage: Stage, name: str, *, role: Role = "all", address: str | None = None
    ) -> None:
        self.runs: list[str] = []
        self.sessions: list[str] = []
        self.membership = Membership(
            ServerIdentity(name, address or f"{name}:7373", "1.2", role, stage.clock.now()),
            stage.database,
            stage.clock,
            lease_seconds=LEASE,
            in_hand=lambda: self.runs,
            sessions=lambda: self.sessions,
            end_session=self._end,
        )

    async def _end(self, thread_id: str) -> None:
        self.sessions.remove(thread_id)


def _seen(tx: Transaction) -> dict[str, Any]:
    found = {}
    for name in ("server_1", "server_2"):
        where = servers.address(tx, name)
        if where is not None:
            found[name] = where
    return found


# A server on SQLite is alone.
shared = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@shared
async def test_a_server_is_there_until_it_ends(stage: Stage) -> None:
    server = Server(stage, "server_1")
    await server.membership.step()
    assert await stage.database.read(_seen) == {"server_1": "server_1:7373"}
    await server.membership.leave()
    assert await stage.database.read(_seen) == {}


@shared
async def test_a_server_that_was_killed_is_remembered_for_a_day(
    stage: Stage, clock: ManualClock
) -> None:
    await Server(stage, "server_1").membership.step()
    other = Server(stage, "server_2")
    clock.advance(servers.FORGET_SECONDS - 1)
    await other.membership.step()
    assert set(await stage.database.read(_seen)) == {"server_1", "server_2"}
    clock.advance(LEASE)
    await other.membership.step()
    assert set(await stage.database.read(_seen)) == {"server_2"}


async def test_a_server_that_is_alone_on_its_database_says_nothing(
    stage: Stage, database_url: str | None
) -> None:
    server = Server(stage, "server_1")
    await server.membership.step()
    assert bool(await stage.database.read(_seen)) is (database_url is not None)


async def _sessions_of(database: Database, run_thread: str) -> bool:
    """Whether a run of the thread would be left to another server."""

    def look(tx: Transaction) -> bool:
        return bool(tx.run("sessions.drop", thread_id=run_thread, server="server_1"))

    return await database.write(look)


@shared
async def test_sessions_are_told_as_soon_as_they_change(stage: Stage) -> None:
    server = Server(stage, "server_1")
    await server.membership.step()
    server.sessions = ["thread_1"]
    await server.membership.step()
    assert await _sessions_of(stage.database, "thread_1")
    server.sessions = ["thread_1", "thread_2"]
    await server.membership.step()
    server.sessions = ["thread_1"]
    await server.membership.step()
    assert not await _sessions_of(stage.database, "thread_2")


@shared
async def test_a_session_ends_when_the_code_of_its_thread_has_run_elsewhere_since(
    stage: Stage, clock: ManualClock
) -> None:
    """Else a run that comes back would find variables that are out of date, and not be told."""
    first, second = Server(stage, "server_1"), Server(stage, "server_2")
    first.sessions = ["thread_1", "thread_2"]
    await first.membership.step()
    second.sessions = ["thread_1"]
    await second.membership.step()
    for _ in range(3):
        clock.advance(LEASE)
        await first.membership.step()
        await second.membership.step()
        await asyncio.sleep(0)
    assert first.sessions == ["thread_2"]
    assert second.sessions == ["thread_1"]


@shared
async def test_runs_that_wait_without_a_living_worker_are_said_once(
    stage: Stage, clock: ManualClock
) -> None:
    await Server(stage, "server_2").membership.step()
    api = Server(stage, "server_1", role="api")
    await stage.begin("say: hello")
    await api.membership.step()
    with capture_logs() as logs:
        for _ in range(5):
            clock.advance(LEASE)
            await api.membership.step()
    assert [line["event"] for line in logs] == ["no_worker"]


@shared
async def test_a_worker_that_lives_is_enough(stage: Stage, clock: ManualClock) -> None:
    api, worker = Server(stage, "server_1", role="api"), Server(stage, "server_2", role="worker")
    await stage.begin("say: hello")
    with capture_logs() as logs:
        for _ in range(5):
            clock.advance(LEASE)
            await worker.membership.step()
            await api.membership.step()
    assert logs == []


@shared
async def test_a_takeover_names_the_server_that_is_gone(stage: Stage, clock: ManualClock) -> None:
    await Server(stage, "server_1").membership.step()
    run = await stage.begin("say: hello")
    await stage.acts.claim(run, owner="server_1")
    clock.advance(60)
    maintenance = Maintenance(stage.database, clock, event_retention_days=30)
    with capture_logs() as logs:
        await maintenance.step()
    (line,) = [line for line in logs if line["event"] == "run_taken_over"]
    assert line["server"] == "server_1:7373"
    assert line["owner"] == "server_1"
    assert line["run_id"] == run.id


@shared
async def test_another_living_server_is_found_at_once(stage: Stage, clock: ManualClock) -> None:
    await Server(stage, "server_1").membership.step()
    assert await Server(stage, "server_2").membership.find_other() == "server_1:7373"
    clock.advance(LEASE)
    assert await Server(stage, "server_2").membership.find_other() is None


@shared
async def test_of_two_servers_with_one_address_the_other_is_found_when_it_gives_a_sign_of_life(
    stage: Stage, clock: ManualClock
) -> None:
    """Such as on two machines, each at the port of all its addresses."""
    other = Server(stage, "server_1", address="0.0.0.0:7373")
    await other.membership.step()
    clock.advance(1)
    here = Server(stage, "server_2", address="0.0.0.0:7373")
    finding = asyncio.create_task(here.membership.find_other())
    while not finding.done():
        await asyncio.sleep(0)
        clock.advance(LEASE / 100)
        await other.membership.step()
    assert await finding == "0.0.0.0:7373"


@shared
async def test_what_a_killed_server_left_is_not_another_server(
    stage: Stage, clock: ManualClock
) -> None:
    await Server(stage, "server_1", address="0.0.0.0:7373").membership.step()
    here = Server(stage, "server_2", address="0.0.0.0:7373")
    finding = asyncio.create_task(here.membership.find_other())
    while not finding.done():
        await asyncio.sleep(0)
        clock.advance(LEASE / 100)
    assert await finding is None
