"""A process that parses outlives neither its server nor the one that forked it."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.parsing.processes import ending, fork_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of it")

# Holds a file open half way, and says so: the program that is killed.
_PROGRAM = """
import asyncio, sys
from pathlib import Path
from perdure.parsing.parser import Parser

async def main():
    async for batch in Parser().passages(Path(sys.argv[1]), "long.txt"):
        print(len(batch), flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.parametrize("victim", ["server", "fork server"])
def test_nothing_outlives_a_server_or_nursery_that_is_killed(long: Path, victim: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(long)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"100\n"
        parsing = fork_server(psutil.Process(server.pid))
        with ending([parsing, *parsing.children()]):
            (server if victim == "server" else parsing).kill()
        server.kill()
