"""The deliveries in a database, looked at from outside."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

import psycopg

_ROWS = """
    SELECT id, webhook, run_id, event, status, attempts, due_at, ended_at, last_error, data
    FROM webhook_deliveries ORDER BY told_at, event, webhook"""


class Row(NamedTuple):
    id: str
    webhook: str
    run_id: str
    event: str
    status: str
    attempts: int
    due_at: float
    ended_at: int | None
    last_error: str | None
    data: str | None


def look(url: str | None, data_dir: Path) -> list[Row]:
    """All rows, in the order of their events."""
    if url is not None:
        with psycopg.connect(url) as connection:
            return [Row(*row) for row in connection.execute(_ROWS)]
    file = sqlite3.connect(data_dir / "perdure.db")
    try:
        return [Row(*row) for row in file.execute(_ROWS)]
    finally:
        file.close()
