"""Every test of the index runs on SQLite and on PostgreSQL."""

import pytest

from perdure.store.database import Database
from tests.retrieval.shelf import Shelf


@pytest.fixture
def shelf(database: Database) -> Shelf:
    """An empty database, and short ways to fill it."""
    return Shelf(database)
