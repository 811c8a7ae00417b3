"""A server and its client for all tests of a file: those that leave nothing that others would see.

A file imports the fixtures and `LOOP`, its `pytestmark`.
"""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from perdure.testing.manual_clock import ManualClock
from tests.api.model_runs import ModelRuns
from tests.api.servers import client, opened
from tests.ground import Ground, ground
from tests.model_servers.fixture import ModelServer, model_server_process

__all__ = ["LOOP", "ground", "http", "model_server_process", "runs"]

LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(ground: Ground) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the server."""
    async with opened(ground.url, ground.folder, clock=ManualClock()) as app, client(app) as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runs(ground: Ground, model_server_process: ModelServer) -> AsyncIterator[ModelRuns]:
    """Runs of a server that calls the model server."""
    async with (
        opened(
            ground.url,
            ground.folder,
            clock=ManualClock(),
            model_base_url=model_server_process.base_url,
        ) as app,
        client(app) as http,
    ):
        yield ModelRuns(http)
