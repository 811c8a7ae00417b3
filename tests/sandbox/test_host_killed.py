"""The server may be killed at any moment: nothing that ran in its sandboxes outlives it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from perdure.sandbox import watch


def test_a_server_that_is_killed_leaves_no_process_behind() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.killed_server"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    first = int(server.stdout.readline())
    processes = list(watch.processes(server.pid))
    assert first in processes
    assert len(processes) >= 6
    left = {os.pidfd_open(pid): pid for pid in processes}
    server.send_signal(signal.SIGKILL)
    poller = select.poll()
    for descriptor in left:
        poller.register(descriptor, select.POLLIN)
    while left:
        ended = poller.poll(10_000)
        assert ended, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left.values()]
        for descriptor, _ in ended:
            poller.unregister(descriptor)
            os.close(descriptor)
            del left[descriptor]
    server.wait()
    server.stdout.close()
