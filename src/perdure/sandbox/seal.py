"""A check that a sandbox which has just started is closed, as the host sees it. It is made at every
start, before any code of a user's is run.

`checkup.py` lets a probe try to get out; this only looks, and takes a few milliseconds.
"""

from pathlib import Path

from perdure.sandbox import resource_usage
from perdure.sandbox.bubblewrap import OUT_OF_MEMORY_SCORE

# process 1 and the program inside
_FEWEST = 2
_GOES_FIRST = str(OUT_OF_MEMORY_SCORE)
_NO_RIGHTS = "0" * 16
_RIGHTS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def flaw(first: int) -> str | None:
    """Returns what is wrong with the isolation; None if nothing is. `first` is process 1, as the
    host numbers it.
    """
    pids = list(resource_usage.processes(first))
    if len(pids) < _FEWEST:
        return "the kernel does not tell which processes there are in it (CONFIG_PROC_CHILDREN)"
    try:
        return next((found for pid in pids if (found := _flaw(pid))), None)
    except (OSError, KeyError) as error:
        return f"it cannot be looked at ({error})"


def _flaw(pid: int) -> str | None:
    lines = _read(pid, "status").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if status["Seccomp"] != "2":
        return "its system calls are not filtered"
    if status["NoNewPrivs"] != "1" or any(status[name] != _NO_RIGHTS for name in _RIGHTS):
        return "it has rights of the system"
    if _read(pid, "oom_score_adj").strip() != _GOES_FIRST:
        return "it does not go first when memory is short"
    devices = _read(pid, "net/dev").splitlines()
    # two lines of headings
    others = [line for line in devices[2:] if line.partition(":")[0].strip() != "lo"]
    return "it has a network" if others or _is_ours("net", pid) else None


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")


def _is_ours(namespace: str, pid: int) -> bool:
    """Returns true if the process is in the server's own namespace. It is false where the server
    may not know that, as in some containers.
    """
    try:
        return Path(f"/proc/{pid}/ns/{namespace}").samefile(f"/proc/self/ns/{namespace}")
    except PermissionError:
        return False
