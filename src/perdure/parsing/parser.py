"""Files become chunks of text in processes of their own (`fork_server.py`), which may be killed.

The event loop only copies finished chunks, so that no file keeps a run waiting.
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import msgspec

from perdure import blocking_calls
from perdure.parsing.chunks import Chunk
from perdure.parsing.formats import Unparsable, supported
from perdure.parsing.frames import (
    LENGTH,
    LONGEST,
    Answer,
    ParsedChunks,
    ParsingRefusal,
    ParsingTask,
    frame,
)
from perdure.parsing.limits import MiB, ParsingLimits

# What the fork server is told for a child; the socket of the child comes along.
_FORK = b"f"
# All that a file can see: what the server's environment holds is secret.
_ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    # each heap of a thread would count against the limit of memory
    "MALLOC_ARENA_MAX": "2",
}

_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Parser:
    """Parses any number of files at once, a process for each.

    The fork server is started with the first file, which therefore takes a second longer, and ends
    with `close`. Whoever parses decides how many files at once: each may take the memory and the
    processor time of `limits`.
    """

    def __init__(self, limits: ParsingLimits | None = None) -> None:
        self._limits = limits or ParsingLimits()
        self._starting = asyncio.Lock()
        self._nursery: _Nursery | None = None

    def check(self, filename: str, size: int) -> None:
        """Raises `Unparsable` where name and size alone tell that the file is refused, so that
        nobody need fetch it.
        """
        supported(filename)
        self._limits.check_size(size)

    async def passages(
        self, path: Path, filename: str, *, max_tokens: int = 800, overlap: int = 400
    ) -> AsyncGenerator[list[Chunk], None]:
        """The chunks of a file, in order, in batches; see `chunks` for what they promise.

        Raises `Unparsable`, mostly before the first batch; after one it means that all of the file
        is refused. Whoever may stop early closes the iterator (`contextlib.aclosing`): that, or
        being cancelled, ends the child. While nobody asks for a batch the child stands still, and
        no time runs against it.
        """
        task = ParsingTask(supported(filename), max_tokens, overlap, self._limits)
        async with self._child(path, task) as reader:
            seconds = self._limits.seconds
            while True:
                began = asyncio.get_running_loop().time()
                answer = await self._read(reader, seconds)
                seconds -= asyncio.get_running_loop().time() - began
                if not isinstance(answer, ParsedChunks):
                    break
                yield answer.chunks
        if isinstance(answer, ParsingRefusal):
            raise Unparsable(answer.message, code=answer.code)

    async def close(self) -> None:
        """Ends the fork server and every child."""
        async with self._starting:
            if self._nursery is not None:
                await self._nursery.end()
                self._nursery = None

    @asynccontextmanager
    async def _child(self, path: Path, task: ParsingTask) -> AsyncIterator[asyncio.StreamReader]:
        """A child at work on a file; leaving the context kills it."""
        fork_server = await self._running()
        connection = fork_server.fork()
        try:
            await _hand_over(path, task, connection)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
        except BaseException:
            connection.close()
            raise
        try:
            yield reader
        except (EOFError, ConnectionError, msgspec.DecodeError):
            if fork_server.ended:
                raise _broken("the parser was stopped") from None
            raise self._died() from None
        finally:
            writer.transport.abort()
            await writer.wait_closed()

    async def _running(self) -> "_Nursery":
        async with self._starting:
            if self._nursery is not None and self._nursery.ended:
                await self._nursery.end()
                self._nursery = None
            if self._nursery is None:
                try:
                    self._nursery = await _Nursery.start()
                except OSError as error:  # no memory, no more processes or open files
                    raise _broken(f"the parser could not be started: {error.strerror}") from error
            return self._nursery

    async def _read(self, reader: asyncio.StreamReader, seconds: float) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                length = int.from_bytes(await reader.readexactly(LENGTH), "big")
                if length > LONGEST:
                    raise msgspec.DecodeError("no child of ours sends so long a frame")
                return _decoder.decode(await reader.readexactly(length))
        except TimeoutError:
            raise Unparsable(
                "The file could not be parsed: it takes longer than "
                f"{self._limits.seconds:g} seconds."
            ) from None

    def _died(self) -> Unparsable:
        return Unparsable(
            "The file could not be parsed: it is damaged, or takes more than "
            f"{self._limits.memory_bytes // MiB:,} MiB of memory or {self._limits.seconds:g} "
            "seconds of processor time."
        )


class _Nursery:
    """The process that forks a child for each file, seen from the server."""

    def __init__(self, process: Process, control: socket.socket) -> None:
        self._process = process
        self._control = control

    @classmethod
    async def start(cls) -> "_Nursery":
        control, its = socket.socketpair()
        control.setblocking(False)
        with ExitStack() as opened, closing(its):
            opened.callback(control.close)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "perdure.parsing.fork_server", str(its.fileno())),
                pass_fds=[its.fileno()],
                stdin=DEVNULL,
                stdout=DEVNULL,
                env=_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the server
            )
            opened.pop_all()
        fork_server = cls(process, control)
        try:
            await fork_server._ready()
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            await fork_server.end()
            raise
        return fork_server

    async def _ready(self) -> None:
        """Until it says that it is: the time of its start is no file's."""
        if not await asyncio.get_running_loop().sock_recv(self._control, 1):
            raise _broken("the parser could not be started")

    @property
    def ended(self) -> bool:
        """True if the process is gone; its closed socket tells before its status is collected."""
        try:
            return self._control.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def fork(self) -> socket.socket:
        """Has a child made; the socket to talk to it, whose closing ends it."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        with closing(its):
            try:
                socket.send_fds(self._control, [_FORK], [its.fileno()])
            except OSError as error:
                ours.close()
                raise _broken("the parser does not answer") from error
        return ours

    async def end(self) -> None:
        self._control.close()
        await self._process.wait()


async def _hand_over(path: Path, task: ParsingTask, connection: socket.socket) -> None:
    def opened() -> int:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _broken("it cannot be read") from error

    async with blocking_calls.acquire(opened, os.close) as descriptor:
        socket.send_fds(connection, [frame(task)], [descriptor])


def _broken(reason: str) -> Unparsable:
    return Unparsable(f"The file could not be parsed: {reason}.", code="server_error")
