"""Servers on one PostgreSQL: whatever happens to one of them, the others go on."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perdure import invariants, storage
from tests.durability.campaign import Campaign
from tests.durability.client import Client
from tests.durability.nodes import Node, killed
from tests.model_servers.slow import SlowModel, serving_slowly
from tests.patience import PATIENCE_SECONDS, until

_CLIENTS = 12
_RUNS = 6
# What is shown of a database in which something does not come.
_RUNS_NOW = "SELECT id, status, owner, epoch, lease_until, body FROM runs ORDER BY seq"
_SESSIONS_NOW = """
SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), NOW() - xact_start, query
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def nodes(tmp_path: Path, postgres_url: str) -> list[Node]:
    """Three servers on one database; none is started."""
    return _servers(tmp_path, postgres_url, {}, "abc")


def _two(folder: Path, url: str, environment: dict[str, str]) -> list[Node]:
    return _servers(folder, url, environment, "ab")


def _servers(folder: Path, url: str, environment: dict[str, str], names: str) -> list[Node]:
    return [Node(folder / name, "--database-url", url, environment=environment) for name in names]


async def test_three_servers_killed_and_stopped_in_turn_under_load_lose_nothing(
    nodes: list[Node], postgres_url: str
) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    async with Campaign(nodes, seed=seed, clients=_CLIENTS, url=postgres_url) as campaign:
        for how in (signal.SIGKILL, signal.SIGTERM):
            await campaign.progress(chance.randint(5, 40))
            code = await chance.choice(nodes).restart(how, after=chance.uniform(0, 2))
            assert code == (0 if how == signal.SIGTERM else -how)
    assert campaign.findings == ""
    assert campaign.runs >= _CLIENTS


class Watcher:
    """Looks into the database beside the servers."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    async def until(self, sql: str, expected: list[tuple[Any, ...]]) -> None:
        """Waits until the query finds this."""
        try:
            await until(lambda: self.all(sql) == expected)
        except TimeoutError:
            rows = "\n".join(str(row) for row in self.all(_RUNS_NOW) + self.all(_SESSIONS_NOW))
            raise AssertionError(f"{self.all(sql)} instead of {expected}\n{rows}") from None

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all that belongs to runs."""
        return {
            table: self.all(f"SELECT * FROM {table} ORDER BY seq")
            for table in ("runs", "run_steps", "messages", "events")
        }


@pytest.fixture
def watcher(postgres_url: str) -> Iterator[Watcher]:
    watcher = Watcher(postgres_url)
    yield watcher
    watcher._connection.close()


@pytest.fixture
def model() -> Iterator[SlowModel]:
    """A model server whose answers end when the test says so."""
    with serving_slowly() as model:
        yield model


async def begin(client: Client, runs: int) -> set[str]:
    """So many runs on threads of their own; their ids."""
    assistant = await client.ask("POST", "/assistants", {"model": "slow"})
    thread = {"messages": [{"role": "user", "content": "Hello?"}]}
    body = {"assistant_id": assistant.body["id"], "thread": thread}
    return {(await client.ask("POST", "/threads/runs", body)).body["id"] for _ in range(runs)}


async def _all_at_work(watcher: Watcher, model: SlowModel) -> None:
    """Until all runs wait for the end of their answer."""
    await watcher.until(
        "SELECT status, COUNT(*) FROM runs GROUP BY status", [("in_progress", _RUNS)]
    )
    await until(lambda: model.calls >= _RUNS)


def lost_leases(lines: list[dict[str, Any]]) -> set[str]:
    return {line["run_id"] for line in lines if line["event"] == "lease_lost"}


async def test_a_worker_that_hangs_is_replaced_and_writes_nothing_when_it_wakes(
    tmp_path: Path, postgres_url: str, watcher: Watcher, model: SlowModel
) -> None:
    """Its model calls go on as if nothing had been; each of its writes is refused."""
    hung, other = _two(tmp_path, postgres_url, model.environment)
    client = Client([hung.url], seed=0)
    with killed([hung, other]):
        await hung.start()
        runs = await begin(client, _RUNS)
        await _all_at_work(watcher, model)
        hung.send(signal.SIGSTOP)
        said = len(hung.lines())
        held = dict(watcher.all("SELECT id, epoch FROM runs"))
        model.go_on.set()
        await other.start()
        await watcher.until(
            "SELECT status, COUNT(*) FROM runs GROUP BY status", [("completed", _RUNS)]
        )
        taken = dict(watcher.all("SELECT id, epoch FROM runs"))
        assert all(taken[run_id] > epoch for run_id, epoch in held.items())
        before = watcher.everything()
        hung.send(signal.SIGCONT)
        await until(lambda: lost_leases(hung.lines()[said:]) == runs)
        assert watcher.everything() == before
        assert {"execution_broke", "turn_broke"}.isdisjoint(hung.bugs())
        # It is of use again.
        await begin(client, 1)
        await watcher.until(
            "SELECT status, COUNT(*) FROM runs GROUP BY status", [("completed", _RUNS + 1)]
        )
        await client.close()
    with storage.snapshot(postgres_url, Path()) as tx:
        assert list(invariants.check(tx)) == []


async def test_a_server_told_to_stop_hands_its_runs_to_the_other(
    tmp_path: Path, postgres_url: str, watcher: Watcher, model: SlowModel
) -> None:
    """What is not finished within the drain is released: here no lease ever runs out."""
    environment = {**model.environment, "PERDURE_LEASE_SECONDS": str(10 * PATIENCE_SECONDS)}
    told, other = _two(tmp_path, postgres_url, environment)
    client = Client([told.url], seed=0)
    with killed([told, other]):
        await told.start()
        await begin(client, _RUNS)
        await _all_at_work(watcher, model)
        await other.start()
        assert await told.end(signal.SIGTERM) == 0
        (released,) = [line for line in told.lines() if line["event"] == "runs_released"]
        assert released["count"] == _RUNS
        model.go_on.set()
        await watcher.until(
            "SELECT status, epoch, COUNT(*) FROM runs GROUP BY status, epoch",
            [("completed", 2, _RUNS)],
        )
        await client.close()
    assert (told.bugs(), other.bugs()) == ([], [])
    with storage.snapshot(postgres_url, Path()) as tx:
        assert list(invariants.check(tx)) == []
