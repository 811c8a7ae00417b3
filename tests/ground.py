"""Databases that all tests of a file share, where none disturbs the others."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import pytest

from perdure.bus.memory import MemoryBus
from perdure.storage import connect
from perdure.storage.database import Database, Transaction
from tests.databases import PostgresServer
from tests.storage.raw import Raw, passing, raw

T = TypeVar("T")


class Filled(NamedTuple, Generic[T]):
    """A database in which something is, and its ids."""

    ids: T
    url: str | None
    folder: Path

    def passing(self) -> AbstractContextManager[tuple[Raw, Transaction]]:
        """See `raw.passing`."""
        return passing(self.url, self.folder)


class Ground(NamedTuple):
    """An empty database that has the schema: the URL of PostgreSQL, or None, and a data folder."""

    url: str | None
    folder: Path

    def fill(self, make: Callable[[Database], Awaitable[T]]) -> Filled[T]:
        """Fills the database, and takes its rules away."""
        made = asyncio.run(self._fill(make))
        with raw(self.url, self.folder):
            return Filled(made, self.url, self.folder)

    async def _fill(self, make: Callable[[Database], Awaitable[T]]) -> T:
        database = connect(self.url, self.folder, bus=MemoryBus())
        await database.open()
        try:
            return await make(database)
        finally:
            await database.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Ground]:
    """One of each kind, for all tests of a file."""
    folder = tmp_path_factory.mktemp("ground")
    if request.param == "sqlite":
        shutil.copy(sqlite_template, folder)
        yield Ground(None, folder)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend()
    yield Ground(server.url(name), folder)
    server.take_back(name)
