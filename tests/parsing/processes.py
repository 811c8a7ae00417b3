"""Looks at the processes that parse, from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.patience import PATIENCE_SECONDS

_MODULE = "perdure.parsing.fork_server"


def fork_server(server: psutil.Process | None = None) -> psutil.Process:
    """The process that a server, or the tests, started last to parse files."""
    children = (server or psutil.Process()).children()
    found = [each for each in children if _MODULE in each.cmdline()]
    return max(found, key=psutil.Process.create_time)


def holding(path: Path) -> list[psutil.Process]:
    """The children of that process that have the file open."""
    return [
        each
        for each in fork_server().children()
        if str(path) in [file.path for file in each.open_files()]
    ]


@contextmanager
def ending(processes: list[psutil.Process]) -> Iterator[None]:
    """The processes live, and end with what is done inside."""
    assert processes
    assert [each for each in processes if not each.is_running()] == []
    yield
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    assert alive == []
