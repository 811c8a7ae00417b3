"""The processes that parse: a fork server, started once by the server, and one child for each file.

Loading the libraries takes most of a second, and files are hostile. So the fork server loads them,
touches no file, and forks a child for each: it takes milliseconds, and a file meets a process that
no other file has seen. The child has limits on memory, processor time and written bytes.

The fork server's only input are sockets, one for each file, passed through the one that it was
started with. A child is killed when the server closes its end of the child's socket, and all of
them when the server is gone, however it went. POSIX only; macOS enforces no limit on memory.
"""

import ctypes
import gc
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

import msgspec

from perdure.parsing import text
from perdure.parsing.chunks import Chunk, chunks
from perdure.parsing.formats import Unparsable
from perdure.parsing.frames import (
    CHARACTERS_PER_BATCH,
    CHUNKS_PER_BATCH,
    LENGTH,
    Answer,
    ParsedChunks,
    ParsingEnd,
    ParsingRefusal,
    ParsingTask,
    frame,
)
from perdure.parsing.headings import heading_finder
from perdure.parsing.limits import MiB, ParsingLimits
from perdure.vocabulary import count, warm

_PR_SET_PDEATHSIG = 1
# All that the fork server ever says.
_READY = b"r"
_OPEN_FILES = 64
_LONGEST_TASK = 4096


class ForkServer:
    """Forks a child for each socket that comes in, and ends those that nobody waits for."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._woken, self._waker = os.pipe()
        # by process: our copy of its socket, which tells when the server closes the other end
        self._children: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Works until the server closes its end of the control socket, or is gone."""
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            while self._step():
                pass
        finally:
            for pid in self._children:
                os.kill(pid, signal.SIGKILL)

    def _step(self) -> bool:
        """Waits for one thing to happen and deals with it; whether the server is still there."""
        watched = select.poll()
        watched.register(self._control, select.POLLIN)
        watched.register(self._woken, select.POLLIN)
        for connection in self._children.values():
            watched.register(connection, 0)  # told only of the other end's closing
        happened = {descriptor for descriptor, _ in watched.poll()}
        for pid, connection in self._children.items():
            if connection.fileno() in happened:
                os.kill(pid, signal.SIGKILL)
        if self._woken in happened:
            os.read(self._woken, 512)
            self._reap()
        return self._control.fileno() not in happened or self._fork()

    def _reap(self) -> None:
        # the server sees the end of a child when our copy of its socket is closed too
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.pop(pid).close()

    def _fork(self) -> bool:
        word, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not word:
            return False
        connection = socket.socket(fileno=descriptors[0])
        self._children[_fork(lambda: self._parse(connection))] = connection
        return True

    def _parse(self, connection: socket.socket) -> None:
        """Parses one file, in a child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (self._control, *self._children.values()):
            other.close()
        with suppress(ConnectionError):  # the server wants no more
            _serve(connection)


def _fork(work: Callable[[], None]) -> int:
    """The id of a new child, which does the work and ends with 0, or with 1 if it fails."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    # Here it never returns, whatever happens: there must not be two fork servers.
    code, stderr = 1, os.dup(sys.stderr.fileno())
    try:
        _die_with(parent)
        work()
        code = 0
    except BaseException:
        with os.fdopen(stderr, "w") as told:
            traceback.print_exc(file=told)
    finally:
        os._exit(code)


def _serve(connection: socket.socket) -> None:
    sent, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_TASK, 1)
    if not sent:
        return  # given up before it began
    task = msgspec.msgpack.decode(sent[LENGTH:], type=ParsingTask)
    _limit(task.limits)
    with os.fdopen(descriptors[0], "rb") as file:
        for answer in _answers(task, file):
            connection.sendall(frame(answer))


def _answers(task: ParsingTask, file: BinaryIO) -> Iterator[Answer]:
    try:
        yield from map(ParsedChunks, _batches(_chunks(task, file)))
        yield ParsingEnd()
    except Unparsable as unparsable:
        yield ParsingRefusal(unparsable.message, unparsable.code)
    except MemoryError:
        yield ParsingRefusal(
            "The file could not be parsed: it takes more than "
            f"{task.limits.memory_bytes // MiB:,} MiB of memory.",
            "invalid_file",
        )


def _batches(found: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    batch: list[Chunk] = []
    characters = 0
    for chunk in found:
        batch.append(chunk)
        characters += len(chunk.text)
        if len(batch) == CHUNKS_PER_BATCH or characters >= CHARACTERS_PER_BATCH:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _chunks(task: ParsingTask, file: BinaryIO) -> Iterator[Chunk]:
    limits = task.limits
    parsed = text.extract(file, extension=task.extension, limits=limits)
    if count(parsed.text) > limits.tokens:
        raise Unparsable(
            f"The file could not be parsed: it has more than {limits.tokens:,} tokens."
        )
    yield from chunks(
        parsed.text,
        max_tokens=task.max_tokens,
        overlap=task.overlap,
        heading_at=heading_finder(parsed, task.max_tokens),
    )


def _die_with(parent: int) -> None:
    """The child outlives no fork server, not even one that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _limit(limits: ParsingLimits) -> None:
    """Sets the limits that the operating system holds the child to.

    Not the number of processes: it is counted for the whole user, and counts threads.
    """
    # where a library writes to stderr, the file speaks
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))


def main(descriptor: int) -> None:
    """Runs the fork server on the socket that it was started with. Without a word that it is ready
    it has failed.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # it ends when the server does, which may take its time to drain
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.chdir("/")  # so that it keeps no folder of the server's in use
    warm()
    # so that collecting garbage in a child does not copy what it shares with the fork server
    gc.freeze()
    control = socket.socket(fileno=descriptor)
    control.sendall(_READY)
    ForkServer(control).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
