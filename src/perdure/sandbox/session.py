"""A session on this machine: what the program inside says, believed as little as possible."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import suppress

from perdure.sandbox import cleaning, watch
from perdure.sandbox.channel import (
    Broken,
    Channel,
    DoneFrame,
    EndFrame,
    ErrorFrame,
    FilesFrame,
    Frame,
    ImageFrame,
    LostFrame,
    ProblemFrame,
    TextFrame,
)
from perdure.sandbox.enclosure import Enclosure
from perdure.sandbox.folder import Folder, pieces
from perdure.sandbox.sandbox import (
    End,
    Error,
    File,
    FileRefused,
    Image,
    Limits,
    Output,
    SessionLost,
    Text,
)
from perdure.sandbox.time_limit import TimeLimit

# how long the program inside may take for what is no code of a user's
_PATIENCE_SECONDS = 60.0
_LOOK_BUSY_SECONDS = 0.2
_LOOK_IDLE_SECONDS = 2.0
# our notes, beyond the text of the code
_NOTES_BYTES = 4096
_SILENT = "It does not answer any more."
_ENDED = "The Python process ended unexpectedly."


class LocalSession:
    """A `Session` in an enclosure of this machine."""

    def __init__(self, enclosure: Enclosure, channel: Channel, limits: Limits) -> None:
        self._enclosure = enclosure
        self._channel = channel
        self._limits = limits
        self._turn = asyncio.Lock()
        self._executing = False
        self._folder = Folder(limits)
        self._cpu_seconds = enclosure.usage(limits).cpu_seconds
        self._lost: str | None = None
        self._killing: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch(), name="watch")

    @property
    def lost(self) -> str | None:
        return self._lost

    @property
    def first_process(self) -> int:
        """Process 1 of the session, as the host numbers it."""
        return self._enclosure.first

    async def execute(self, code: str, *, seconds: float) -> AsyncGenerator[Output, None]:
        async with self._turn:
            await self._tell(op="execute", code=code)
            self._executing = True
            ended = False
            left, time = Left(self._limits), TimeLimit(seconds)
            try:
                while not isinstance(frame := await self._next(time), EndFrame):
                    yield await self._output(left, frame)
                ended = True
                changed = await self._changed()
                for note in self._folder.notes():
                    yield note
                yield End(time.is_up, changed)
            finally:
                if not ended:
                    await self._stop()
                self._rest()

    async def _next(self, time: TimeLimit) -> Frame | bytes:
        """The next frame of an execution; when its time is up it is interrupted, and killed when
        that does not help.
        """
        try:
            return await self._receive(time.left)
        except TimeoutError:
            if time.is_up:
                raise await self._lose(time.excess) from None
        time.end(grace=self._limits.grace_seconds)
        await self._tell(op="interrupt")
        return await self._next(time)

    async def _output(self, left: "Left", frame: Frame | bytes) -> Output:
        try:
            return left.output(frame)
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None

    async def interrupt(self) -> None:
        if self._executing:
            await self._tell(op="interrupt")

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        if "/" in name or not cleaning.is_name(name):
            raise FileRefused(f"A file cannot have the name {name!r} in the code interpreter.")
        async with self._turn:
            await self._tell(op="put", name=name)
            try:
                async for piece in pieces(content):
                    await self._send(piece)
            finally:
                await self._send(b"")
                frame = await self._answer()
            if isinstance(frame, ProblemFrame):
                raise FileRefused(f"{name} does not fit into the code interpreter: {frame.text}.")
            await self._expect(frame, DoneFrame)
            await self._changed()

    async def files(self) -> tuple[File, ...]:
        async with self._turn:
            await self._changed()
            return self._folder.files

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        if not cleaning.is_name(name):
            raise FileRefused(f"There is no file of the name {name!r}.")
        async with self._turn:
            left = self._limits.disk_bytes
            frame = await self._ask(op="get", name=name, most=left)
            try:
                while isinstance(frame, bytes):
                    yield frame
                    left -= len(frame)
                    frame = await self._piece(left)
            finally:
                # what is not wanted any more is on its way all the same
                while isinstance(frame, bytes) and self._lost is None:
                    left -= len(frame)
                    frame = await self._piece(left)
            if isinstance(frame, ProblemFrame):
                raise FileRefused(f"{name} cannot be read: {cleaning.text(frame.text)[:200]}.")
            await self._expect(frame, DoneFrame)

    async def _piece(self, left: int) -> Frame | bytes:
        """The next frame of a file, of which there are so many bytes left at most."""
        frame = await self._answer()
        if isinstance(frame, bytes) and len(frame) > left:
            raise await self._lose("It sent a file that is larger than it may be.")
        return frame

    async def close(self) -> None:
        await self._end("The session was closed.")

    async def _changed(self) -> tuple[File, ...]:
        """Looks at the files; which of them are not as they were at the last look."""
        frame = await self._ask(op="files")
        if not isinstance(frame, FilesFrame) or len(frame.files) > self._limits.files:
            raise await self._lose(_ENDED)
        return self._folder.look(frame.files, left_out=frame.left_out)

    async def _stop(self) -> None:
        """The consumer has gone in mid-execution."""
        if self._lost is not None:
            return
        with suppress(SessionLost):
            await self._tell(op="interrupt")
            grace = TimeLimit(self._limits.grace_seconds)
            try:
                while not isinstance(await self._receive(grace.left), EndFrame):
                    pass
            except TimeoutError:
                await self._lose(
                    "The code was cancelled, and did not stop when it was interrupted."
                )

    def _rest(self) -> None:
        self._executing = False
        if self._lost is None:
            self._cpu_seconds = self._enclosure.usage(self._limits).cpu_seconds

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_BUSY_SECONDS if self._executing else _LOOK_IDLE_SECONDS)
            why = self.look()
            if why is not None:
                self._begin_end(why)
                return

    def look(self) -> str | None:
        """Measures the session; why it has to end, if it has to."""
        if self._lost is not None:
            return None
        if self._enclosure.is_gone:
            return _ENDED
        usage = self._enclosure.usage(self._limits)
        why = watch.excess(usage, self._limits)
        if why is None and not self._executing:
            spent = usage.cpu_seconds - self._cpu_seconds
            if spent > self._limits.idle_cpu_seconds:
                return "It went on computing after its code had ended."
        return why

    async def _receive(self, seconds: float) -> Frame | bytes:
        """Raises `TimeoutError`, `SessionLost`."""
        try:
            frame = await self._channel.receive(seconds=seconds)
        except Broken as broken:
            raise await self._lose(_broken(broken)) from None
        if isinstance(frame, LostFrame):
            raise await self._lose(cleaning.text(frame.text)[:200])
        return frame

    async def _ask(self, **frame: object) -> Frame | bytes:
        await self._tell(**frame)
        return await self._answer()

    async def _answer(self) -> Frame | bytes:
        try:
            return await self._receive(_PATIENCE_SECONDS)
        except TimeoutError:
            raise await self._lose(_SILENT) from None
        except asyncio.CancelledError:
            # or the next to ask would be given this answer
            with suppress(SessionLost, TimeoutError):
                await self._receive(_PATIENCE_SECONDS)
            raise

    async def _expect(self, frame: Frame | bytes, kind: type[Frame]) -> None:
        if not isinstance(frame, kind):
            raise await self._lose(_ENDED)

    async def _tell(self, **frame: object) -> None:
        await self._sent(self._channel.tell(**frame))

    async def _send(self, piece: bytes) -> None:
        await self._sent(self._channel.send(piece))

    async def _sent(self, sending: Coroutine[None, None, None]) -> None:
        """Raises `SessionLost`, also when the program inside does not read."""
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
        """Ends everything, and returns what to raise: the first reason stands."""
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
        self._watching.cancel()
        await self._enclosure.kill()
        await self._channel.close()


class Left:
    """How much output an execution may still have, and what its frames become.

    The program inside keeps the same limits. One that does not is no longer ours.
    """

    def __init__(self, limits: Limits) -> None:
        self._text = limits.text_bytes + _NOTES_BYTES
        self._images = limits.images
        self._image_bytes = limits.image_bytes

    def output(self, frame: Frame | bytes) -> Output:
        """Raises `Broken`."""
        match frame:
            case TextFrame(stream=stream, text=text):
                return Text(self._take(text), stream)
            case ErrorFrame(text=text):
                return Error(self._take(text))
            case ImageFrame(mime=mime, data=data):
                self._images -= 1
                if self._images < 0:
                    raise Broken("more images than it may show")
                content = cleaning.image(mime, data, most=self._image_bytes)
                if content is None:
                    return Text("[An image was left out: it is none, or too large.]\n", "note")
                return Image(mime, content)
        raise Broken(f"{type(frame).__name__} in mid-execution")

    def _take(self, text: str) -> str:
        self._text -= len(text.encode())
        if self._text < 0:
            raise Broken("more text than it may show")
        return cleaning.text(text)


def _broken(broken: Broken) -> str:
    return f"The Python process cannot be talked to any more ({broken})."
