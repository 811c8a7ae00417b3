"""The whole server in this process, on both databases, with a clock that the test moves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import uvicorn
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.model_servers.fixture import model_server, model_server_process
from tests.patience import PATIENCE_SECONDS

__all__ = ["model_server", "model_server_process"]

HEADERS = {"authorization": "Bearer test", "openai-beta": "assistants=v2"}

# Larger than any other body may be.
LARGEST_FILE = 200_000


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
    url = SecretStr(database_url) if database_url else None
    app = Perdure(
        settings.only(
            data_dir=data_dir,
            database_url=url,
            drain_seconds=0,
            max_body_bytes=100_000,
            max_file_bytes=LARGEST_FILE,
            **chosen,
        ),
        clock=clock,
        parser=lent,
    )
    await app.open()
    yield app
    await app.close()


@pytest.fixture
async def http(app: Perdure) -> AsyncIterator[httpx2.AsyncClient]:
    """A plain HTTP client, for what no SDK would send. Responses come whole, streams too."""
    async with client(app) as http:
        yield http


def client(app: Perdure) -> httpx2.AsyncClient:
    """An HTTP client of this server."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app.asgi),
        base_url="http://127.0.0.1/v1",
        headers=HEADERS,
        timeout=PATIENCE_SECONDS,
    )


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
