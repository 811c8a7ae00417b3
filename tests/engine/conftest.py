from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import stamina

from perdure.bus.memory import MemoryBus
from perdure.storage import BlobStores
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from tests.engine.stage import Stage
from tests.engine.upstream import Upstream
from tests.model_servers.fixture import ModelServer, model_server, model_server_process

__all__ = ["model_server", "model_server_process"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stage(
    database: Database, bus: MemoryBus, blobs: BlobStores, clock: ManualClock, tmp_path: Path
) -> Stage:
    """An engine's means; the test runs on both databases."""
    return Stage(database, bus, blobs, clock, tmp_path / "reading")


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
