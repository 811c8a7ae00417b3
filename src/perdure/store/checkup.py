"""Looks at a database without changing it: what `perdure doctor` tells of it."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

import psycopg

from perdure.errors import ConfigurationError
from perdure.store.sqlite import open_to_read

_MIGRATIONS = Path(__file__).parent / "migrations"
_NAMES = "SELECT name FROM schema_migrations"
_CONNECT_SECONDS = 5


class Seen(NamedTuple):
    """What was found; `pending` says whether opening it would migrate the schema."""

    text: str
    pending: bool


def look(url: str | None, data_dir: Path) -> Seen:
    """Looks at the database that `store.connect` would open.

    Raises `ConfigurationError` where it cannot be opened, or is of a newer version.
    """
    if url is not None:
        return _compare(_postgres(url), "postgres")
    path = data_dir / "perdure.db"
    if not path.exists():
        return Seen(f"{path.name} will be made by the first start", pending=False)
    return _compare(_sqlite(path), "sqlite")


def _compare(done: set[str], dialect: str) -> Seen:
    known = {file.stem for file in (_MIGRATIONS / dialect).glob("[0-9]*.sql")}
    if newer := done - known:
        raise ConfigurationError(
            f"a newer version of Perdure has used it (its schema has {max(newer)})"
        )
    if missing := known - done:
        return Seen(f"its schema lacks {', '.join(sorted(missing))}", pending=True)
    return Seen("its schema is current", pending=False)


def _sqlite(path: Path) -> set[str]:
    try:
        connection = open_to_read(path)
        try:
            tables = connection.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'"
            ).fetchall()
            return {name for (name,) in connection.execute(_NAMES)} if tables else set()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from None


def _postgres(url: str) -> set[str]:
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.read_only = True
            found = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
            if found is None or found[0] is None:
                return set()
            return {name for (name,) in connection.execute(_NAMES)}
    except psycopg.Error as error:
        # the driver's first line says why; the others are hints of the C library
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"it cannot be reached: {reason}") from None
