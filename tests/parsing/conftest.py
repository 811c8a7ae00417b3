"""The tests of a module share one parser: its start takes a second."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from perdure.parsing.limits import ParsingLimits
from perdure.parsing.parser import Parser
from tests.patience import PATIENCE_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    """A parser with the limits that it has by itself, but for time."""
    parser = Parser(ParsingLimits(seconds=PATIENCE_SECONDS))
    yield parser
    await parser.close()


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A text of many batches: a child has to wait until they are taken."""
    path = tmp_path / "long.txt"
    path.write_text("All work and no play. " * 100_000)
    return path
