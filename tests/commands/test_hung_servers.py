"""A server that hangs in the middle of sending keeps its rows only until another one looks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from structlog.testing import capture_logs

from perdure.commands import leases, servers
from perdure.commands.servers import ServerIdentity
from perdure.engine.membership import Membership
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import Acts
from tests.commands.test_claims import claim, queued, taken

PROJECT = "proj_a"
# A server on SQLite is alone.
shared = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
_LOCK = "SELECT id FROM runs FOR UPDATE"


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


@contextmanager
def _session(url: str, *statements: str, program: str = "perdure") -> Iterator[psycopg.Connection]:
    """A session of another server that has executed some statements."""
    connection = psycopg.connect(url, autocommit=True, application_name=program)
    with closing(connection):
        for statement in statements:
            connection.execute(statement.encode())
        yield connection


@contextmanager
def _hung(url: str, *, program: str = "perdure") -> Iterator[psycopg.Connection]:
    """One that has locked all runs, and hangs between two statements that it sends together."""
    with _session(url, "BEGIN", _LOCK, program=program) as connection:
        connection.pgconn.enter_pipeline_mode()
        connection.pgconn.send_query_params(b"SELECT 1", None)
        connection.pgconn.send_flush_request()
        connection.pgconn.flush()
        with psycopg.connect(url, autocommit=True) as watcher:
            while not watcher.execute(
                "SELECT 1 FROM pg_stat_activity "
                "WHERE pid = %s AND wait_event = 'ClientRead' AND query = 'SELECT 1'",
                [connection.info.backend_pid],
            ).fetchall():
                pass
        yield connection


async def _end(database: Database) -> int:
    return await database.read(servers.end_hung, seconds=0)


@shared
async def test_a_run_that_a_hung_server_was_claiming_is_claimed_by_another(
    acts: Acts, database_url: str
) -> None:
    run = await queued(acts, PROJECT)
    with _hung(database_url):
        assert taken(await claim(acts)) == []
        assert await _end(acts.database) == 1
        assert taken(await claim(acts)) == [run.id]


@shared
async def test_a_run_that_a_hung_server_was_writing_is_freed(acts: Acts, database_url: str) -> None:
    held = await acts.claimed()
    with _hung(database_url):
        assert await _end(acts.database) == 1
        freed = await acts.database.write(
            leases.rescue, now=held.lease.until + 1, everybody=False, limit=5
        )
    assert [each.run_id for each in freed] == [held.run_id]


@shared
async def test_no_session_is_ended_that_may_stand_still(acts: Acts, database_url: str) -> None:
    """Not one that only reads, another program's, or one that PostgreSQL's own limits hold for."""
    await queued(acts, PROJECT)
    with (
        _session(database_url, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1"),
        _session(database_url, "BEGIN", "UPDATE threads SET body = body") as idle,
        _hung(database_url, program="psql") as other,
    ):
        assert await _end(acts.database) == 0
        assert idle.execute("SELECT 1").fetchone() == (1,)
        assert other.pgconn.transaction_status != psycopg.pq.TransactionStatus.UNKNOWN


@shared
async def test_a_server_that_pauses_for_a_moment_keeps_its_session(
    acts: Acts, database_url: str
) -> None:
    await queued(acts, PROJECT)
    with _hung(database_url):
        assert await acts.database.read(servers.end_hung) == 0


async def test_where_nothing_hangs_nothing_is_said(database: Database) -> None:
    clock = ManualClock()
    server = ServerIdentity("server_1", "a:1", "1.2", "all", clock.now())
    membership = Membership(server, database, clock, lease_seconds=10, in_hand=tuple)
    with capture_logs() as logs:
        await membership.end_hung()
    assert logs == []
