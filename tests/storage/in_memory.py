"""An SQLite database in memory that has the schema: for statements alone, without a server."""

import sqlite3

from perdure.storage.migrate import migrations


def migrated() -> sqlite3.Connection:
    """A connection to it; each statement is its own transaction, unless one is begun."""
    file = sqlite3.connect(":memory:", isolation_level=None)
    # The note of what has run; `migrate` makes it, and no migration.
    file.execute("CREATE TABLE schema_migrations (name TEXT PRIMARY KEY)")
    for script in migrations("sqlite").values():
        file.executescript(script)
    return file
