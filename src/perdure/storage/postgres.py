"""The shared database: a PostgreSQL server, and any number of processes that use it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from perdure import urls
from perdure.bus.bus import Bus
from perdure.errors import ConfigurationError
from perdure.metrics import Metrics
from perdure.storage import statements
from perdure.storage.database import Row, Transaction
from perdure.storage.migrate import migrate
from perdure.storage.readers import Readers, closed_error
from perdure.storage.statements import Statements
from perdure.storage.writer import Writer, WriterFault, unavailable_error
from perdure.wire.events import Publication

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 4
_OLDEST = 150_000
# Processes that start together migrate in turn. Any number will do, as long as it stays.
_BEGIN_MIGRATION = (
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SELECT pg_advisory_xact_lock(7203114450018)"
)
# A peer that vanished is noticed within about half a minute.
_CONNECT: dict[str, Any] = {
    "application_name": "perdure",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# Whoever waits for a row keeps all later writes of its process waiting; from a process that
# hangs in mid-transaction the server takes its rows away.
_LIMITS = (
    "SET statement_timeout = '30s'; SET lock_timeout = '2s'; "
    "SET idle_in_transaction_session_timeout = '10s'"
)
_BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# A batch holds rows; that long it waits for another's, then its commands go one by one.
_BEGIN_GROUP = "BEGIN; SET LOCAL lock_timeout = '100ms'"

_COLLISIONS = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
# The server ends the session, such as when it restarts.
_FAREWELLS = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
)

_PgConnection = psycopg.Connection[DictRow]


class _Transaction:
    """See `Transaction`."""

    def __init__(self, cursor: psycopg.Cursor[DictRow], named: Statements) -> None:
        self.published: list[tuple[str, Publication]] = []
        self._cursor = cursor
        self._named = named

    def one(self, statement: str, **params: object) -> Row | None:
        return self._cursor.execute(self._named[statement], params).fetchone()

    def all(self, statement: str, **params: object) -> list[Row]:
        return [*self._cursor.execute(self._named[statement], params).fetchall()]

    def run(self, statement: str, **params: object) -> int:
        return self._cursor.execute(self._named[statement], params).rowcount

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        # psycopg sends them all at once and takes the answers together.
        each = [*params]
        rows: list[Row] = []
        if each:
            self._cursor.executemany(self._named[statement], each, returning=True)
            more: bool | None = True
            while more:
                if self._cursor.description is not None:
                    rows += self._cursor.fetchall()
                more = self._cursor.nextset()
        return rows

    def publish(self, topic: str, publication: Publication) -> None:
        self.published.append((topic, publication))


class _Connection:
    """The writer's connection; see `writer.WriterConnection`. If it has none, it connects with the
    first transaction.
    """

    def __init__(self, connection: _PgConnection | None, url: str, named: Statements) -> None:
        self._open = connection
        self._url = url
        self._named = named
        self._release = ""
        if connection is not None:
            self._cursor = connection.cursor()

    @property
    def _connection(self) -> _PgConnection:
        assert self._open is not None  # noqa: S101 # a transaction has begun
        return self._open

    def begin(self, *, grouped: bool) -> None:
        if self._open is None or self._open.closed:
            try:
                self._open = _connect(self._url)
            except psycopg.Error as error:
                raise unavailable_error(error) from error
            self._cursor = self._open.cursor()
        self._cursor.execute(_BEGIN_GROUP if grouped else "BEGIN")
        self._release = ""

    def transaction(self) -> _Transaction:
        return _Transaction(self._cursor, self._named)

    def savepoint(self) -> None:
        self._cursor.execute(f"{self._release}SAVEPOINT command")
        self._release = ""

    def release(self) -> None:
        self._check()
        # Sent together with what comes next: a round trip less for each command.
        self._release = "RELEASE command; "

    def rollback_to_savepoint(self) -> None:
        self._cursor.execute("ROLLBACK TO command; RELEASE command")

    def commit(self) -> None:
        self._check()
        self._cursor.execute("COMMIT")

    def rollback(self) -> None:
        if self._open is None:
            return
        try:
            self._connection.rollback()
        except psycopg.Error:
            self._connection.close()

    def _check(self) -> None:
        """Raises an error if the transaction has failed: PostgreSQL would then take COMMIT for
        ROLLBACK, without an error.
        """
        if self._connection.info.transaction_status is TransactionStatus.INERROR:
            raise errors.InFailedSqlTransaction("a command went on after an error of the database")

    def fault(self, error: Exception) -> WriterFault:
        # After a failover the URL may lead to the new primary, and this connection does not.
        if isinstance(error, errors.ReadOnlySqlTransaction) or _fault(error) is WriterFault.LOST:
            self._connection.close()
            return WriterFault.LOST
        return _fault(error)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()


def _fault(error: Exception) -> WriterFault:
    if isinstance(error, _COLLISIONS):
        return WriterFault.COLLISION
    if isinstance(error, errors.UniqueViolation):
        return WriterFault.TAKEN
    if isinstance(error, _FAREWELLS):
        return WriterFault.LOST
    if isinstance(error, errors.DiskFull):
        return WriterFault.FULL
    if isinstance(error, psycopg.OperationalError):
        # Without a code it is not the server that speaks.
        return WriterFault.REFUSED if error.sqlstate else WriterFault.LOST
    return WriterFault.OWN


class _Schema:
    """See `migrate.Schema`."""

    def __init__(self, connection: _PgConnection) -> None:
        self._connection = connection

    def run(self, script: str) -> None:
        self._connection.execute(script)

    def names(self, query: str) -> set[str]:
        rows = self._connection.execute(query).fetchall()
        return {row["name"] for row in rows}


def _connect(url: str) -> _PgConnection:
    connection = psycopg.connect(
        url, autocommit=True, row_factory=dict_row, **connection_settings(url)
    )
    _limit(connection)
    return connection


def connection_settings(url: str) -> dict[str, Any]:
    """Returns our settings of the connection, as far as the URL does not set them."""
    said = conninfo_to_dict(url)
    return {name: value for name, value in _CONNECT.items() if name not in said}


def _limit(connection: _PgConnection) -> None:
    connection.execute(_LIMITS)


@contextmanager
def snapshot(url: str) -> Iterator[Transaction]:
    """Yields a snapshot of the database, for reading only; servers may be using it meanwhile.

    Raises `ConfigurationError` where it cannot be read.
    """
    check_url(url)
    try:
        with psycopg.connect(
            url, autocommit=True, row_factory=dict_row, **connection_settings(url)
        ) as connection:
            connection.execute(_BEGIN_SNAPSHOT)
            yield _Transaction(connection.cursor(), statements.load("postgres"))
    except psycopg.Error as error:
        # the driver's first line says why; the others are hints of the C library
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"it cannot be read: {reason}") from None


class PostgreSQL:
    """See `Database`. `url` is a libpq connection URL, `postgresql://…`."""

    exclusive = False
    # Its disk is its own business: there is no reserve to be given up.
    is_full = False

    def __init__(self, url: str, *, bus: Bus, metrics: Metrics | None = None) -> None:
        self._url = url
        self._metrics = metrics
        self._bus = bus
        self._named = statements.load("postgres")
        self._readers: ConnectionPool[_PgConnection] | None = None
        self._threads = Readers(self._read, count=_READERS)
        self._writer: Writer | None = None
        self._urgent: Writer | None = None

    async def require_space(self) -> None:
        """See `Database.require_space`."""

    async def open(self) -> None:
        """See `Database.open`."""
        connection = await asyncio.to_thread(self._connect_and_migrate)
        self._writer = Writer(
            _Connection(connection, self._url, self._named), bus=self._bus, metrics=self._metrics
        )
        self._urgent = Writer(
            _Connection(None, self._url, self._named), bus=self._bus, metrics=self._metrics
        )
        self._readers = ConnectionPool(
            self._url,
            connection_class=_PgConnection,
            kwargs={"autocommit": True, "row_factory": dict_row, **connection_settings(self._url)},
            configure=_limit,
            min_size=1,
            max_size=_READERS,
            timeout=10,
            name="perdure-readers",
            open=True,
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
        """See `Database.write_now`; over a connection of its own, which waits for no batch."""
        if self._urgent is None:
            raise closed_error()
        return self._urgent.write_now(command, *args, **kwargs)

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        return await self._threads.read(query, *args, **kwargs)

    async def close(self) -> None:
        """See `Database.close`."""
        readers, self._readers = self._readers, None
        writers, self._writer, self._urgent = (self._writer, self._urgent), None, None
        await self._threads.close()
        if readers is not None:
            await asyncio.to_thread(readers.close)
        for writer in writers:
            if writer is not None:
                await writer.close()

    def _read(self, query: Callable[[Transaction], T]) -> T:
        """Runs a query, and once more if its connection turns out to be gone."""
        pool = self._readers
        assert pool is not None  # noqa: S101 # closed after the threads
        try:
            return self._read_once(pool, query)
        except psycopg.Error as error:
            if _fault(error) is WriterFault.OWN:
                raise
            fault = _fault(error)
            if fault in (WriterFault.REFUSED, WriterFault.FULL) or isinstance(error, PoolTimeout):
                raise unavailable_error(error, fault) from error
        try:
            # A fault such as a restart breaks all connections.
            pool.check()
            return self._read_once(pool, query)
        except psycopg.Error as error:
            if _fault(error) is WriterFault.OWN:
                raise
            raise unavailable_error(error) from error

    def _read_once(
        self, pool: ConnectionPool[_PgConnection], query: Callable[[Transaction], T]
    ) -> T:
        # Commits on the way out. Binary: what searches read is mostly bytes, twice as
        # long as text.
        with pool.connection() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(_BEGIN_SNAPSHOT)
            return query(_Transaction(cursor, self._named))

    def _connect_and_migrate(self) -> _PgConnection:
        check_url(self._url)
        connection = None
        try:
            connection = _connect(self._url)
            _check_server(connection)
            connection.execute(_BEGIN_MIGRATION)
            migrate(_Schema(connection), "postgres")
            connection.execute("COMMIT")
        except (psycopg.Error, ConfigurationError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, ConfigurationError):
                raise
            reason = " ".join(str(error).split("\n")[0].split()).rstrip(".")
            raise ConfigurationError(
                f"The PostgreSQL database cannot be opened: {reason}."
            ) from error
        return connection


def check_url(url: str) -> None:
    """Checks that libpq takes no part of a URL's password for something else, which its messages
    would show to the user. Raises `ConfigurationError`.
    """
    try:
        urls.split(url)
        said = conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        said = {"host": "@"}
    if any("@" in str(said.get(name, "")) for name in ("host", "port", "dbname")):
        raise ConfigurationError(
            "The database URL is malformed; it should look like postgresql://user:password@host"
            ":5432/database, with special characters in the password percent-encoded."
        ) from None


def _check_server(connection: _PgConnection) -> None:
    if connection.info.server_version < _OLDEST:
        raise ConfigurationError(
            f"PostgreSQL {connection.info.server_version // 10_000} is too old: "
            f"Perdure needs {_OLDEST // 10_000} or newer."
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The PostgreSQL database has the encoding {encoding}; Perdure needs UTF8."
        )
