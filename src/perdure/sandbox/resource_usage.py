"""Measurement of a session's resources, as the host sees them: the processes and files of one pid
namespace.

The kernel enforces the limits of a single process. The use of all of them together is measured
here, because control groups are not available everywhere. The measured code decides how much a
measurement costs: so it is done in a thread, and its cost is measured itself.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from perdure.sandbox.sandbox import MIB, SessionLimits

_TICKS = os.sysconf("SC_CLK_TCK")
# what is where in /proc/PID/stat, behind the name; `_CPU`: its own, and that of its ended children
_STATE, _CPU, _THREADS, _START = 0, slice(11, 15), 17, 19
# more than the kernel says in most of the files that are read
_MOST_READ = 65536
# the length of a list with too many watches
_MOST_LISTED = 2 * MIB
# each costs memory of the kernel that is counted nowhere else
_MOST_ENTRIES = 100_000
_MOST_SOCKETS = 512
# the kernel has so many for each user, who may be the server's too
_MOST_WATCHES = 16384
NOT_MEASURED = "What it used could not be measured in time."
# of computing, for one look
_MOST_EFFORT_SECONDS = 0.5


class ResourceUsage(NamedTuple):
    """Resources in use. `entries`: files and folders; `watches`: descriptors that epoll watches;
    `cpu_seconds`: of all processes since the first measurement, about; `effort_seconds`: CPU time
    of the measurement itself.
    """

    processes: int
    memory_bytes: int
    entries: int
    sockets: int
    watches: int
    cpu_seconds: float
    effort_seconds: float


class ResourceMeter:
    """Measures one session again and again, from any thread, one measurement at a time.

    `first` is its process 1, as the host numbers it; `places` are open folders, one of each of its
    file systems.
    """

    def __init__(self, first: int, places: Sequence[int], limits: SessionLimits) -> None:
        self._first = first
        self._places = places
        self._limits = limits
        self._cpu_seconds = 0.0
        # at the last look; a process is its number and its start, as numbers are used again
        self._known: dict[tuple[int, str], float] = {}
        self._looked_at = time.monotonic()

    def look(self) -> ResourceUsage:
        begun = time.thread_time()
        stats = {pid: stat for pid in processes(self._first) if (stat := _stat(pid))}
        stored = entries = 0
        for place in self._places:
            seen = os.fstatvfs(place)
            stored += (seen.f_blocks - seen.f_bfree) * seen.f_frsize
            entries += seen.f_files - seen.f_ffree
        self._cpu_seconds += self._spent(stats)
        alive = [_alive(pid, stat) for pid, stat in stats.items()]
        memory = stored + sum(_memory(pid) for pid in alive)
        if memory > self._limits.memory_bytes:
            # pages that a fork shares were counted for each process; a closer look costs more
            memory = stored + _shared_memory(alive, until=begun + _MOST_EFFORT_SECONDS)
        return ResourceUsage(
            processes=len(stats),
            memory_bytes=memory,
            entries=entries,
            sockets=_sockets(self._first),
            watches=sum(_watches(pid) for pid in alive),
            cpu_seconds=self._cpu_seconds,
            effort_seconds=time.thread_time() - begun,
        )

    def _spent(self, stats: Mapping[int, list[str]]) -> float:
        """Returns the CPU time since the last measurement, in seconds. That of a child counts again
        when its parent waits for it. That of one for which no process waits is lost with it.
        """
        now = time.monotonic()
        known: dict[tuple[int, str], float] = {}
        spent, busy = 0.0, 0
        for pid, stat in stats.items():
            process = (pid, stat[_START])
            known[process] = sum(int(ticks) for ticks in stat[_CPU]) / _TICKS
            spent += max(known[process] - self._known.get(process, 0.0), 0.0)
            # the first thread may sleep, or have ended, while others work
            if process not in self._known and (stat[_STATE] == "R" or int(stat[_THREADS]) > 1):
                busy += 1
        elapsed = now - self._looked_at
        self._known, self._looked_at = known, now
        # Processes that live shorter than from look to look are hardly seen: each one that is new
        # and at work stands for those that were there before it.
        return max(spent, min(busy, os.cpu_count() or 1) * elapsed)


def excess(usage: ResourceUsage, limits: SessionLimits) -> str | None:
    """Returns a sentence that says which limit is exceeded; None if none is."""
    if usage.effort_seconds > _MOST_EFFORT_SECONDS:
        return NOT_MEASURED
    if usage.memory_bytes > limits.memory_bytes:
        return f"It used more than the {limits.memory_bytes // MIB} MiB of memory that it may use."
    if usage.entries > _MOST_ENTRIES:
        return f"It made more than {_MOST_ENTRIES} files and folders."
    if usage.sockets > _MOST_SOCKETS:
        return f"It opened more than {_MOST_SOCKETS} sockets."
    if usage.watches > _MOST_WATCHES:
        return f"It watches more than {_MOST_WATCHES} descriptors."
    return None


def processes(pid: int) -> Iterator[int]:
    """Yields a process and all below it: orphans become children of process 1 of their
    namespace.
    """
    yield pid
    for thread in _threads(pid):
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield from processes(int(child))


def is_running(pid: int) -> bool:
    """Returns true if a process is there and neither stopped nor at its end."""
    return _state(pid) not in ("T", "t", "Z", "X", "")


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  (as plain as it can be)
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """Returns the fields of a process's state; empty when it has ended meanwhile."""
    # the name of the program, in brackets, may hold anything
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _state(pid: int) -> str:
    return "".join(_stat(pid)[:1])


def _alive(pid: int, stat: Sequence[str]) -> int:
    """Returns the process, or one of its threads where the first has ended: through that one
    nothing can be read of the resources.
    """
    if stat[_STATE] != "Z":
        return pid
    threads = (int(thread) for thread in _threads(pid))
    return next((thread for thread in threads if _state(thread) not in ("Z", "X", "")), pid)


def _memory(pid: int) -> int:
    """Returns the bytes of private memory, resident or swapped out, and of the page tables."""
    return _sum_of(f"/proc/{pid}/status", ("RssAnon:", "VmSwap:", "VmPTE:"))


def _shared_memory(pids: Iterable[int], *, until: float) -> int:
    """Returns the memory of all processes in bytes, where memory that n of them share counts as a
    n-th for each. Processes that are not reached before `until`, in CPU time of this thread, count
    in full.
    """
    memory = 0
    for pid in pids:
        share = 0
        if time.thread_time() < until:
            share = _sum_of(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "SwapPss:"))
        # it may not be let see
        memory += share + _sum_of(f"/proc/{pid}/status", ("VmPTE:",)) if share else _memory(pid)
    return memory


def _sum_of(path: str, names: Sequence[str]) -> int:
    """Returns the bytes that some lines state in KiB."""
    lines = (line.split() for line in _read(path).splitlines() if line.startswith(tuple(names)))
    return sum(int(line[1]) * 1024 for line in lines)


def _watches(pid: int) -> int:
    """Returns the number of descriptors that are watched by means of epoll."""
    count = 0
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")  # noqa: PTH115
            if target == "anon_inode:[eventpoll]":
                listed = _read(f"/proc/{pid}/fdinfo/{descriptor}", most=_MOST_LISTED)
                count += listed.count("tfd:")
    except OSError:
        pass  # it ended meanwhile, or may not be seen
    return count


def _sockets(pid: int) -> int:
    fields = _read(f"/proc/{pid}/net/sockstat").split()
    return int(fields[2]) if len(fields) > 2 else 0


def _read(path: str, *, most: int = _MOST_READ) -> str:
    """Returns a file of /proc; empty when the process has ended meanwhile. Often called, so it is
    as plain as it can be.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, most).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    except OSError:
        return ""
