"""One server on SQLite, killed again and again under load: nothing is lost and nothing doubled."""

import random
import signal
from pathlib import Path

from tests.durability.campaign import Campaign
from tests.durability.nodes import Node

_CLIENTS = 16
_BEYOND_THE_LEASE = 1.5


async def test_a_server_killed_hung_and_stopped_under_load_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    node = Node(tmp_path)
    async with Campaign([node], seed=seed, clients=_CLIENTS) as campaign:
        for how in (signal.SIGKILL, signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):
            await campaign.progress(chance.randint(5, 40))
            if how == signal.SIGSTOP:
                await node.hang(_BEYOND_THE_LEASE)
            else:
                assert await node.restart(how) == (0 if how == signal.SIGTERM else -how)
    assert campaign.findings == ""
    assert campaign.runs >= _CLIENTS
