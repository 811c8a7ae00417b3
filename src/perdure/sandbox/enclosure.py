"""One isolated set of processes: started with bubblewrap, measured, and ended as a whole."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from perdure.errors import ConfigurationError
from perdure.sandbox import bubblewrap, seccomp, watch
from perdure.sandbox.bubblewrap import Tools
from perdure.sandbox.runtime import Runtime
from perdure.sandbox.sandbox import Limits

_START_SECONDS = 60.0
_PIPE_BYTES = 65536
# the places that the program inside tells of, in this order; STATE is an index
_PLACES = ("/mnt/data", "/tmp", "/dev/shm", "/run")  # noqa: S108
STATE = 3
PROGRAM = "/opt/inside.py"
_INSIDE = Path(__file__).with_name("inside.py")
_PASSWD = b"sandbox:x:1000:1000::/tmp:/bin/sh\n"
_GROUP = b"sandbox:x:1000:\n"
_NSSWITCH = b"passwd: files\ngroup: files\nhosts: files\n"


class Enclosure:
    """The processes of one session, and the host's end of their socket.

    When this process dies, however it dies, the kernel ends them all.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        first: int,
        *,
        link: socket.socket,
        places: list[int],
        stderr: int,
    ) -> None:
        self.link = link
        self._stderr = stderr
        self._process = process
        self.first = first
        self._places = places
        self._descriptor = os.pidfd_open(first)
        # the kernel ends the first process only after all others
        self._gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._end)

    @classmethod
    async def start(
        cls,
        tools: Tools,
        runtime: Runtime,
        limits: Limits,
        *,
        files: Mapping[str, bytes],
        warm: bool,
    ) -> "Enclosure":
        """Starts the program inside; its socket is `link`. Raises `ConfigurationError`.

        `files`: what else there is in there, by its path, or is there instead. `warm`: whether the
        packages that most code imports are imported now.
        """
        ours, theirs = socket.socketpair()
        with ExitStack() as opened:
            opened.callback(theirs.close)
            on_failure = opened.enter_context(ExitStack())
            on_failure.callback(ours.close)
            said, told = os.pipe()
            opened.callback(os.close, said)
            complaints, stderr = os.pipe()
            on_failure.callback(os.close, complaints)
            content = {
                PROGRAM: _INSIDE.read_bytes(),
                "/etc/passwd": _PASSWD,
                "/etc/group": _GROUP,
                "/etc/nsswitch.conf": _NSSWITCH,
                **files,
            }
            data = {path: opened.enter_context(_file_of(held)) for path, held in content.items()}
            filter_ = opened.enter_context(_file_of(_filter()))
            arguments = bubblewrap.isolation(runtime, limits, data=data)
            arguments += ["--seccomp", str(filter_), "--info-fd", str(told)]
            written = opened.enter_context(_file_of("\0".join([*arguments, ""]).encode()))
            command = bubblewrap.command(
                tools,
                runtime,
                arguments=written,
                program=[runtime.python, PROGRAM, str(theirs.fileno()), _chosen(limits, warm)],
            )
            process = await asyncio.create_subprocess_exec(
                *command,
                # the environment of process 1 can be read inside, and has the working folder in it
                env={},
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=[*data.values(), filter_, written, told, theirs.fileno()],
                start_new_session=True,
            )
            for descriptor in (told, stderr):
                os.close(descriptor)
            theirs.close()
            places = await _places(ours)
            if not places:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                raise ConfigurationError(
                    "The code interpreter's sandbox does not start on this machine: "
                    + (_tail(complaints) or "it said nothing")
                )
            first = int(json.loads(os.read(said, 4096))["child-pid"])
            on_failure.pop_all()
        return cls(process, first, link=ours, places=places, stderr=complaints)

    def usage(self, limits: Limits) -> watch.Usage:
        return watch.measure(self.first, self._places, limits)

    def files_of(self, place: int, folder: str) -> dict[str, bytes]:
        """The small files of a folder that no untrusted code has written to yet, by their path
        inside.
        """
        found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._places[place])
        try:
            return {
                f"{_PLACES[place]}/{folder}/{name}": _read(name, found)
                for name in os.listdir(found)  # noqa: PTH208  (a path may lead elsewhere)
            }
        finally:
            os.close(found)

    def complaint(self) -> str:
        """The last line on its standard error, until `deafen`."""
        return _tail(self._stderr)

    def deafen(self) -> None:
        """From here on, what is written to its standard error is for nobody."""
        os.close(self._stderr)
        self._stderr = -1

    @property
    def is_gone(self) -> bool:
        """Whether no process is left."""
        return self._gone.is_set()

    async def ended(self) -> None:
        """Until no process is left."""
        await self._gone.wait()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._gone.set()

    async def kill(self) -> None:
        """Ends every process at once, and waits until they are gone. To be called once."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        await self.ended()
        await self._process.wait()
        for descriptor in (self._descriptor, *self._places):
            os.close(descriptor)
        if self._stderr >= 0:
            self.deafen()


def _filter() -> bytes:
    try:
        return seccomp.program()
    except seccomp.NoFilter as error:
        raise ConfigurationError(
            f"The code interpreter has no system call filter: {error}."
        ) from None


def _chosen(limits: Limits, warm: bool) -> str:
    """What the program inside is told. Each limit is hard: code in there cannot raise it."""
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
                "RLIMIT_FSIZE": limits.disk_bytes,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_NPROC": limits.processes,
                "RLIMIT_CORE": 0,
                "RLIMIT_MEMLOCK": 0,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_SIGPENDING": 1024,
                "RLIMIT_STACK": 8 * 1024 * 1024,
            },
        }
    )


@contextmanager
def _file_of(content: bytes) -> Iterator[int]:
    """An open file without a name, read from its start."""
    with os.fdopen(os.memfd_create("perdure"), "wb+", buffering=0) as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


async def _places(link: socket.socket) -> list[int]:
    """The folders that the program inside sends as soon as it has begun; none if it has not."""
    link.settimeout(_START_SECONDS)
    try:
        _, places, _, _ = await asyncio.to_thread(socket.recv_fds, link, 1, 8)
    except TimeoutError:
        return []
    return places


def _tail(descriptor: int) -> str:
    """The last line of what a pipe holds."""
    os.set_blocking(descriptor, False)
    try:
        said = os.read(descriptor, _PIPE_BYTES).decode(errors="replace")
    except BlockingIOError:
        return ""
    return said.strip().rpartition("\n")[2]


def _read(name: str, folder: int) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()
