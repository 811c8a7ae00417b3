"""Servers in this process, and clients of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.patience import PATIENCE_SECONDS

HEADERS = {"authorization": "Bearer test", "openai-beta": "assistants=v2"}

# Larger than any other body may be.
LARGEST_FILE = 200_000


@asynccontextmanager
async def opened(
    database_url: str | None,
    data_dir: Path,
    *,
    clock: ManualClock,
    parser: Parser | None = None,
    **chosen: object,
) -> AsyncIterator[Perdure]:
    """An open server with these settings; its engine runs."""
    app = Perdure(
        settings.only(
            data_dir=data_dir,
            database_url=SecretStr(database_url) if database_url else None,
            drain_seconds=0,
            max_body_bytes=100_000,
            max_file_bytes=LARGEST_FILE,
            **chosen,
        ),
        clock=clock,
        parser=parser,
    )
    await app.open()
    try:
        yield app
    finally:
        await app.close()


def client(app: Perdure) -> httpx2.AsyncClient:
    """A client whose responses come whole, streams too."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app.asgi),
        base_url="http://127.0.0.1/v1",
        headers=HEADERS,
        timeout=PATIENCE_SECONDS,
    )
