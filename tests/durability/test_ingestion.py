"""Files that are read while their server is killed: every one ends, none is found twice."""

import random
import signal
from pathlib import Path

from tests.durability.ingestion import campaign
from tests.durability.nodes import Node

_CLIENTS = 3


async def test_a_kill_in_the_middle_doubles_and_loses_nothing(tmp_path: Path) -> None:
    """`make soak` does this a hundred times."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    node = Node(tmp_path)
    async with campaign([node], seed=seed, clients=_CLIENTS) as findings:
        await findings.progress(chance.randint(1, 3))
        await node.restart(signal.SIGKILL)
    assert str(findings) == ""
    assert findings.ended.total() > 0
