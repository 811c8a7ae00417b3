"""`make failover`: the PostgreSQL of two servers is killed under load, and its standby promoted.

    python -m tests.durability.failover [--runs N] [--times N]

The standby streams, and commits wait for it. The servers are given both, with
`target_session_attrs=read-write`. The primary is killed while runs go on, and the standby is
promoted. Then the servers must find it, hear of each other again, and bring every run to its end;
whatever a client was told is there. The exit code is 1 if something was lost or broken.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.databases import PostgresServer
from tests.durability.campaign import Campaign
from tests.durability.nodes import Node
from tests.patience import until

_CLIENTS = 12


class Failover:
    """One of them; `seconds` is how long it took until new runs ended again."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer, folder: Path) -> None:
        self._primary, self._standby = primary, standby
        url = (
            f"postgresql://postgres@/failover?host={primary.folder},{standby.folder}"
            "&target_session_attrs=read-write"
        )
        self._nodes = [Node(folder / name, "--database-url", url) for name in "ab"]
        self.seed = random.randrange(10**9)
        self._url = url
        self.seconds = 0.0

    async def run(self, runs: int) -> Campaign:
        """So many runs before it and after it. Raises `AssertionError`."""
        campaign = Campaign(self._nodes, seed=self.seed, clients=_CLIENTS, url=self._url)
        async with campaign:
            await campaign.progress(runs)
            began = time.monotonic()
            await asyncio.to_thread(self._primary.kill)
            await asyncio.to_thread(self._standby.promote)
            # Each client may have one whose end it had heard of.
            await campaign.progress(_CLIENTS + 1)
            self.seconds = time.monotonic() - began
            await until(self._hear_of_each_other)
            await campaign.progress(runs)
        assert campaign.findings == "", campaign.findings
        return campaign

    def _hear_of_each_other(self) -> bool:
        return all("notifications_back" in self._logged(node) for node in self._nodes)

    def _logged(self, node: Node) -> list[str]:
        return [line["event"] for line in node.lines()]


async def _once(folder: Path, runs: int) -> None:
    primary = PostgresServer()
    standby = None
    try:
        primary.start()
        standby = primary.standby()
        primary.execute("CREATE DATABASE failover")
        primary.execute("ALTER DATABASE failover SET synchronous_commit = on")
        failover = Failover(primary, standby, folder)
        campaign = await failover.run(runs)
    finally:
        for server in (primary, standby):
            if server is not None:
                server.stop()
    print(
        f"failover: seed {failover.seed}, {campaign.runs} runs, "
        f"{campaign.load.lost_answers} answers lost, a new run ended "
        f"{failover.seconds:.1f} s after the primary was killed, broken: 0",
        flush=True,
    )


def main() -> int:
    """Runs it; the exit code."""
    parser = argparse.ArgumentParser(prog="make failover")
    parser.add_argument("--runs", type=int, default=60, help="runs before it, and after it")
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    for number in range(options.times):
        with tempfile.TemporaryDirectory(prefix="perdure-failover-") as folder:
            asyncio.run(_once(Path(folder, str(number)), options.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
