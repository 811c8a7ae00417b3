"""The command line of bubblewrap, with all that isolates a session.

Where the server runs as root, bubblewrap is run as an ordinary user all the same: root's processes
are not counted by the kernel's limits, and a hole in the sandbox would be root's.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from perdure.errors import ConfigurationError
from perdure.sandbox.runtime import Runtime
from perdure.sandbox.sandbox import MIB, SessionLimits

SCRATCH_BYTES = 256 * MIB
_SHARED_BYTES = 64 * MIB
_STATE_BYTES = 16 * MIB
# `nobody`, or any user that may do nothing
_NOBODY = 65534
_USER = 1000
_OLDEST = (0, 8)
# namespaces of its own, without any rights in them
_APART = (
    *("--unshare-user", "--disable-userns", "--unshare-ipc", "--unshare-pid"),
    *("--unshare-net", "--unshare-uts", "--unshare-cgroup"),
    *("--uid", str(_USER), "--gid", str(_USER), "--hostname", "sandbox"),
    *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv"),
)
# A process with this score is what the kernel ends first when the machine is short of memory.
OUT_OF_MEMORY_SCORE = 1000
# All its descendants have the score. Inside, nobody can write there any more.
_GOES_FIRST = (
    *("/bin/sh", "-c", 'echo "$0" >/proc/self/oom_score_adj && exec "$@"'),
    str(OUT_OF_MEMORY_SCORE),
)


class Tools(NamedTuple):
    """The programs that isolate."""

    bwrap: str
    # gives up root's rights; None where the server is an ordinary user
    setpriv: str | None


def find() -> Tools:
    """Finds the programs that isolate. Raises `ConfigurationError` where they are missing or too
    old.
    """
    if sys.platform != "linux":
        raise ConfigurationError("The code interpreter needs Linux: nothing else can isolate it.")
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise ConfigurationError(
            "The code interpreter needs bubblewrap, which is not installed: apt install "
            "bubblewrap, dnf install bubblewrap, or whatever your system has."
        )
    said = subprocess.run([bwrap, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"(\d+)\.(\d+)", said.stdout)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise ConfigurationError(
            f"The code interpreter needs bubblewrap 0.8 or newer; {bwrap} says "
            f"{said.stdout.strip() or said.stderr.strip()!r}."
        )
    setpriv = shutil.which("setpriv") if os.getuid() == 0 else None
    if os.getuid() == 0 and setpriv is None:
        raise ConfigurationError(
            "The code interpreter of a server that runs as root needs the program setpriv "
            "(util-linux): install it, or run Perdure as an ordinary user."
        )
    return Tools(bwrap, setpriv)


def try_out(tools: Tools, runtime: Runtime) -> None:
    """Runs a program that does nothing in new namespaces. Raises `ConfigurationError` where that is
    not permitted.
    """
    arguments = [*_APART, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    with os.fdopen(os.memfd_create("perdure"), "wb+", buffering=0) as written:
        written.write("\0".join([*arguments, ""]).encode())
        written.seek(0)
        said = subprocess.run(  # noqa: S603
            command(tools, runtime, arguments=written.fileno(), program=["/bin/true"]),
            capture_output=True,
            text=True,
            errors="replace",
            env={},
            cwd="/",
            pass_fds=[written.fileno()],
            check=False,
        )
    if said.returncode:
        raise ConfigurationError(
            "The code interpreter's sandbox does not start on this machine: "
            + (said.stderr.strip().rpartition("\n")[2] or "it said nothing")
        )


def isolation(runtime: Runtime, limits: SessionLimits, *, data: Mapping[str, int]) -> list[str]:
    """Returns bubblewrap's arguments for one session. `data`: file descriptors by the path at which
    their content is seen as a file.
    """
    arguments = [*_APART]
    for name, value in runtime.environment.items():
        arguments += ["--setenv", name, value]
    for source, place in runtime.binds:
        arguments += ["--ro-bind", str(source), place]
    for root, target in runtime.links:
        arguments += ["--symlink", target, str(root)]
    for place in runtime.hidden:
        arguments += ["--perms", "0555", "--tmpfs", place, "--remount-ro", place]
    # Shared memory from /dev/zero would belong to no process, and be counted nowhere.
    arguments += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "/dev/null", "/dev/zero"]
    for place, size in (
        ("/dev/shm", _SHARED_BYTES),  # noqa: S108
        ("/mnt/data", limits.disk_bytes),
        ("/run", _STATE_BYTES),
        ("/tmp", SCRATCH_BYTES),  # noqa: S108
    ):
        arguments += ["--perms", "0700", "--size", str(size), "--tmpfs", place]
    for path, descriptor in data.items():
        kind = "--file" if path.startswith("/run/") else "--ro-bind-data"
        arguments += ["--perms", "0644", kind, str(descriptor), path]
    # The writable files of /proc are for processes to change themselves, such as that they go
    # first when memory is short, and the memory of others.
    for place in ("/proc", "/dev", "/"):
        arguments += ["--remount-ro", place]
    return [*arguments, "--chdir", "/opt"]


def command(tools: Tools, runtime: Runtime, *, arguments: int, program: list[str]) -> list[str]:
    """Returns the command line. Other users can see it in the list of processes, so it holds no
    setting of the session.

    `arguments` is the descriptor of a file that holds those of `isolation`.
    """
    inner = [tools.bwrap, "--args", str(arguments), "--", *program]
    if tools.setpriv is None:
        return [*_GOES_FIRST, *inner]
    return [
        *_GOES_FIRST,
        *(tools.bwrap, "--die-with-parent", "--dev-bind", "/", "/"),
        *_reachable(source for source, _ in runtime.binds),
        *("--", tools.setpriv, "--reuid", str(_NOBODY), "--regid", str(_NOBODY)),
        *("--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"),
        *("--", *inner),
    ]


def _reachable(sources: Iterator[Path]) -> Iterator[str]:
    """Returns arguments that show what lies behind folders that only root may enter, such as a
    Python in /root. The folder itself is replaced with an empty one, for bubblewrap only.
    """
    covered: set[Path] = set()
    for source in sources:
        parents = list(reversed(source.parents))
        closed = next((path for path in parents if not path.stat().st_mode & 0o001), None)
        if closed is None:
            continue
        if closed not in covered:
            covered.add(closed)
            yield from ("--tmpfs", str(closed))
        for folder in parents[parents.index(closed) + 1 :]:
            yield from ("--perms", "0755", "--dir", str(folder))
        yield from ("--ro-bind", str(source), str(source))
