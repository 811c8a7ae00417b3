"""Every test of the index runs on SQLite and on PostgreSQL."""

import pytest

from perdure.storage.database import Database
from tests.retrieval.filled_stores import FilledStore


@pytest.fixture
def filled(database: Database) -> FilledStore:
    """An empty database, and short ways to fill it."""
    return FilledStore(database)
