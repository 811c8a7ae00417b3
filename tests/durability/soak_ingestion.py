"""The second part of `make soak`: servers are killed so often while they read files.

A quarter of the kills makes a campaign, which is judged at its end; one server on SQLite and two on
one PostgreSQL take turns. Two servers of a database share the folder of contents.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.databases import PostgresServer
from tests.durability.ingestion import campaign
from tests.durability.nodes import Node

_CLIENTS = 6
_CAMPAIGNS = 4


class IngestionSoak:
    """What was done, and what came of it."""

    def __init__(self, *, seed: int, say: Callable[[str], None]) -> None:
        self.kills = 0
        self.ended: Counter[str] = Counter()
        self.broken: list[str] = []
        self._say = say
        self._chance = random.Random(seed)

    async def run(self, folder: Path, kills: int, server: PostgresServer) -> None:
        """Kills so often in all, or once more where two servers die at once."""
        for number in range(1, _CAMPAIGNS + 1):
            name = f"files_{number}"
            until = kills * number // _CAMPAIGNS
            if number % 2:
                await self._campaign([Node(folder / name)], until, None)
            else:
                server.execute(f"CREATE DATABASE {name}")
                url = server.url(name)
                nodes = [Node(folder / name, "--database-url", url) for _ in range(2)]
                await self._campaign(nodes, until, url)

    async def _campaign(self, nodes: list[Node], until: int, url: str | None) -> None:
        seed, before = self._chance.randrange(10**9), self.kills
        async with campaign(nodes, seed=seed, clients=_CLIENTS, url=url) as findings:
            while self.kills < until:
                await asyncio.sleep(self._chance.uniform(0.1, 2.5))
                some = self._chance.sample(nodes, self._chance.randint(1, len(nodes)))
                self.kills += len(some)
                after = self._chance.uniform(0, 0.5)
                await asyncio.gather(*(node.restart(signal.SIGKILL, after=after) for node in some))
        self.ended += findings.ended
        self.broken += str(findings).splitlines()
        self._say(
            f"files on {'PostgreSQL, 2 servers' if url else 'SQLite'}, seed {seed}: "
            f"{self.kills - before} kills, {findings.ended.total()} files, "
            f"{dict(findings.ended)}, broken: {len(findings.wrong)}"
        )
        if findings.wrong:
            self._say(str(findings))
