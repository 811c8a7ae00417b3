"""One server on SQLite, killed again and again under load: nothing is lost and nothing doubled."""

import asyncio
import random
import signal
from pathlib import Path

from tests.durability.campaign import Campaign
from tests.durability.nodes import Node


async def test_a_server_killed_at_random_moments_under_load_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    node = Node(tmp_path)
    async with Campaign([node], seed=seed, clients=16) as campaign:
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            await asyncio.sleep(chance.uniform(0.3, 1.2))
            await node.end(how)
            await node.start()
    assert campaign.findings == ""
    assert campaign.runs > 20
