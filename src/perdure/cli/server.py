"""A running server: a bound socket, the open app, and uvicorn between them.

`serve` and `demo` share it. The socket is bound first of all, so that a taken port costs nothing.
Signals end the server gracefully.
"""

import asyncio
import math
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import FrameType
from typing import Any, TypeVar, cast

import uvicorn

from perdure.app import Perdure
from perdure.background import loop
from perdure.cli.address import url_of
from perdure.cli.listener import BACKLOG, listen
from perdure.cli.malloc import return_large_blocks
from perdure.cli.metrics_server import open_metrics
from perdure.cli.protocol import FIRST_REQUEST_SECONDS, ClientConnection, bounds
from perdure.clock import SystemClock
from perdure.settings import Settings
from perdure.tls.certificate import Certificate

T = TypeVar("T")

_RENEW_SECONDS = 5.0
# After the drain, open answers get this long to be written out before they are cut.
_GRACE_SECONDS = 5
# After no more connections are taken, the time in which those that were may send a request, and be
# listening to a run.
_LAST_REQUEST_SECONDS = FIRST_REQUEST_SECONDS + 0.5
# An address that is that of no machine.
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 # compared, not bound


class RunningServer(uvicorn.Server):
    """A uvicorn server that drains the app when it is stopped.

    The first signal stops gracefully, a second one at once. Unlike in uvicorn, neither is raised
    again afterwards: a requested stop is no failure.
    """

    def __init__(
        self,
        app: Perdure,
        listener: socket.socket,
        *,
        certificate: Certificate | None,
        takes_signals: bool,
    ) -> None:
        config = uvicorn.Config(
            app.asgi,
            # a class with some arguments given: all that uvicorn does is call it
            http=cast(
                "type[ClientConnection]", partial(ClientConnection, bounds=bounds(app.settings))
            ),
            ws="none",
            # open_server() opens and closes the app: its errors are for the user to read
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=math.ceil(app.settings.drain_seconds) + _GRACE_SECONDS,
        )
        config.load()
        config.ssl = certificate.context if certificate else None
        super().__init__(config)
        self.app = app
        self.ready = asyncio.Event()
        self._listener = listener
        self._takes_signals = takes_signals
        self._loop = asyncio.get_running_loop()

    @property
    def url(self) -> str:
        """Returns the URL of the server, without `/v1`."""
        host, port = self._listener.getsockname()[:2]
        return url_of(host, port, tls=self.config.ssl is not None)

    async def run_until_stopped(self) -> None:
        """Answers requests until a signal or `stop`."""
        await self.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Starts the graceful end: no new requests, running runs are drained."""
        self.should_exit = True
        self.app.had_last_request.clear()
        self.app.drain()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop.call_later(_LAST_REQUEST_SECONDS, self.app.had_last_request.set)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if not self._takes_signals:
            yield
            return
        with super().capture_signals():
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.should_exit:
            self.force_exit = True
        else:
            # a signal may come between any two instructions: the loop picks its own moment
            self._loop.call_soon_threadsafe(self.stop)


@asynccontextmanager
async def open_server(settings: Settings, *, takes_signals: bool) -> AsyncIterator[RunningServer]:
    """Opens a server that is ready to run: port taken, certificate read, database open, engine
    started.

    Raises `ConfigurationError` where one of them is not possible.
    """
    return_large_blocks()
    with listen(settings.host, settings.port) as listener:
        async with _renewed(settings) as certificate:
            app = Perdure(settings, clock=SystemClock(), address=_address(settings, listener))
            server = RunningServer(
                app, listener, certificate=certificate, takes_signals=takes_signals
            )
            async with open_metrics(app):
                await app.open()
                try:
                    yield server
                finally:
                    if not server.force_exit:
                        await app.close()


def _address(settings: Settings, listener: socket.socket) -> str:
    """Where others find the server, as far as it knows."""
    host = settings.host if settings.host not in _ANY else socket.gethostname()
    return f"{host}:{listener.getsockname()[1]}"


@asynccontextmanager
async def _renewed(settings: Settings) -> AsyncIterator[Certificate | None]:
    """Yields the certificate, which is read again when its files change; None for a server without
    one.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        yield None
        return
    certificate = Certificate(settings.tls_cert, settings.tls_key)
    renewing = asyncio.create_task(loop("tls", certificate.step, every=_RENEW_SECONDS), name="tls")
    try:
        yield certificate
    finally:
        renewing.cancel()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a command to its end, on the fastest event loop that is installed. Raises
    `KeyboardInterrupt` if a signal ended it.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def end_like_interrupt() -> None:
    """Makes SIGTERM act as Ctrl-C on the running task, so that clean-up is not skipped."""
    handler = signal.getsignal(signal.SIGINT)
    if handler != signal.SIG_IGN:
        signal.signal(signal.SIGTERM, handler)
        return
    # Ctrl-C is not for a job in the background of a shell. An interrupt that a handler raised
    # could be lost in the event loop.
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 # a command runs in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
