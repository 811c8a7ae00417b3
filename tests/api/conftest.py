"""The whole server in this process, on both databases, with a clock that the test moves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import uvicorn

from perdure.app import Perdure
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.api.servers import client, opened
from tests.model_servers.fixture import model_server, model_server_process

__all__ = ["model_server", "model_server_process"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def lent() -> Parser | None:
    """A parser for the server; None: it starts its own with the first file."""
    return None


@pytest.fixture
def chosen() -> dict[str, object]:
    """Further settings of the server."""
    return {}


@pytest.fixture
async def app(
    database_url: str | None,
    data_dir: Path,
    clock: ManualClock,
    lent: Parser | None,
    chosen: dict[str, object],
    schema: None,
) -> AsyncIterator[Perdure]:
    """An open server; its engine runs."""
    async with opened(database_url, data_dir, clock=clock, parser=lent, **chosen) as app:
        yield app


@pytest.fixture
async def http(app: Perdure) -> AsyncIterator[httpx2.AsyncClient]:
    """A plain HTTP client, for what no SDK would send. Responses come whole, streams too."""
    async with client(app) as http:
        yield http


@pytest.fixture
async def base_url(app: Perdure) -> AsyncIterator[str]:
    """The same server behind a real socket, for what streams."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app.asgi, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    server.should_exit = True
    await serving
