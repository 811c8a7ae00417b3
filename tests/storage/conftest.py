"""Fixtures of the store's tests."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from perdure.storage.database import Database
from tests.storage.rows import RecordingBus


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def outsider(database: Database, database_url: str | None, data_dir: Path) -> Callable[[str], int]:
    """Counts the threads of an id through a connection of its own: sees what is committed."""

    def see(thread_id: str) -> int:
        if database_url is None:
            with sqlite3.connect(data_dir / "perdure.db") as file:
                found = file.execute("SELECT count(*) FROM threads WHERE id = ?", [thread_id])
                number: int = found.fetchone()[0]
            file.close()
            return number
        with psycopg.connect(database_url) as server:
            row = server.execute(
                "SELECT count(*) FROM threads WHERE id = %s", [thread_id]
            ).fetchone()
            assert row is not None
            return int(row[0])

    return see
