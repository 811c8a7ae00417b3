"""Two servers on one PostgreSQL: whatever happens to one of them, the other goes on."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perdure import store
from perdure.commands import invariants
from tests.durability.campaign import Campaign
from tests.durability.client import Client
from tests.durability.nodes import Node, killed, until

_CLIENTS = 12
_RUNS = 6


@pytest.fixture
def nodes(tmp_path: Path, postgres_url: str) -> list[Node]:
    """Two servers on one database; neither is started."""
    flags = ("--database-url", postgres_url)
    return [Node(tmp_path / "a", *flags), Node(tmp_path / "b", *flags)]


async def test_two_servers_killed_and_stopped_in_turn_under_load_lose_nothing(
    nodes: list[Node], postgres_url: str
) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    async with Campaign(nodes, seed=seed, clients=_CLIENTS, url=postgres_url) as campaign:
        for how in (signal.SIGKILL, signal.SIGTERM):
            await asyncio.sleep(chance.uniform(0.3, 1.2))
            code = await chance.choice(nodes).restart(how, after=chance.uniform(0, 2))
            assert code == (0 if how == signal.SIGTERM else -how)
    assert campaign.findings == ""
    assert campaign.runs >= _CLIENTS


class Watcher:
    """Looks into the database beside the servers."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def all(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.execute(sql).fetchall()

    async def until(self, sql: str, expected: list[tuple[object, ...]]) -> None:
        """Waits until the query finds this."""
        await until(lambda: self.all(sql) == expected)

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
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


async def begin(client: Client, runs: int, prompt: str) -> set[str]:
    """So many runs on threads of their own; their ids."""
    assistant = await client.ask("POST", "/assistants", {"model": "scripted"})
    thread = {"messages": [{"role": "user", "content": prompt}]}
    body = {"assistant_id": assistant.body["id"], "thread": thread}
    return {(await client.ask("POST", "/threads/runs", body)).body["id"] for _ in range(runs)}


def lost_leases(node: Node) -> set[str]:
    return {line["run_id"] for line in node.lines() if line["event"] == "lease_lost"}


async def test_a_worker_that_hangs_is_replaced_and_writes_nothing_when_it_wakes(
    nodes: list[Node], postgres_url: str, watcher: Watcher
) -> None:
    """Its model calls go on as if nothing had been; each of its writes is refused."""
    hung, other = nodes
    client = Client([hung.url], seed=0)
    with killed(nodes):
        await asyncio.gather(hung.start(), other.start())
        runs = await begin(client, _RUNS, "wait 100 ms\nsay 40 words")
        await watcher.until(
            "SELECT epoch, COUNT(DISTINCT owner), COUNT(*) FROM runs "
            "WHERE status = 'in_progress' GROUP BY epoch",
            [(1, 1, _RUNS)],
        )
        hung.send(signal.SIGSTOP)
        await watcher.until(
            "SELECT status, epoch, COUNT(*) FROM runs GROUP BY status, epoch",
            [("completed", 2, _RUNS)],
        )
        before = watcher.everything()
        hung.send(signal.SIGCONT)
        await until(lambda: lost_leases(hung) == runs)
        assert watcher.everything() == before
        assert {"execution_broke", "turn_broke"}.isdisjoint(hung.bugs())
        # It is of use again.
        await begin(client, 1, "say: Hello")
        await watcher.until(
            "SELECT status, COUNT(*) FROM runs GROUP BY status", [("completed", _RUNS + 1)]
        )
        await client.close()
    with store.snapshot(postgres_url, Path()) as tx:
        assert list(invariants.check(tx)) == []


async def test_a_server_told_to_stop_hands_its_runs_to_the_other(
    nodes: list[Node], postgres_url: str, watcher: Watcher
) -> None:
    """What is not finished within the drain is released; no lease has to run out."""
    told, other = nodes
    client = Client([told.url], seed=0)
    with killed(nodes):
        await asyncio.gather(told.start(), other.start())
        await begin(client, _RUNS, "wait 100 ms\nsay 40 words")
        await watcher.until(
            "SELECT status, COUNT(*) FROM runs GROUP BY status", [("in_progress", _RUNS)]
        )
        assert await told.end(signal.SIGTERM) == 0
        (released,) = [line for line in told.lines() if line["event"] == "runs_released"]
        assert released["count"] == _RUNS
        await watcher.until(
            "SELECT status, epoch, COUNT(*) FROM runs GROUP BY status, epoch",
            [("completed", 2, _RUNS)],
        )
        await client.close()
    assert (told.bugs(), other.bugs()) == ([], [])
    with store.snapshot(postgres_url, Path()) as tx:
        assert list(invariants.check(tx)) == []
