"""Fixtures of exports and imports: two places, of each kind of database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresServer
from tests.exchange.places import Place, opened


@pytest.fixture(params=["sqlite", "postgres"])
def target_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of another empty database that has the schema; None for SQLite."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend()
    yield server.url(name)
    server.take_back(name)


@pytest.fixture
async def source(database_url: str | None, data_dir: Path, schema: None) -> AsyncIterator[Place]:
    """What is exported from."""
    place = await opened(database_url, data_dir)
    yield place
    await place.close()


@pytest.fixture
async def target(target_url: str | None, tmp_path: Path) -> AsyncIterator[Place]:
    """What is imported into."""
    place = await opened(target_url, tmp_path / "target")
    yield place
    await place.close()
