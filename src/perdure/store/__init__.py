"""Durable facts: SQL databases behind one seam. Only this package knows a database driver."""

from pathlib import Path

from perdure.bus.bus import Bus
from perdure.errors import ConfigurationError
from perdure.store.database import Database
from perdure.store.postgres import PostgreSQL
from perdure.store.sqlite import SQLite

__all__ = ["Database", "PostgreSQL", "SQLite", "connect"]


def connect(url: str | None, data_dir: Path, *, bus: Bus) -> Database:
    """The database that the settings ask for, not yet open: the one at the URL, or without a
    URL the file `perdure.db` in the data folder.

    Raises `ConfigurationError` for a URL that is not PostgreSQL's.
    """
    if url is None:
        return SQLite(data_dir / "perdure.db", bus=bus)
    if not url.startswith(("postgresql://", "postgres://")):
        # Not shown: what comes first in a malformed URL may be its password.
        raise ConfigurationError("The database URL must begin with postgresql://.")
    return PostgreSQL(url, bus=bus)
