"""Instructions of a run, counted by valgrind: a figure that other programs on the machine do not
change, where seconds of CPU differ by a tenth between two equal servers.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client, load
from bench.measures import Assistants
from bench.processes import Server

_WARM_RUNS, _CLIENTS = 60, 10
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def is_possible() -> bool:
    """Returns whether valgrind is there."""
    return which("valgrind") is not None


async def per_run(
    client: Client,
    model: Server,
    *,
    runs: int,
    database_url: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> float:
    """Returns the instructions that a server executes for one plain run of five tokens, all its
    threads and its upkeep meanwhile included.
    """
    with TemporaryDirectory(prefix="perdure-bench-") as folder:
        counts = Path(folder, "counts")
        counted = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}")
        with processes.perdure(
            model, database_url=database_url, settings=settings, under=counted
        ) as server:
            ask = (await Assistants.create(client, server)).ask(5, "once")
            await load(lambda: client.stream(ask), times=_WARM_RUNS, clients=_CLIENTS)
            _control(server, "--zero")
            await load(lambda: client.stream(ask), times=runs, clients=_CLIENTS)
            _control(server, "--dump")
        return _total(Path(f"{counts}.1")) / runs


def _total(dumped: Path) -> int:
    found = _TOTAL.search(dumped.read_text())
    if found is None:
        raise SystemExit("valgrind has counted nothing")
    return int(found[1])


def _control(server: Server, order: str) -> None:
    subprocess.run(
        ["callgrind_control", order, str(server.pid)],
        check=True,
        capture_output=True,
    )
