"""A session on this machine. All that the program inside says is checked and bounded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import suppress

from perdure.sandbox import output_filter
from perdure.sandbox.channel import (
    Broken,
    Channel,
    DoneFrame,
    EndFrame,
    FilesFrame,
    Frame,
    LostFrame,
    ProblemFrame,
)
from perdure.sandbox.enclosure import Enclosure
from perdure.sandbox.output_allowance import OutputAllowance, TransferAllowance
from perdure.sandbox.resource_guard import Guard
from perdure.sandbox.sandbox import (
    ExecutionEnd,
    FileRefused,
    Output,
    SessionFile,
    SessionLimits,
    SessionLost,
)
from perdure.sandbox.session_files import Folder, blocks
from perdure.sandbox.time_limit import TimeLimit

# how long the program inside may take for what is no code of a user's
_PATIENCE_SECONDS = 60.0
_SILENT = "It does not answer any more."
_ENDED = "The Python process ended unexpectedly."


class LocalSession:
    """A `Session` in an enclosure of this machine."""

    def __init__(self, enclosure: Enclosure, channel: Channel, limits: SessionLimits) -> None:
        self._enclosure = enclosure
        self._channel = channel
        self._limits = limits
        self._lock = asyncio.Lock()
        self._executing = False
        self._folder = Folder(limits)
        self._lost: str | None = None
        self._killing: asyncio.Task[None] | None = None
        self._guard = Guard(enclosure, limits, self._begin_end)

    @property
    def lost(self) -> str | None:
        return self._lost

    @property
    def first_process(self) -> int:
        """Process 1 of the session, as the host numbers it."""
        return self._enclosure.first

    async def execute(self, code: str, *, seconds: float) -> AsyncGenerator[Output, None]:
        async with self._lock:
            await self._send_frame(op="execute", code=code)
            self._executing = True
            self._guard.set_busy()
            ended = False
            left, time = OutputAllowance(self._limits), TimeLimit(seconds)
            try:
                while not isinstance(frame := await self._next(time), EndFrame):
                    yield await self._output(left, frame)
                ended = True
                changed = await self._changed()
                for note in self._folder.notes():
                    yield note
                yield ExecutionEnd(time.is_up, changed)
            finally:
                if not ended:
                    await self._stop()
                self._executing = False
                self._guard.set_idle()

    async def _next(self, time: TimeLimit) -> Frame | bytes:
        """Returns the next frame of an execution. When its time is up the code is interrupted, and
        the session killed when that does not help.
        """
        try:
            return await self._before(time)
        except TimeoutError:
            if time.is_up:
                raise await self._lose(time.excess) from None
        time.end(grace=self._limits.grace_seconds)
        await self._send_frame(op="interrupt")
        return await self._next(time)

    async def _before(self, time: TimeLimit) -> Frame | bytes:
        """Returns the next frame. Raises `TimeoutError` when the time is up, also where frames are
        waiting.
        """
        if not time.left:
            raise TimeoutError
        return await self._receive(time.left)

    async def _output(self, left: OutputAllowance, frame: Frame | bytes) -> Output:
        try:
            return left.output(frame)
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None

    async def interrupt(self) -> None:
        if self._executing:
            await self._send_frame(op="interrupt")

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        if "/" in name or not output_filter.is_name(name):
            raise FileRefused(f"A file cannot have the name {name!r} in the code interpreter.")
        async with self._lock:
            await self._send_frame(op="put", name=name)
            try:
                async for block in blocks(content):
                    await self._send(block)
            except BaseException:
                with suppress(SessionLost):
                    # what has arrived of it is no file
                    await self._expect(await self._ask(op="drop"), DoneFrame)
                raise
            await self._send(b"")
            frame = await self._answer()
            if isinstance(frame, ProblemFrame):
                raise FileRefused(f"{name} does not fit into the code interpreter: {frame.text}.")
            await self._expect(frame, DoneFrame)
            await self._changed()

    async def files(self) -> tuple[SessionFile, ...]:
        async with self._lock:
            await self._changed()
            return self._folder.files

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        if not output_filter.is_name(name):
            raise FileRefused(f"There is no file of the name {name!r}.")
        async with self._lock:
            await self._send_frame(op="get", name=name, most=self._limits.disk_bytes)
            allowance = TransferAllowance(self._limits, seconds=_PATIENCE_SECONDS)
            frame: Frame | bytes = b""
            try:
                while isinstance(frame := await self._next_block(allowance), bytes):
                    yield frame
            finally:
                # what is not wanted any more is on its way all the same
                while isinstance(frame, bytes) and self._lost is None:
                    frame = await self._next_block(allowance)
            if isinstance(frame, ProblemFrame):
                raise FileRefused(
                    f"{name} cannot be read: {output_filter.clean_text(frame.text)[:200]}."
                )
            await self._expect(frame, DoneFrame)

    async def _next_block(self, allowance: TransferAllowance) -> Frame | bytes:
        """Returns the next frame of a file. No frame is lost when the caller is cancelled."""
        time = TimeLimit(allowance.seconds)
        frame = await self._within(time)
        try:
            allowance.add(frame, waited=allowance.seconds - time.left)
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None
        return frame

    async def close(self) -> None:
        await self._end("The session was closed.")

    async def _changed(self) -> tuple[SessionFile, ...]:
        """Lists the files. Returns those that are new or changed since the last time."""
        frame = await self._ask(op="files")
        if not isinstance(frame, FilesFrame) or len(frame.files) > self._limits.files:
            raise await self._lose(_ENDED)
        return self._folder.look(frame.files, left_out=frame.left_out)

    async def _stop(self) -> None:
        """Stops code whose consumer has gone in the middle of the execution."""
        if self._lost is not None:
            return
        with suppress(SessionLost):
            await self._send_frame(op="interrupt")
            grace = TimeLimit(self._limits.grace_seconds)
            try:
                while not isinstance(await self._before(grace), EndFrame):
                    pass
            except TimeoutError:
                await self._lose(
                    "The code was cancelled, and did not stop when it was interrupted."
                )

    async def _receive(self, seconds: float) -> Frame | bytes:
        """Returns the next frame. Raises `TimeoutError`, `SessionLost`."""
        try:
            frame = await self._channel.receive(seconds=seconds)
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None
        if isinstance(frame, LostFrame):
            raise await self._lose(output_filter.clean_text(frame.text)[:200])
        return frame

    async def _ask(self, **frame: object) -> Frame | bytes:
        await self._send_frame(**frame)
        return await self._answer()

    async def _answer(self) -> Frame | bytes:
        try:
            return await self._within(TimeLimit(_PATIENCE_SECONDS))
        except asyncio.CancelledError:
            # or the next to ask would be given this answer
            with suppress(SessionLost, TimeoutError):
                await self._receive(_PATIENCE_SECONDS)
            raise

    async def _within(self, time: TimeLimit) -> Frame | bytes:
        try:
            return await self._before(time)
        except TimeoutError:
            raise await self._lose(_SILENT) from None

    async def _expect(self, frame: Frame | bytes, kind: type[Frame]) -> None:
        if not isinstance(frame, kind):
            raise await self._lose(_ENDED)

    async def _send_frame(self, **frame: object) -> None:
        await self._sent(self._channel.send_frame(**frame))

    async def _send(self, block: bytes) -> None:
        await self._sent(self._channel.send(block))

    async def _sent(self, sending: Coroutine[None, None, None]) -> None:
        """Waits until a frame is sent. Raises `SessionLost`, also when the program inside does not
        read.
        """
        if self._lost is not None:
            sending.close()
            raise SessionLost(self._lost)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await sending
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None
        except TimeoutError:
            raise await self._lose(_SILENT) from None

    async def _lose(self, why: str) -> SessionLost:
        """Ends everything, and returns the error to raise. The first reason stands."""
        await self._end(why)
        return SessionLost(self._lost or why)

    async def _end(self, why: str) -> None:
        await asyncio.shield(self._begin_end(why))

    def _begin_end(self, why: str) -> asyncio.Task[None]:
        if self._killing is None:
            self._lost = why
            self._killing = asyncio.create_task(self._kill(), name="kill")
        return self._killing

    async def _kill(self) -> None:
        self._guard.stop()
        await self._enclosure.kill()
        await self._channel.close()


def _broken(broken: Broken) -> str:
    return f"The Python process cannot be talked to any more ({broken})."
