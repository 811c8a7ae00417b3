"""A session in a kernel of a gateway: what the kernel says, believed as little as possible."""

import asyncio
import base64
import binascii
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import structlog

from perdure.errors import ConfigurationError
from perdure.sandbox import output_filter
from perdure.sandbox.gateway.kernel_socket import GONE, KernelMessage, Link
from perdure.sandbox.gateway.kernels import Kernel
from perdure.sandbox.gateway.outputs import Shown
from perdure.sandbox.sandbox import (
    MIB,
    ExecutionEnd,
    FileRefused,
    Output,
    SessionFile,
    SessionLimits,
    SessionLost,
)
from perdure.sandbox.session_files import Folder, pieces
from perdure.sandbox.time_limit import TimeLimit

_log = structlog.get_logger(__name__)

# how long the kernel may take for what is no code of a user's
_PATIENCE_SECONDS = 60.0
# The gateway drops messages when there are too many, and the one that says that all were sent may
# be among them.
_LATE_SECONDS = 1.5
# the code may have closed its streams
_SETTLE_SECONDS = 0.5
_LOOK_SECONDS = 10.0
# an interrupt that comes too late for the code stops what comes next, once
_TRIES = 3
_SILENT = "It does not answer any more."
_SENSELESS = "The Python process answers without sense."
_DELETED = "The gateway of the code interpreter has ended it."
_AWAY = "The gateway of the code interpreter cannot be reached."
_NO_SENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError)

_INSIDE = Path(__file__).parents[1] / "inside"
_PACKAGE = "perdure_inside"
_MIME = "application/vnd.perdure+json"
# Loads what we send, under a name that is no user's.
_LOAD = """
import sys, types
from IPython import get_ipython
get_ipython().history_manager.enabled = False
for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__, module.__path__ = {package!r}, []
    exec(compile(source, name, "exec"), vars(module))
"""

Size = Annotated[int, msgspec.Meta(ge=0)]


class _Done(msgspec.Struct):
    problem: str | None = None


class _Files(msgspec.Struct):
    files: list[tuple[str, Size, int]]
    left_out: Size


class _Piece(msgspec.Struct):
    data: str = ""
    problem: str | None = None


class _Value(msgspec.Struct):
    status: str
    data: dict[str, msgspec.Raw] = {}
    ename: str = ""


class _Reply(msgspec.Struct):
    status: str
    user_expressions: dict[str, _Value] = {}
    ename: str = ""


Hearing = Callable[[KernelMessage], None]
_Kind = TypeVar("_Kind", _Done, _Files, _Piece)


class GatewaySession:
    """A `Session` in a kernel. What it may use is for the gateway to limit; what it says and shows
    is limited here.
    """

    def __init__(self, kernel: Kernel, link: Link, limits: SessionLimits) -> None:
        self._kernel = kernel
        self._link = link
        self._limits = limits
        self._folder = Folder(limits)
        self._turn = asyncio.Lock()
        self._executing = False
        # who hears of what comes of a request
        self._hearing: dict[str, Hearing] = {}
        self._news = asyncio.Event()
        self._lost: str | None = None
        self._ending: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch(), name="watch")

    @property
    def lost(self) -> str | None:
        return self._lost

    async def look(self) -> None:
        """Loses the session if the gateway has ended the kernel, as it may do with unused ones. It
        does not say so by itself. When the gateway is away, the websocket will tell.
        """
        with suppress(ConfigurationError):
            if self._lost is None and not await self._kernel.lives():
                self._begin_end(_DELETED)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def begin(self, *, packages: tuple[str, ...], warm: bool) -> None:
        """To be called once, before all else. Raises `FileRefused`, `SessionLost`."""
        self._link.listen(self._told)
        sources = {
            _PACKAGE: "",
            **{
                f"{_PACKAGE}.{name}": _INSIDE.joinpath(f"{name}.py").read_text(encoding="utf-8")
                for name in ("files", "service")
            },
        }
        load = _LOAD.format(sources=sources, package=_PACKAGE).encode()
        code = f"exec(__import__('base64').b64decode({base64.b64encode(load).decode()!r}), {{}})"
        await self._request(f"begin({list(packages)!r}, warm={warm!r})", _Done, code=code)

    async def execute(self, code: str, *, seconds: float) -> AsyncGenerator[Output, None]:
        async with self._turn:
            shown, time = Shown(self._limits), TimeLimit(seconds)
            await self._tell(shown.hear, code=code, silent=False)
            self._executing = True
            ended = False
            try:
                while (output := await self._next(shown, time)) is not None:
                    yield output
                await self._settle(shown)
                ended = True
                self._executing = False
                changed = await self._changed()
                for output in (*shown.outputs, *shown.note(), *self._folder.notes()):
                    yield output
                yield ExecutionEnd(time.is_up, changed)
            finally:
                if not ended:
                    await self._stop(shown)
                self._executing = False

    async def _next(self, shown: Shown, time: TimeLimit) -> Output | None:
        """The next output, None when the code has ended; when its time is up it is interrupted,
        and the session ended when that does not help.
        """
        while not shown.outputs and not (shown.replied and shown.idle):
            try:
                if shown.replied:
                    await self._until(lambda: shown.outputs or shown.idle, seconds=_LATE_SECONDS)
                else:
                    await self._until(lambda: shown.outputs or shown.replied, seconds=time.left)
            except TimeoutError:
                if shown.replied:
                    break
                if time.is_up:
                    raise await self._lose(time.excess) from None
                time.end(grace=self._limits.grace_seconds)
                await self._interrupt()
        return shown.outputs.popleft() if shown.outputs else None

    async def _settle(self, shown: Shown) -> None:
        """What programs write to the standard streams goes through two pipes, and may come after
        the end: a mark is sent behind it, and what comes before the mark is shown.
        """
        mark = secrets.token_hex()
        shown.until(mark)
        with suppress(FileRefused, TimeoutError):
            await self._request(f"mark({mark!r})", _Done, also=shown.hear)
            await self._until(lambda: not shown.waiting, seconds=_SETTLE_SECONDS)

    async def interrupt(self) -> None:
        if self._executing:
            await self._interrupt()

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        if "/" in name or not output_filter.is_name(name):
            raise FileRefused(f"A file cannot have the name {name!r} in the code interpreter.")
        async with self._turn:
            try:
                await self._put(name, content)
            except FileRefused as refused:
                raise FileRefused(
                    f"{name} does not fit into the code interpreter: {refused}."
                ) from None
            await self._changed()

    async def _put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        try:
            await self._fill(name, content)
        except BaseException:
            with suppress(FileRefused, SessionLost):
                await self._request(f"drop({name!r})", _Done)  # it is no file
            raise

    async def _fill(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        others = sum(file.size for file in self._folder.files if file.name != name)
        offset, room = 0, self._limits.disk_bytes - others
        await self._request(_put(name, 0, b""), _Done)
        async for piece in pieces(content):
            if offset + len(piece) > room:
                raise FileRefused("No space left on device")
            await self._request(_put(name, offset, piece), _Done)
            offset += len(piece)

    async def files(self) -> tuple[SessionFile, ...]:
        async with self._turn:
            await self._changed()
            return self._folder.files

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        if not output_filter.is_name(name):
            raise FileRefused(f"There is no file of the name {name!r}.")
        async with self._turn:
            offset = 0
            while most := min(MIB, self._limits.disk_bytes - offset):
                asked = f"get({name!r}, offset={offset}, most={most})"
                try:
                    piece = _bytes(await self._request(asked, _Piece))
                except FileRefused as refused:
                    raise FileRefused(f"{name} cannot be read: {refused}.") from None
                if piece is None or len(piece) > most:
                    raise await self._lose("It sent a file that is larger than it may be.")
                if not piece:
                    return
                yield piece
                offset += len(piece)

    async def close(self) -> None:
        await self._end("The session was closed.")

    async def _changed(self) -> tuple[SessionFile, ...]:
        """Looks at the files; which of them are not as they were at the last look."""
        try:
            seen = await self._request(f"files({self._limits.files})", _Files)
        except FileRefused:
            raise await self._lose(_SENSELESS) from None
        if len(seen.files) > self._limits.files:
            raise await self._lose(_SENSELESS)
        return self._folder.look(seen.files, left_out=seen.left_out)

    async def _stop(self, shown: Shown) -> None:
        """The consumer has gone in mid-execution."""
        if self._lost is not None:
            return
        with suppress(SessionLost):
            await self._interrupt()
            try:
                await self._until(lambda: shown.replied, seconds=self._limits.grace_seconds)
            except TimeoutError:
                await self._lose(
                    "The code was cancelled, and did not stop when it was interrupted."
                )

    async def _interrupt(self) -> None:
        try:
            await self._kernel.interrupt()
        except ConfigurationError:
            await self.look()
            raise await self._lose(_AWAY) from None

    async def _request(
        self,
        call: str,
        kind: type[_Kind],
        *,
        code: str = "",
        also: Hearing | None = None,
    ) -> _Kind:
        """Has our own program in the kernel do something. `also` hears of it as it comes.

        Raises `FileRefused` with its words when it cannot, `SessionLost`.
        """
        expression = f"__import__('sys').modules['{_PACKAGE}.service'].{call}"
        for _ in range(_TRIES):
            value = await self._value(expression, code, also)
            if value.ename != "KeyboardInterrupt":
                break
        if value.status != "ok":
            raise FileRefused(output_filter.text(value.ename)[:200])
        try:
            answer = msgspec.json.decode(value.data[_MIME], type=kind)
        except _NO_SENSE:
            raise await self._lose(_SENSELESS) from None
        if not isinstance(answer, _Files) and answer.problem is not None:
            raise FileRefused(output_filter.text(answer.problem)[:200])
        return answer

    async def _value(self, expression: str, code: str, also: Hearing | None) -> "_Value":
        replies: list[bytes] = []

        def hear(message: KernelMessage) -> None:
            if also is not None:
                also(message)
            if (message.channel, message.kind) == ("shell", "execute_reply") and not replies:
                replies.append(message.content)

        await self._tell(
            hear, code=code, expressions={"answer": expression}, silent=True, keep=also is not None
        )
        try:
            await self._until(lambda: replies, seconds=_PATIENCE_SECONDS)
        except TimeoutError:
            raise await self._lose(_SILENT) from None
        try:
            reply = msgspec.json.decode(replies[0], type=_Reply)
            return reply.user_expressions.get("answer") or _Value(reply.status, ename=reply.ename)
        except _NO_SENSE:
            raise await self._lose(_SENSELESS) from None

    async def _tell(
        self,
        hear: Hearing,
        *,
        code: str,
        silent: bool,
        expressions: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> None:
        """Asks the kernel; what comes of it is heard until it is asked again, or longer: `keep`."""
        self._check()
        asked = secrets.token_hex()
        self._hearing = {**(self._hearing if keep else {}), asked: hear}
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._link.execute(asked, code, expressions=expressions or {}, silent=silent)
        except OSError:
            # the end of the websocket is on its way to us; a time that is up is one too
            raise await self._lose(_AWAY) from None

    def _told(self, message: KernelMessage) -> None:
        """Called for all that comes over the websocket."""
        if message.kind == GONE:
            self._begin_end(message.content.decode())
        elif message.parent in self._hearing:
            self._hearing[message.parent](message)
        self._news.set()

    async def _until(self, ready: Callable[[], object], *, seconds: float) -> None:
        """Raises `TimeoutError` after so many seconds, `SessionLost`."""
        async with asyncio.timeout(seconds):
            while not ready():
                self._check()
                self._news.clear()
                await self._news.wait()

    def _check(self) -> None:
        if self._lost is not None:
            raise SessionLost(self._lost)

    async def _lose(self, why: str) -> SessionLost:
        """Ends everything, and returns what to raise: the first reason stands."""
        await self._end(why)
        return SessionLost(self._lost or why)

    async def _end(self, why: str) -> None:
        await asyncio.shield(self._begin_end(why))

    def _begin_end(self, why: str) -> asyncio.Task[None]:
        if self._ending is None:
            self._lost = why
            self._news.set()
            self._ending = asyncio.create_task(self._finish(), name="end")
        return self._ending

    async def _finish(self) -> None:
        self._watching.cancel()
        await self._link.close()
        try:
            await self._kernel.delete()
        except ConfigurationError as error:
            # the gateway ends kernels that nobody uses, if it is told to
            _log.warning("kernel_left_behind", kernel=self._kernel.id, reason=str(error))


def _put(name: str, offset: int, piece: bytes) -> str:
    return f"put({name!r}, offset={offset}, data={base64.b64encode(piece).decode()!r})"


def _bytes(piece: _Piece) -> bytes | None:
    try:
        return base64.b64decode(piece.data, validate=True)
    except (binascii.Error, ValueError):
        return None
