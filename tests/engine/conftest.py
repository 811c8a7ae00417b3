from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import stamina

from perdure.bus.memory import MemoryBus
from perdure.clock import ManualClock
from perdure.retrieval.parse import Parser
from perdure.store.blobs import Blobs
from perdure.store.database import Database
from tests.engine.stage import SharedParser, Stage
from tests.engine.upstream import Upstream
from tests.model_servers.fixture import ModelServer, model_server, model_server_process

__all__ = ["model_server", "model_server_process"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stage(
    database: Database, bus: MemoryBus, blobs: Blobs, clock: ManualClock, tmp_path: Path
) -> Stage:
    """An engine's means; the test runs on both databases."""
    return Stage(database, bus, blobs, clock, tmp_path / "reading")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parser]:
    """A parser that has started; for tests that are not about its life."""
    parser = SharedParser()
    path = tmp_path_factory.mktemp("parser") / "first.txt"
    path.write_text("The first file starts the nursery.")
    async for _ in parser.passages(path, path.name):
        pass
    yield parser
    await parser.end()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Model calls that failed are repeated at once, as often as in earnest."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
async def upstream(
    stage: Stage, model_server: ModelServer, impatient: None
) -> AsyncIterator[Upstream]:
    """The stage with a model server, which is a process of its own, in place of the script."""
    upstream = Upstream(stage, model_server)
    yield upstream
    await upstream.close()
