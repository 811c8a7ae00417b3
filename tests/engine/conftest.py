import pytest

from perdure.bus.memory import MemoryBus
from perdure.clock import ManualClock
from perdure.store.database import Database
from tests.engine.stage import Stage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stage(database: Database, bus: MemoryBus, clock: ManualClock) -> Stage:
    """An engine's means; the test runs on both databases."""
    return Stage(database, bus, clock)
