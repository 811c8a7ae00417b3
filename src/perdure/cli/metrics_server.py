"""The port for whoever scrapes: a server of its own in the process, beside that of the API."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import cast

import uvicorn

from perdure.app import Perdure
from perdure.cli.listener import listen
from perdure.cli.protocol import ClientConnection, bounds


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to that of the API."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def open_metrics(app: Perdure) -> AsyncIterator[None]:
    """Answers on `metrics_port` while the block runs; does nothing where that is not set. Raises
    `ConfigurationError` where the port cannot be had.
    """
    settings = app.settings
    if settings.metrics_port is None:
        yield
        return
    with listen(settings.metrics_host, settings.metrics_port, setting="metrics_port") as listener:
        config = uvicorn.Config(
            app.metrics_asgi,
            # a class with some arguments given: all that uvicorn does is call it
            http=cast("type[ClientConnection]", partial(ClientConnection, bounds=bounds(settings))),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="metrics")
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
