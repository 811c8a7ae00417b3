"""One isolated set of processes: started with bubblewrap, measured, and ended as a whole."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from perdure.errors import ConfigurationError
from perdure.sandbox import bubblewrap, resource_usage, seccomp
from perdure.sandbox.bubblewrap import Tools
from perdure.sandbox.runtime import Runtime
from perdure.sandbox.sandbox import MIB, SessionLimits

_START_SECONDS = 60.0
# what hangs in the kernel for longer does not fork any more
_STOP_SECONDS = 1.0
_STOP_LOOK_SECONDS = 0.001
_PIPE_BYTES = 65536
# libraries reserve far more addresses than memory
_ADDRESSES_BYTES = 8192 * MIB
# the places that the program inside tells of, in this order; STATE is an index
_PLACES = ("/mnt/data", "/tmp", "/dev/shm", "/run")  # noqa: S108
STATE = 3
# a Python package, run with `-m`
_INSIDE = Path(__file__).with_name("inside")
PROGRAM = "/opt/inside/__main__.py"
_PASSWD = b"sandbox:x:1000:1000::/tmp:/bin/sh\n"
_GROUP = b"sandbox:x:1000:\n"
_NSSWITCH = b"passwd: files\ngroup: files\nhosts: files\n"


class _Begun(NamedTuple):
    """Processes that are about to be an enclosure. `said` is the pipe in which bubblewrap names
    them.
    """

    process: asyncio.subprocess.Process
    link: socket.socket
    said: int
    stderr: int


class Enclosure:
    """The processes of one session, and the host's end of their socket.

    When the server's process dies, however it dies, the kernel ends them all.
    """

    def __init__(
        self, begun: "_Begun", first: int, places: list[int], limits: SessionLimits, looks: Executor
    ) -> None:
        self.link = begun.link
        self.first = first
        self._process = begun.process
        self._stderr = begun.stderr
        self._places = places
        self._meter = resource_usage.ResourceMeter(first, places, limits)
        self._looks = looks
        self._look: asyncio.Future[resource_usage.ResourceUsage] | None = None
        self._descriptor = os.pidfd_open(first)
        # the kernel ends the first process only after all others
        self._gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._end)

    @classmethod
    async def start(
        cls,
        tools: Tools,
        runtime: Runtime,
        limits: SessionLimits,
        *,
        files: Mapping[str, bytes],
        warm: bool,
        looks: Executor,
    ) -> "Enclosure":
        """Starts the program inside; its socket is `link`. Raises `ConfigurationError`.

        `files`: contents of further files, by their path inside; they replace others. `warm`: the
        packages that most code imports are imported now. `looks`: threads for measurements that may
        take long.
        """
        beginning = asyncio.create_task(_begin(tools, runtime, limits, files=files, warm=warm))
        try:
            begun = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            begun = await beginning
            await _abandon(begun)
            os.close(begun.said)
            raise
        try:
            places = await _places(begun)
            first = int(json.loads(os.read(begun.said, _PIPE_BYTES))["child-pid"])
            return cls(begun, first, places, limits, looks)
        except BaseException:
            await _abandon(begun)
            raise
        finally:
            os.close(begun.said)

    async def usage(self) -> resource_usage.ResourceUsage:
        """Measures the resources in use; one call at a time."""
        loop = asyncio.get_running_loop()
        self._look = loop.run_in_executor(self._looks, self._meter.look)
        return await asyncio.shield(self._look)

    def files_of(self, place: int, folder: str) -> dict[str, bytes]:
        """Returns the small files of a folder that no untrusted code has written to yet, by their
        path inside.
        """
        found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._places[place])
        try:
            return {
                f"{_PLACES[place]}/{folder}/{name}": _read(name, found)
                for name in os.listdir(found)  # noqa: PTH208  (a path may lead elsewhere)
            }
        finally:
            os.close(found)

    def last_error_line(self) -> str:
        """Returns the last line on standard error. To be called before `close_stderr`."""
        return _tail(self._stderr)

    def close_stderr(self) -> None:
        """Stops reading standard error."""
        os.close(self._stderr)
        self._stderr = -1

    @property
    def is_gone(self) -> bool:
        """True if no process is left."""
        return self._gone.is_set()

    async def wait_until_gone(self) -> None:
        """Waits until no process is left."""
        await self._gone.wait()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._gone.set()

    async def kill(self) -> None:
        """Ends every process at once, and waits until they are gone. To be called once."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        await self.wait_until_gone()
        await self._process.wait()
        if self._look is not None:
            await asyncio.wait({self._look})  # it reads from what is closed now
        for descriptor in (self._descriptor, *self._places):
            os.close(descriptor)
        if self._stderr >= 0:
            self.close_stderr()


async def _begin(
    tools: Tools, runtime: Runtime, limits: SessionLimits, *, files: Mapping[str, bytes], warm: bool
) -> _Begun:
    with ExitStack() as kept, ExitStack() as given:
        link, theirs = socket.socketpair()
        kept.callback(link.close)
        given.callback(theirs.close)
        said, told = os.pipe()
        stderr, complaints = os.pipe()
        for ours, their in ((said, told), (stderr, complaints)):
            kept.callback(os.close, ours)
            given.callback(os.close, their)
        content = {
            **{f"/opt/inside/{path.name}": path.read_bytes() for path in _INSIDE.glob("*.py")},
            "/etc/passwd": _PASSWD,
            "/etc/group": _GROUP,
            "/etc/nsswitch.conf": _NSSWITCH,
            **files,
        }
        data = {path: given.enter_context(_file_of(held)) for path, held in content.items()}
        filter_ = given.enter_context(_file_of(_filter()))
        arguments = bubblewrap.isolation(runtime, limits, data=data)
        arguments += ["--seccomp", str(filter_), "--info-fd", str(told)]
        written = given.enter_context(_file_of("\0".join([*arguments, ""]).encode()))
        program = [runtime.python, "-m", "inside", str(theirs.fileno()), _chosen(limits, warm)]
        process = await asyncio.create_subprocess_exec(
            *bubblewrap.command(tools, runtime, arguments=written, program=program),
            # the environment of process 1 can be read inside, and has the working folder in it
            env={},
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=[*data.values(), filter_, written, told, theirs.fileno()],
            start_new_session=True,
        )
        kept.pop_all()
        return _Begun(process, link, said, stderr)


async def _abandon(begun: _Begun) -> None:
    await asyncio.shield(asyncio.to_thread(_end_all, begun))


def _end_all(begun: _Begun) -> None:
    """Ends processes that are about to be an enclosure. Bubblewrap's first process inside is not
    told of the end of its parent before it is set up: so all are stopped, found, and ended.
    """
    stopped: list[int] = []
    # its number may be another's once it has been waited for
    while begun.process.returncode is None and (
        found := set(resource_usage.processes(begun.process.pid)).difference(stopped)
    ):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        _wait_until_stopped(stopped)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        begun.link.shutdown(socket.SHUT_RDWR)  # somebody may still be waiting for it
    begun.link.close()
    os.close(begun.stderr)


def _wait_until_stopped(pids: Iterable[int]) -> None:
    """Waits until processes have stopped. One in the middle of a fork finishes it first, so all its
    children are to be seen only then.
    """
    latest = time.monotonic() + _STOP_SECONDS
    while any(resource_usage.is_running(pid) for pid in pids) and time.monotonic() < latest:
        time.sleep(_STOP_LOOK_SECONDS)


def _filter() -> bytes:
    try:
        return seccomp.program()
    except seccomp.NoFilter as error:
        raise ConfigurationError(
            f"The code interpreter has no system call filter: {error}."
        ) from None


def _chosen(limits: SessionLimits, warm: bool) -> str:
    """Returns the settings of the program inside as JSON. Each limit is hard: code in there cannot
    raise it.
    """
    return json.dumps(
        {
            "warm": warm,
            "limits": {
                "text_bytes": limits.text_bytes,
                "images": limits.images,
                "image_bytes": limits.image_bytes,
                "files": limits.files,
            },
            "rlimits": {
                # private memory that can be written to; over it, Python raises MemoryError
                "RLIMIT_DATA": limits.memory_bytes,
                # what cannot be written to needs little of it, but its page tables do
                "RLIMIT_AS": 4 * limits.memory_bytes + _ADDRESSES_BYTES,
                "RLIMIT_FSIZE": limits.disk_bytes,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_NPROC": limits.processes,
                "RLIMIT_CORE": 0,
                "RLIMIT_MEMLOCK": 0,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_SIGPENDING": 1024,
                "RLIMIT_RTPRIO": 0,
                "RLIMIT_NICE": 0,
                "RLIMIT_STACK": 8 * 1024 * 1024,
            },
        }
    )


@contextmanager
def _file_of(content: bytes) -> Iterator[int]:
    """Yields the descriptor of an open file without a name, to be read from its start."""
    with os.fdopen(os.memfd_create("perdure"), "wb+", buffering=0) as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


async def _places(begun: _Begun) -> list[int]:
    """Receives the folders that the program inside sends as soon as it has begun."""
    begun.link.settimeout(_START_SECONDS)
    with suppress(TimeoutError):
        _, places, _, _ = await asyncio.to_thread(socket.recv_fds, begun.link, 1, 8)
        if places:
            return places
    with suppress(ProcessLookupError):
        begun.process.kill()
    await begun.process.wait()
    raise ConfigurationError(
        "The code interpreter's sandbox does not start on this machine: "
        + (_tail(begun.stderr) or "it said nothing")
    )


def _tail(descriptor: int) -> str:
    """Returns the last line in a pipe."""
    os.set_blocking(descriptor, False)
    try:
        said = os.read(descriptor, _PIPE_BYTES).decode(errors="replace")
    except BlockingIOError:
        return ""
    return said.strip().rpartition("\n")[2]


def _read(name: str, folder: int) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()
