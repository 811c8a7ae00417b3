"""The server may be killed at any moment: nothing that ran in its sandboxes outlives it.

Nor does what it no longer wants.
"""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from perdure.sandbox import resource_usage
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import SessionLimits
from tests.sandbox.ended import handles_of, wait_until_gone


def test_a_server_that_is_killed_leaves_no_process_behind() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.killed_server"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    first = int(server.stdout.readline())
    processes = list(resource_usage.processes(server.pid))
    assert first in processes
    assert len(processes) >= 6
    handles = handles_of(processes)
    server.send_signal(signal.SIGKILL)
    wait_until_gone(handles)
    server.wait()
    server.stdout.close()


def _marked(mark: int) -> set[int]:
    """Processes of everybody whose command line has this number in it."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(mark).encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return found


@pytest.mark.parametrize("processes", [0, 1, 2, 3, 4])
async def test_a_start_that_is_cancelled_leaves_no_process_behind(processes: int) -> None:
    """When so many of its processes are there; none of them may go on alone."""
    mark = 10_000_000_000 + os.getpid() * 10 + processes
    sandbox = LocalSandbox(SessionLimits(text_bytes=mark), warm=False)
    starting = asyncio.create_task(sandbox.start())
    begun: set[int] = set()
    while len(begun) < processes:
        await asyncio.sleep(0)
        begun = _marked(mark)
    starting.cancel()
    await asyncio.wait({starting})
    assert starting.cancelled()
    wait_until_gone(handles_of(_marked(mark)))
    assert _marked(mark) == set()
