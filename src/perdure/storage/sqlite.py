"""The embedded database: one SQLite file in the data folder, and one process that uses it."""

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from filelock import FileLock, Timeout

from perdure.bus.bus import Bus
from perdure.errors import ConfigurationError
from perdure.metrics import Metrics
from perdure.storage import statements
from perdure.storage.database import Row, Transaction
from perdure.storage.migrate import migrate
from perdure.storage.readers import Readers, closed_error
from perdure.storage.reserve import Reserve
from perdure.storage.statements import Statements
from perdure.storage.writer import Writer, WriterFault, disk_full_error, unavailable_error
from perdure.wire.events import Publication

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger(__name__)

FILE_NAME = "perdure.db"
# Whoever can read the file can read all that is stored.
FILE_MODE = 0o600
_MAPPED_BYTES = 2**31
# A disk that is full is looked at again after this.
_LOOK_SECONDS = 1.0
_READERS = 4
# RETURNING
_OLDEST = (3, 35, 0)

# The errors of SQLite's file and machine; all else is the statement's own fault.
_REFUSALS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


# The errors of a full disk: the first for most calls, the others for some.
_NO_SPACE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


def _fault(error: Exception, reserve: Reserve) -> WriterFault:
    # The primary result code is in the low byte of the extended one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code in _NO_SPACE and reserve.has_no_space()):
        return WriterFault.FULL
    return WriterFault.REFUSED if code in _REFUSALS else WriterFault.OWN


class _Transaction:
    """See `Transaction`."""

    def __init__(self, connection: sqlite3.Connection, named: Statements) -> None:
        self.published: list[tuple[str, Publication]] = []
        self._execute = connection.execute
        self._named = named

    def one(self, statement: str, **params: object) -> Row | None:
        row: Row | None = self._execute(self._named[statement], params).fetchone()
        return row

    def all(self, statement: str, **params: object) -> list[Row]:
        return self._execute(self._named[statement], params).fetchall()

    def run(self, statement: str, **params: object) -> int:
        return self._execute(self._named[statement], params).rowcount

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        sql = self._named[statement]
        return [row for each in params for row in self._execute(sql, each).fetchall()]

    def publish(self, topic: str, publication: Publication) -> None:
        self.published.append((topic, publication))


class _Connection:
    """The writer's connection; see `writer.WriterConnection`."""

    def __init__(self, connection: sqlite3.Connection, named: Statements, reserve: Reserve) -> None:
        self._connection = connection
        self._named = named
        self._reserve = reserve

    def begin(self, *, grouped: bool) -> None:  # noqa: ARG002
        try:
            # IMMEDIATE: a transaction that found out later that it must write could not wait.
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _fault(error, self._reserve) is WriterFault.FULL:
                raise
            raise unavailable_error(error) from error  # another program has locked the file

    def transaction(self) -> _Transaction:
        return _Transaction(self._connection, self._named)

    def savepoint(self) -> None:
        self._connection.execute("SAVEPOINT command")

    def release(self) -> None:
        self._connection.execute("RELEASE command")

    def rollback_to_savepoint(self) -> None:
        self._connection.execute("ROLLBACK TO command")
        self._connection.execute("RELEASE command")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # the next BEGIN will tell
                self._connection.execute("ROLLBACK")

    def fault(self, error: Exception) -> WriterFault:
        fault = _fault(error, self._reserve)
        if fault is WriterFault.FULL and self._reserve.give_up():
            _log.warning("disk_full")
        return fault

    def close(self) -> None:
        self._connection.close()


class _Schema:
    """See `migrate.Schema`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, script: str) -> None:
        # Not executescript(): it would commit first.
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                self._connection.execute(statement)
                statement = ""
        self._connection.execute(statement)

    def names(self, query: str) -> set[str]:
        return {row["name"] for row in self._connection.execute(query)}


@contextmanager
def snapshot(path: Path) -> Iterator[Transaction]:
    """Yields a snapshot of the file, for reading only; a server may be using it meanwhile.

    Raises `ConfigurationError` where it cannot be read.
    """
    try:
        connection = open_to_read(path)
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from None
    try:
        yield _Transaction(connection, statements.load("sqlite"))
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from None
    finally:
        connection.close()


def files_of(folder: Path) -> list[Path]:
    """Returns the files of the database in a data folder that are there."""
    paths = (folder / f"{FILE_NAME}{suffix}" for suffix in ("", "-wal", "-shm"))
    return [path for path in paths if path.exists()]


def open_to_read(path: Path) -> sqlite3.Connection:
    """Opens a connection that changes nothing, not even beside the file, with a snapshot begun."""
    # Without a log beside it nobody has it open, and SQLite need not make one to read it.
    quiet = not path.with_name(f"{path.name}-wal").exists()
    options = "mode=ro&immutable=1" if quiet else "mode=ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    # The reader of a row finds out that it is no UTF-8, and goes on with the next one.
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    connection.execute("BEGIN")
    return connection


class SQLite:
    """See `Database`. `path` is the database file; its folder, the data folder, is locked.

    `beside`: a tool that shares the file with a server and leaves the folder and the schema to it.
    """

    def __init__(
        self, path: Path, *, bus: Bus, beside: bool = False, metrics: Metrics | None = None
    ) -> None:
        self._metrics = metrics
        self.exclusive = not beside
        self._beside = beside
        self._path = path
        self._bus = bus
        self._reserve = Reserve(path.with_name("reserve"))
        self._looked = 0.0
        # Not bound to a thread: it is taken in one and given back in another.
        self._lock = FileLock(path.parent / "perdure.lock", thread_local=False)
        self._named = statements.load("sqlite")
        self._readers: deque[sqlite3.Connection] = deque()
        self._threads = Readers(self._read, count=_READERS)
        self._writer: Writer | None = None

    @property
    def is_full(self) -> bool:
        return not self._reserve.is_there

    async def require_space(self) -> None:
        """See `Database.require_space`."""
        if self.is_full and time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            if await asyncio.to_thread(self._reserve.take):
                _log.info("disk_has_room")
        if self.is_full:
            raise disk_full_error()

    async def open(self) -> None:
        """See `Database.open`; also locks the data folder for this process."""
        connection = await asyncio.to_thread(self._take_folder)
        self._writer = Writer(
            _Connection(connection, self._named, self._reserve),
            bus=self._bus,
            metrics=self._metrics,
        )
        self._threads.open()

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write`."""
        if self._writer is None:
            raise closed_error()
        return await self._writer.write(command, *args, **kwargs)

    def write_now(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write_now`."""
        if self._writer is None:
            raise closed_error()
        return self._writer.write_now(command, *args, **kwargs)

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        return await self._threads.read(query, *args, **kwargs)

    async def close(self) -> None:
        """See `Database.close`."""
        writer, self._writer = self._writer, None
        await self._threads.close()
        while self._readers:
            self._readers.pop().close()
        if writer is not None:
            # The last connection to close folds the write-ahead log into the file.
            await writer.close()
        if not self._beside:
            self._reserve.give_up()
            self._lock.release()

    def _read(self, query: Callable[[Transaction], T]) -> T:
        """Runs a query on a connection that is not in use."""
        reader = self._readers.pop()
        try:
            # The snapshot begins with the first statement and ends with COMMIT.
            reader.execute("BEGIN")
            try:
                return query(_Transaction(reader, self._named))
            finally:
                if reader.in_transaction:  # an I/O error ends it
                    reader.execute("COMMIT")
        except sqlite3.Error as error:
            # A query that would write: the connection refuses it, not the file.
            wrote = error.sqlite_errorcode == sqlite3.SQLITE_READONLY
            fault = _fault(error, self._reserve)
            if wrote or fault is WriterFault.OWN:
                raise
            raise unavailable_error(error, fault) from error
        finally:
            self._readers.append(reader)

    def _take_folder(self) -> sqlite3.Connection:
        """Locks the data folder, opens the file and migrates it to the current schema."""
        folder = self._path.parent
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigurationError(
                f"SQLite {sqlite3.sqlite_version} is too old: Perdure needs 3.35 or newer."
            )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._beside:
                self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigurationError(
                f"The data folder {folder} is in use by another perdure process."
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {folder} cannot be written: {error.strerror}."
            ) from error
        try:
            return self._open_file()
        except sqlite3.Error as error:
            self._lock.release()
            if _fault(error, self._reserve) is WriterFault.FULL:
                raise self._no_space() from error
            raise ConfigurationError(
                f"The database file {self._path} cannot be opened: {error}."
            ) from error
        except ConfigurationError:
            self._lock.release()
            raise

    def _no_space(self) -> ConfigurationError:
        return ConfigurationError(
            f"The disk of the data folder {self._path.parent} is full: make room on it, then start "
            "again."
        )

    def _open_file(self) -> sqlite3.Connection:
        if not self._beside and not self._reserve.take():
            if self._reserve.has_no_space():
                raise self._no_space()
            _log.warning("disk_full")
        self._keep_private()
        connection = self._connect()
        try:
            _check_write_ahead_log(connection)
            # Before foreign_keys is on, so that a migration may rebuild a table.
            connection.execute("BEGIN IMMEDIATE")
            if not self._beside:
                migrate(_Schema(connection), "sqlite")
            connection.execute("COMMIT")
            # Each commit reaches the disk; group commit pays for it.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            for _ in range(_READERS):
                reader = self._connect()
                self._readers.append(reader)
                reader.execute("PRAGMA query_only = ON")
                # In KiB. Searches of large stores read many pages again and again: from the
                # system's cache directly, as far as SQLite maps a file, which is 2 GiB.
                reader.execute("PRAGMA cache_size = -16384")
                reader.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
        except (sqlite3.Error, ConfigurationError):
            connection.close()
            raise
        return connection

    def _keep_private(self) -> None:
        """Makes the file and its neighbours readable by their owner alone: the folder may be open
        to others. SQLite gives a new log the mode of the file.
        """
        with suppress(OSError):  # SQLite says what is wrong with it
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE))
        for path in files_of(self._path.parent):
            with suppress(OSError):  # another user's: `exposure` tells of it
                path.chmod(FILE_MODE)

    def _connect(self) -> sqlite3.Connection:
        # Each connection is used by one thread at a time, not always the same.
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 5000")
        return connection


def _check_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on, so that readers and the writer do not wait for each other."""
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise ConfigurationError(
            "The data folder is on a file system where SQLite cannot keep a write-ahead log; "
            "use a local disk."
        )
