"""What a session uses, as the host sees it: the processes and files of one pid namespace.

The limits of a single process are the kernel's. What all of them use together is measured here,
because control groups are not to be had everywhere.
"""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from perdure.sandbox.sandbox import MIB, Limits

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
# more than the kernel says in any of the files that are read
_MOST_READ = 65536
# each costs memory of the kernel that is counted nowhere else
_MOST_ENTRIES = 100_000
_MOST_SOCKETS = 512


class Usage(NamedTuple):
    """`entries`: files and folders; `cpu_seconds`: of all processes there ever were."""

    processes: int
    memory_bytes: int
    entries: int
    sockets: int
    cpu_seconds: float


def measure(first: int, places: Sequence[int], limits: Limits) -> Usage:
    """What a session uses. `first` is its process 1, as the host numbers it; `places` are open
    folders, one of each of its file systems.
    """
    pids = list(processes(first))
    stored = entries = 0
    for place in places:
        seen = os.fstatvfs(place)
        stored += (seen.f_blocks - seen.f_bfree) * seen.f_frsize
        entries += seen.f_files - seen.f_ffree
    memory = stored + sum(_private(pid) for pid in pids)
    if memory > limits.memory_bytes:
        # pages that a fork shares were counted for each process; a closer look costs more
        memory = stored + sum(_share(pid) for pid in pids)
    cpu = sum(_cpu_seconds(pid) for pid in pids)
    return Usage(len(pids), memory, entries, _sockets(first), cpu)


def excess(usage: Usage, limits: Limits) -> str | None:
    """What is over its limit, in a sentence; None if nothing is."""
    if usage.memory_bytes > limits.memory_bytes:
        return f"It used more than the {limits.memory_bytes // MIB} MiB of memory that it may use."
    if usage.entries > _MOST_ENTRIES:
        return f"It made more than {_MOST_ENTRIES} files and folders."
    if usage.sockets > _MOST_SOCKETS:
        return f"It opened more than {_MOST_SOCKETS} sockets."
    return None


def processes(pid: int) -> Iterator[int]:
    """A process and all below it: orphans become children of process 1 of their namespace."""
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  (as plain as it can be)
    except OSError:
        return
    for thread in threads:
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield from processes(int(child))


def goes_on(pid: int) -> bool:
    """Whether a process is there and neither stopped nor at its end."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2][1:2] not in set("TtZX") | {""}


def _private(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _share(pid: int) -> int:
    """Private memory, where what n processes share counts for a n-th; all of it if that cannot be
    read.
    """
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    return _private(pid)


def _cpu_seconds(pid: int) -> float:
    """Of a process, and of its children that have ended."""
    # the name of the program, in brackets, may hold anything
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _sockets(pid: int) -> int:
    fields = _read(f"/proc/{pid}/net/sockstat").split()
    return int(fields[2]) if len(fields) > 2 else 0


def _read(path: str) -> str:
    """Empty when the process has ended meanwhile. Often called, so it is as plain as it can be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, _MOST_READ).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    except OSError:
        return ""
