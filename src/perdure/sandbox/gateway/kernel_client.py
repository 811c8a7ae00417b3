"""Client of one kernel of a gateway: requests to the service of ours in it, and its end.

All that the kernel says is checked and bounded.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import structlog

from perdure.errors import ConfigurationError
from perdure.sandbox import inside, output_filter
from perdure.sandbox.gateway.kernel_socket import GONE, KernelMessage, Link
from perdure.sandbox.gateway.kernels import Kernel
from perdure.sandbox.sandbox import FileRefused, SessionLost

_log = structlog.get_logger(__name__)

# how long the kernel may take for what is no code of a user's
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 10.0
# an interrupt that comes too late for the code stops what comes next, once
_TRIES = 3
SENSELESS = "The Python process answers without sense."
_SILENT = "It does not answer any more."
_DELETED = "The gateway of the code interpreter has ended it."
_AWAY = "The gateway of the code interpreter cannot be reached."
_NO_SENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError)

_INSIDE = Path(inside.__file__).parent
_PACKAGE = "perdure_inside"
_MIME = "application/vnd.perdure+json"
# Loads the service, under a name that is no user's.
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


class ServiceDone(msgspec.Struct):
    """An answer of the service that has nothing more to say."""

    problem: str | None = None


class ServiceFiles(msgspec.Struct):
    """The files that the service lists: name, size in bytes, time of the last change."""

    files: list[tuple[str, Size, int]]
    left_out: Size


class ServicePackages(msgspec.Struct):
    """The names of the packages that are installed for code."""

    names: list[str] = []
    problem: str | None = None


class ServiceBlock(msgspec.Struct):
    """A block of a file in base64, empty at its end."""

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


Listener = Callable[[KernelMessage], None]
_Kind = TypeVar("_Kind", ServiceDone, ServiceFiles, ServicePackages, ServiceBlock)


class KernelClient:
    """A kernel and its websocket, until one of them ends. The kernel is deleted with it."""

    def __init__(self, kernel: Kernel, link: Link) -> None:
        self.kernel = kernel
        self._link = link
        # by the id of the request whose messages they take
        self._listeners: dict[str, Listener] = {}
        self._news = asyncio.Event()
        self._lost: str | None = None
        self._ending: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch(), name="watch")

    @property
    def lost(self) -> str | None:
        """The reason why the kernel is gone; None while it lives."""
        return self._lost

    async def look(self) -> None:
        """Loses the kernel if the gateway has ended it, as it may do with unused ones.

        The gateway does not report that by itself. The websocket shows when it cannot be reached.
        """
        with suppress(ConfigurationError):
            if self._lost is None and not await self.kernel.lives():
                self._begin_end(_DELETED)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def begin(self, *, packages: tuple[str, ...], warm: bool) -> None:
        """Loads the service. To be called once, before all else.

        Raises `FileRefused`, `SessionLost`.
        """
        self._link.listen(self._receive)
        sources = {
            _PACKAGE: "",
            **{
                f"{_PACKAGE}.{name}": _INSIDE.joinpath(f"{name}.py").read_text(encoding="utf-8")
                for name in ("files", "packages", "service")
            },
        }
        load = _LOAD.format(sources=sources, package=_PACKAGE).encode()
        code = f"exec(__import__('base64').b64decode({base64.b64encode(load).decode()!r}), {{}})"
        await self.request(f"begin({list(packages)!r}, warm={warm!r})", ServiceDone, code=code)

    async def interrupt(self) -> None:
        """Interrupts the code, as Ctrl-C does. Raises `SessionLost`."""
        try:
            await self.kernel.interrupt()
        except ConfigurationError:
            await self.look()
            raise await self.lose(_AWAY) from None

    async def request(
        self,
        call: str,
        kind: type[_Kind],
        *,
        code: str = "",
        also: Listener | None = None,
    ) -> _Kind:
        """Calls the service and returns its answer. `also` takes each message as it comes.

        Raises `FileRefused` with the service's own words, `SessionLost`.
        """
        expression = f"__import__('sys').modules['{_PACKAGE}.service'].{call}"
        for _ in range(_TRIES):
            value = await self._value(expression, code, also)
            if value.ename != "KeyboardInterrupt":
                break
        if value.status != "ok":
            raise FileRefused(output_filter.clean_text(value.ename)[:200])
        try:
            answer = msgspec.json.decode(value.data[_MIME], type=kind)
        except _NO_SENSE:
            raise await self.lose(SENSELESS) from None
        if not isinstance(answer, ServiceFiles) and answer.problem is not None:
            raise FileRefused(output_filter.clean_text(answer.problem)[:200])
        return answer

    async def _value(self, expression: str, code: str, also: Listener | None) -> "_Value":
        replies: list[bytes] = []

        def take(message: KernelMessage) -> None:
            if also is not None:
                also(message)
            if (message.channel, message.kind) == ("shell", "execute_reply") and not replies:
                replies.append(message.content)

        await self.execute(
            take, code=code, expressions={"answer": expression}, silent=True, keep=also is not None
        )
        try:
            await self.wait_until(lambda: replies, seconds=_PATIENCE_SECONDS)
        except TimeoutError:
            raise await self.lose(_SILENT) from None
        try:
            reply = msgspec.json.decode(replies[0], type=_Reply)
            return reply.user_expressions.get("answer") or _Value(reply.status, ename=reply.ename)
        except _NO_SENSE:
            raise await self.lose(SENSELESS) from None

    async def execute(
        self,
        listener: Listener,
        *,
        code: str,
        silent: bool,
        expressions: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> None:
        """Asks the kernel to execute code. `listener` takes the messages that belong to it, until
        the kernel is asked again, or longer: `keep`. Raises `SessionLost`.
        """
        self._check()
        asked = secrets.token_hex()
        self._listeners = {**(self._listeners if keep else {}), asked: listener}
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._link.execute(asked, code, expressions=expressions or {}, silent=silent)
        except OSError:
            # the end of the websocket is on its way to us; a time that is up is one too
            raise await self.lose(_AWAY) from None

    def _receive(self, message: KernelMessage) -> None:
        """Takes a message of the websocket."""
        if message.kind == GONE:
            self._begin_end(message.content.decode())
        elif message.parent in self._listeners:
            self._listeners[message.parent](message)
        self._news.set()

    async def wait_until(self, ready: Callable[[], object], *, seconds: float) -> None:
        """Waits for messages until a condition holds.

        Raises `TimeoutError` after so many seconds, `SessionLost`.
        """
        async with asyncio.timeout(seconds):
            while not ready():
                self._check()
                self._news.clear()
                await self._news.wait()

    def _check(self) -> None:
        if self._lost is not None:
            raise SessionLost(self._lost)

    async def lose(self, why: str) -> SessionLost:
        """Ends everything, and returns the error to raise. The first reason stands."""
        await self.end(why)
        return SessionLost(self._lost or why)

    async def end(self, why: str) -> None:
        """Closes the websocket and deletes the kernel. May be called twice."""
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
            await self.kernel.delete()
        except ConfigurationError as error:
            # the gateway ends kernels that nobody uses, if it is told to
            _log.warning("kernel_left_behind", kernel=self.kernel.id, reason=str(error))
