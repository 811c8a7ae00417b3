"""A report on a database for `perdure doctor`, made without changing it."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

from perdure.errors import ConfigurationError
from perdure.storage.migrate import migrations
from perdure.storage.sqlite import FILE_NAME, files_of, open_to_read
from perdure.storage.statements import Dialect

_NAMES = "SELECT name FROM schema_migrations"
_DELIVERIES = """
    SELECT status, count(*) FROM webhook_deliveries
    WHERE status IN ('waiting', 'given_up') GROUP BY status"""
_LEARNT = """
    SELECT server, model, name, learnt_at FROM adjustments
    ORDER BY server, model, name LIMIT 10000"""
_SERVERS = """
    SELECT id, address, version, role, started_at, seen_at, runs FROM servers
    ORDER BY started_at, id LIMIT 1000"""
_QUEUED = "SELECT count(*) FROM (SELECT 1 FROM runs WHERE status = 'queued' LIMIT 100000) AS found"
_INDEXED = """
    SELECT rules, stemmer, CAST(sum(live) AS BIGINT) FROM segments
    WHERE dropped = 0 GROUP BY rules, stemmer"""
# `index_renewal` came with the columns that tell the rules of a segment.
_TABLES = (
    "schema_migrations", "webhook_deliveries", "adjustments", "servers", "runs", "index_renewal",
)  # fmt: skip
_CONNECT_SECONDS = 5
_OTHERS, _OTHERS_WRITE = 0o077, 0o022


class ServerRow(NamedTuple):
    """A server of the database: where it listens, what it is, when it started and was seen last, in
    Unix seconds, and how many runs it works on.
    """

    id: str
    address: str
    version: str
    role: str
    started_at: float
    seen_at: float
    runs: int


class DatabaseReport(NamedTuple):
    """The state of a database; `pending` is true if opening it would migrate the schema.

    `waiting` and `given_up` count the deliveries to webhooks. `learnt` are the server, the model,
    the name and the time of each adjustment that is stored, in their order. `servers` are those
    that share the database, or did; `queued` counts the runs that wait. `indexed` are the number of
    the rules, the version of the stemmer and the number of the chunks that are indexed by them.
    """

    text: str
    pending: bool
    waiting: int = 0
    given_up: int = 0
    learnt: Sequence[tuple[str, str, str, int]] = ()
    servers: Sequence[ServerRow] = ()
    queued: int = 0
    indexed: Sequence[tuple[int, int, int]] = ()


class _Content(NamedTuple):
    """The migrations that were run, the deliveries by their status, the adjustments learnt, the
    servers, the number of runs that wait, and the chunks that are indexed by each set of rules.
    """

    migrations: set[str]
    deliveries: dict[str, int]
    learnt: list[tuple[str, str, str, int]]
    servers: list[ServerRow]
    queued: int
    indexed: list[tuple[int, int, int]]


def look(url: str | None, data_dir: Path) -> DatabaseReport:
    """Reports on the database that `storage.connect` would open.

    Raises `ConfigurationError` where it cannot be opened, or is of a newer version.
    """
    if url is not None:
        return _compare(_postgres(url), "postgres")
    path = data_dir / FILE_NAME
    if not path.exists():
        return DatabaseReport(f"{path.name} will be made by the first start", pending=False)
    return _compare(_sqlite(path), "sqlite")


def exposure(data_dir: Path) -> str | None:
    """Returns what other users of this machine can do with the data folder, in half a sentence;
    None if nothing, and if there is no folder.
    """
    if os.name != "posix" or not data_dir.is_dir():
        return None
    for path in files_of(data_dir):
        if others := exposure_of(path):
            return others
    mode = _mode(data_dir)
    if mode & _OTHERS_WRITE:
        return f"others can add, delete and replace files in it (mode {mode:o})"
    if mode & _OTHERS:
        return f"others can look into it (mode {mode:o})"
    return None


def exposure_of(path: Path) -> str | None:
    """Returns what other users of this machine can do with a file; None if nothing."""
    if os.name != "posix" or not (mode := _mode(path)) & _OTHERS:
        return None
    return f"others can read or change {path.name} (mode {mode:o})"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _compare(content: _Content, dialect: Dialect) -> DatabaseReport:
    done = content.migrations
    known = migrations(dialect).keys()
    if newer := done - known:
        raise ConfigurationError(
            f"a newer version of Perdure has used it (its schema has {max(newer)})"
        )
    if missing := known - done:
        return DatabaseReport(f"its schema lacks {', '.join(sorted(missing))}", pending=True)
    count = content.deliveries.get
    return DatabaseReport(
        "its schema is current",
        False,
        count("waiting", 0),
        count("given_up", 0),
        content.learnt,
        content.servers,
        content.queued,
        content.indexed,
    )


def _content(
    tables: set[str], rows: Callable[[LiteralString], Iterable[tuple[Any, ...]]]
) -> _Content:
    """Reads the tables, as far as the database has them."""
    return _Content(
        {name for (name,) in rows(_NAMES)} if "schema_migrations" in tables else set(),
        dict(rows(_DELIVERIES)) if "webhook_deliveries" in tables else {},
        list(rows(_LEARNT)) if "adjustments" in tables else [],
        [ServerRow(*row) for row in rows(_SERVERS)] if "servers" in tables else [],
        sum(number for (number,) in rows(_QUEUED)) if "runs" in tables else 0,
        list(rows(_INDEXED)) if "index_renewal" in tables else [],
    )


def _sqlite(path: Path) -> _Content:
    try:
        connection = open_to_read(path)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            return _content(tables, lambda query: connection.execute(query))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from None


def _postgres(url: str) -> _Content:
    from perdure.storage.postgres import check_url

    check_url(url)
    import psycopg  # only this database needs it

    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.read_only = True
            tables = {
                name
                for name in _TABLES
                if connection.execute("SELECT to_regclass(%s)", [name]).fetchone() != (None,)
            }
            return _content(tables, lambda query: connection.execute(query))
    except psycopg.Error as error:
        # the driver's first line says why; the others are hints of the C library
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"it cannot be reached: {reason}") from None
