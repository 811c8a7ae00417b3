"""Fixtures for everybody: each test that asks for a database runs on SQLite and on PostgreSQL."""

import asyncio
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from perdure.bus.memory import MemoryBus
from perdure.parsing.parser import Parser
from perdure.storage import BlobStores, connect, connect_blobs
from perdure.storage.database import Database
from tests import examples, server_logs, temporary
from tests.databases import TEMPLATE, NoServer, PostgresServer
from tests.object_store import ObjectStore
from tests.parsers import SharedParser

examples.use()
temporary.use()
# jsonschema imports it where it is there, for formats that no schema of ours has, and 38 grammars
# are compiled meanwhile: a third of all that collecting the tests takes.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


def pytest_addoption(parser: pytest.Parser) -> None:
    """See `tests/cluster/behind.py`."""
    parser.addoption("--cluster", action="store_true", help="SDKs use two servers behind a proxy")


def pytest_configure() -> None:
    """Tracebacks in the log are plain, as a server's are: with the variables of each frame, which
    structlog shows by itself, one takes a tenth of a second and more.
    """
    *processors, _ = structlog.get_config()["processors"]
    renderer = ConsoleRenderer(colors=False, exception_formatter=plain_traceback)
    structlog.configure(processors=[*processors, renderer])


def pytest_runtest_setup() -> None:
    """The logs of one test's servers are not another's."""
    server_logs.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is shown with what the servers of the test have logged."""
    report = yield
    if report.failed:
        report.sections += [(f"Log of {name}", tail) for name, tail in server_logs.tails()]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays until the end: garbage is not looked for meanwhile, nor
    in there afterwards.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: three for two cores, since some of the time a test waits for processes."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


# What takes longest. A worker has a file to itself, and one that begins late ends when the others
# have nothing left to do.
_FIRST = (
    "sdk_python/test_sdks.py",
    "sdk_node/test_sdks.py",
    "cluster/test_cluster.py",
    "cli/test_demo.py",
    "sandbox/test_conformance.py",
    "parsing/test_hostile.py",
    "cli/test_large_files.py",
    "wire/test_objects.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin first."""
    places = {name: place for place, name in enumerate(_FIRST)}
    items.sort(
        key=lambda item: places.get(f"{item.path.parent.name}/{item.path.name}", len(_FIRST))
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, with a template that has the schema."""
    try:
        server = PostgresServer()
    except NoServer as error:
        pytest.skip(f"PostgreSQL is not tested here: {error}")
    try:
        server.start()
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(_migrate(server.url(TEMPLATE), Path()))
        yield server
    finally:
        server.stop()


async def _migrate(url: str | None, data_dir: Path) -> None:
    database = connect(url, data_dir, bus=MemoryBus())
    await database.open()
    await database.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The URL of the template: for tests that only look, and leave at once."""
    return postgres_server.url(TEMPLATE)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that has the schema."""
    name = postgres_server.lend()
    yield postgres_server.url(name)
    postgres_server.take_back(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that has the schema."""
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(_migrate(None, folder))
    return folder / "perdure.db"


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """An S3 server of this test process."""
    server = ObjectStore()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What `PERDURE_DATABASE_URL` would be: None for SQLite, then the URL for PostgreSQL."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The data folder, which does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def schema(database_url: str | None, data_dir: Path, sqlite_template: Path) -> None:
    """The database has the schema before it is opened. To migrate takes ten times as long as to
    copy the file, and is tested by itself.
    """
    if database_url is None:
        data_dir.mkdir(mode=0o700)
        shutil.copy(sqlite_template, data_dir)


@pytest.fixture
def bus() -> MemoryBus:
    """The bus that the database tells."""
    return MemoryBus()


@pytest.fixture
async def database(
    database_url: str | None, data_dir: Path, bus: MemoryBus, schema: None
) -> AsyncIterator[Database]:
    """An open, empty database; the test runs once for each kind."""
    database = connect(database_url, data_dir, bus=bus)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def blobs(data_dir: Path) -> AsyncIterator[BlobStores]:
    """An open, empty blob store in the data folder."""
    blobs = connect_blobs(None, data_dir)
    await blobs.open()
    yield blobs
    await blobs.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parser]:
    """A parser that has started; for tests that are not about its life."""
    parser = SharedParser()
    path = tmp_path_factory.mktemp("parser") / "first.txt"
    path.write_text("The first file starts the fork server.")
    async for _ in parser.passages(path, path.name):
        pass
    yield parser
    await parser.end()
