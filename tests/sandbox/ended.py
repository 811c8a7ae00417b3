"""Processes that have to end."""

import os
import select
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.patience import PATIENCE_SECONDS


def handles_of(pids: Iterable[int]) -> dict[int, int]:
    """A descriptor of each process, and its id: the id may become another's, the descriptor not."""
    handles = {}
    for pid in pids:
        with suppress(ProcessLookupError):
            handles[os.pidfd_open(pid)] = pid
    return handles


def wait_until_gone(left: dict[int, int]) -> None:
    """Until none of the processes is left."""
    poller = select.poll()
    for descriptor in left:
        poller.register(descriptor, select.POLLIN)
    while left:
        ended = poller.poll(PATIENCE_SECONDS * 1000)
        assert ended, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left.values()]
        for descriptor, _ in ended:
            poller.unregister(descriptor)
            os.close(descriptor)
            del left[descriptor]


def at_work(handles: dict[int, int]) -> list[int]:
    """Which of the processes have not ended; one that nobody has reaped yet has.

    To be asked once.
    """
    poller = select.poll()
    for descriptor in handles:
        poller.register(descriptor, select.POLLIN)
    ended = {descriptor for descriptor, _ in poller.poll(0)}
    for descriptor in handles:
        os.close(descriptor)
    return [pid for descriptor, pid in handles.items() if descriptor not in ended]
