"""`make soak`: the load with all faults at random, for as long as is asked; ten minutes by default.

Half of the time is for one server on SQLite, half for two servers on PostgreSQL. With `--servers`,
all of it is for so many servers on PostgreSQL, which is killed now and then too. Then servers are
killed while they read files (`soak_ingestion.py`), a hundred times by default. Each part ends with
one line; the exit code is 1 if an invariant was broken, or a run or a file was lost.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psycopg

from tests import server_logs
from tests.databases import PostgresServer
from tests.durability.campaign import Campaign
from tests.durability.nodes import Node
from tests.durability.soak_ingestion import IngestionSoak

_CLIENTS = 16
# A campaign is judged at its end, so that what is wrong is found near its cause.
_CAMPAIGN_SECONDS = 60.0

Fault = Callable[[Node, random.Random], Awaitable[None]]


async def _kill(node: Node, chance: random.Random) -> None:
    await node.restart(signal.SIGKILL, after=chance.uniform(0, 2))


async def _stop(node: Node, chance: random.Random) -> None:
    if await node.restart(signal.SIGTERM, after=chance.uniform(0, 2)) != 0:
        raise AssertionError(node.log.read_text())


async def _hang(node: Node, chance: random.Random) -> None:
    # Mostly beyond the lease; sometimes beyond what PostgreSQL lets a transaction idle.
    await node.hang(chance.choice((0.5, 2, 3, 4, 12)))


FAULTS: dict[str, Fault] = {"kill -9": _kill, "SIGTERM": _stop, "SIGSTOP": _hang}


class Soak:
    """What was done, and what came of it."""

    def __init__(self, *, seed: int) -> None:
        self.runs = 0
        self.broken: list[str] = []
        self.faults: Counter[str] = Counter()
        self._chance = random.Random(seed)

    async def campaign(
        self,
        nodes: Sequence[Node],
        seconds: float,
        *,
        url: str | None = None,
        database: PostgresServer | None = None,
    ) -> None:
        """Load and faults for so long, then the verdict."""
        seed = self._chance.randrange(10**9)
        until = time.monotonic() + seconds
        server_logs.forget()
        where = f"PostgreSQL, {len(nodes)} servers" if url else "SQLite"
        campaign = Campaign(nodes, seed=seed, clients=_CLIENTS, url=url)
        async with campaign:
            while time.monotonic() < until:
                await asyncio.sleep(self._chance.uniform(0.5, 5))
                await self._fault(nodes, url, database)
        self.runs += campaign.runs
        self.broken += campaign.findings.splitlines()
        _say(
            f"{where}, seed {seed}: {campaign.runs} runs, {dict(campaign.load.ended)}, "
            f"{campaign.load.lost_answers} answers lost, broken: {len(campaign.wrong)}; "
            f"{self.faults.total()} faults so far"
        )
        if campaign.wrong:
            _say(campaign.findings)
            for name, tail in server_logs.tails():
                _say(f"log of {name}\n{tail}")

    async def _fault(
        self, nodes: Sequence[Node], url: str | None, database: PostgresServer | None
    ) -> None:
        names = [*FAULTS, *(["kill -9 of all", "connections cut"] if url else [])]
        names += ["the database killed"] if database else []
        name = self._chance.choice(names)
        self.faults[name] += 1
        if database and name == "the database killed":
            await asyncio.to_thread(database.restart)
        elif name == "kill -9 of all":
            await asyncio.gather(*(_kill(node, self._chance) for node in nodes))
        elif url and name == "connections cut":
            await asyncio.to_thread(_cut, url)
        else:
            await FAULTS[name](self._chance.choice(nodes), self._chance)


def _cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def _sqlite(soak: Soak, folder: Path, seconds: float) -> None:
    await soak.campaign([Node(folder)], seconds)


async def _postgres(
    soak: Soak, folder: Path, seconds: float, server: PostgresServer, servers: int = 2
) -> None:
    server.execute(f"CREATE DATABASE {folder.name}")
    # A server that is killed loses what it has answered and not written; the disk need not have it.
    server.execute(f"ALTER DATABASE {folder.name} SET synchronous_commit = on")
    url = server.url(folder.name)
    nodes = [Node(folder / f"server{n}", "--database-url", url) for n in range(servers)]
    await soak.campaign(nodes, seconds, url=url, database=server if servers > 2 else None)


async def _all(
    soak: Soak, folder: Path, minutes: float, server: PostgresServer, servers: int
) -> None:
    until = time.monotonic() + minutes * 60
    number = 0
    while (left := until - time.monotonic()) > 1:
        seconds = min(_CAMPAIGN_SECONDS, left)
        number += 1
        if servers:
            name = f"postgres_{number}"
            await _postgres(soak, folder / name, seconds, server, servers)
        elif number % 2:
            await _sqlite(soak, folder / f"sqlite_{number}", seconds)
        else:
            await _postgres(soak, folder / f"postgres_{number}", seconds, server)


def main() -> int:
    """Runs the soak; the exit code."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=100, help="kills while files are read")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--servers", type=int, default=0, help="only so many, on PostgreSQL")
    options = parser.parse_args()
    _say(f"seed {options.seed}, {options.minutes:g} minutes, {options.kills} kills")
    server = PostgresServer()
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="perdure-soak-") as folder:
            broken = 0
            if options.minutes:
                broken += _soak_runs(Path(folder), options, server)
            if options.kills:
                broken += _soak_files(Path(folder), options.kills, options.seed, server)
    finally:
        server.stop()
    return 1 if broken else 0


def _soak_runs(folder: Path, options: argparse.Namespace, server: PostgresServer) -> int:
    """The first part; how much is broken."""
    soak, began = Soak(seed=options.seed), time.monotonic()
    asyncio.run(_all(soak, folder, options.minutes, server, options.servers))
    faults = ", ".join(f"{count} {name}" for name, count in sorted(soak.faults.items()))
    print(
        f"soak: {_minutes(began)} minutes, {soak.runs} runs, "
        f"{soak.faults.total()} faults ({faults}), broken: {len(soak.broken)}",
        flush=True,
    )
    return len(soak.broken)


def _soak_files(folder: Path, kills: int, seed: int, server: PostgresServer) -> int:
    """The second part; how much is broken."""
    soak, began = IngestionSoak(seed=seed, say=_say), time.monotonic()
    asyncio.run(soak.run(folder, kills, server))
    ended = ", ".join(f"{count} {end}" for end, count in sorted(soak.ended.items()))
    print(
        f"soak of files: {_minutes(began)} minutes, {soak.kills} kills, "
        f"{soak.ended.total()} files ({ended}), broken: {len(soak.broken)}",
        flush=True,
    )
    return len(soak.broken)


def _minutes(began: float) -> str:
    return f"{(time.monotonic() - began) / 60:.1f}"


def _say(what: str) -> None:
    print(f"soak: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
