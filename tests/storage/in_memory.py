"""An SQLite database in memory that has the schema: for statements alone, without a server."""

import sqlite3
from pathlib import Path

from perdure.storage import statements


def migrated() -> sqlite3.Connection:
    """A connection to it; each statement is its own transaction, unless one is begun."""
    file = sqlite3.connect(":memory:", isolation_level=None)
    folder = Path(statements.__file__).parent / "migrations" / "sqlite"
    for migration in sorted(folder.glob("[0-9]*.sql")):
        file.executescript(migration.read_text())
    return file
