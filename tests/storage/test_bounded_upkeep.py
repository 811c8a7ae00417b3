"""What loops look for is found without a look at what is at rest, however much that is."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from perdure.storage import statements
from tests.databases import PostgresServer
from tests.storage.in_memory import migrated
from tests.storage.test_bounded_reads import rows_read

NOW = 1_000_000
FEW, MANY = 50, 5_000
LIMIT = 5
# Each with what it is given, and how many rows it finds.
LOOKS: dict[str, tuple[dict[str, object], int]] = {
    "blobs.doomed": ({"location": "database", "after": "", "limit": LIMIT}, LIMIT),
    "blobs.unlocated": ({"after": "", "limit": LIMIT}, 0),
    "blobs.doom_lapsed": ({"now": NOW}, 0),
    "files.due": ({"now": NOW, "limit": LIMIT}, 0),
    "uploads.due": ({"now": NOW, "limit": LIMIT}, 0),
    "runs.due": ({"now": NOW, "limit": LIMIT}, 0),
    "runs.interrupted_of_owner": ({"owner": "worker_1", "now": NOW}, 1),
    "runs.lapsed": ({"now": NOW, "limit": LIMIT}, 1),
    "runs.queued": ({"limit": LIMIT}, LIMIT),
    "runs.traced_before": ({"before": NOW, "limit": LIMIT}, LIMIT),
    "vector_stores.expired": ({"now": NOW, "limit": LIMIT}, 1),
    "ingestions.waiting": ({"after": ""}, 1),
    "ingestions.lapsed": ({"now": NOW, "limit": LIMIT}, 1),
}


def _fill(connection: sqlite3.Connection | psycopg.Connection[Any], at_rest: int) -> None:
    """A few of all that is looked for, beside so many of what is not."""

    def many(into: str, values: str, count: int = at_rest) -> None:
        connection.execute(
            f"""
            WITH RECURSIVE count (n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {count})
            INSERT INTO {into} SELECT {values} FROM count
            """
        )

    kept = "'kept_' || n, 'kept', 'file_' || n, 0, 1, 'database'"
    many("blobs (id, state, owner, place, bytes, location)", kept)
    many("blobs (id, state, location)", "'doomed_' || n, 'doomed', 'database'", 2 * LIMIT)
    many("blobs (id, state, location)", "'away_' || n, 'doomed', 'folder:away'")
    many("files (id, project, purpose, body)", "'file_' || n, 'p', 'assistants', '{}'")
    many(
        "uploads (id, project, status, expires_at, body)",
        f"'upload_' || n, 'p', 'completed', {NOW} - n, '{{}}'",
    )
    many("threads (id, project, body)", "'thread_' || n, 'p', '{}'")
    runs = "runs (id, project, thread_id, body, status"
    run = "'{}' || n, 'p', 'thread_' || n, '{{}}', '{}'"
    many(f"{runs}, ended_at)", f"{run.format('run_done_', 'completed')}, {NOW}")
    young, old = run.format("run_young_", "completed"), run.format("run_old_", "completed")
    many(f"{runs}, ended_at, trace)", f"{young}, {NOW} + n, 'lines'")
    many(f"{runs}, ended_at, trace)", f"{old}, {NOW} - n, 'lines'", 2 * LIMIT)
    many(f"{runs}, expires_at)", f"{run.format('run_', 'queued')}, {NOW} + n", 2 * LIMIT)
    many(
        f"{runs}, expires_at, owner, lease_until)",
        "'run', 'p', 'thread_' || 11, '{}', 'cancelling', " + f"{NOW} + n, 'worker_1', {NOW}",
        1,
    )
    stores = "vector_stores (id, project, expires_at, last_active_at, emptied, body)"
    many(stores, f"'emptied_' || n, 'p', {NOW} - n, 0, 1, '{{}}'")
    many(stores, f"'later_' || n, 'p', {NOW} + n, 0, 0, '{{}}'")
    many(stores, f"'expired', 'p', {NOW}, 0, 0, '{{}}'", 1)
    columns = "vector_store_id, file_id, filename, attributes, body"
    file = "'later_1', '{}' || n, 'a.txt', '{{}}', '{{}}'"
    many(
        f"vector_store_files ({columns}, status, ingestion)",
        f"{file.format('done_')}, 'completed', n",
    )
    many(f"vector_store_files ({columns}, status)", f"{file.format('waiting_')}, 'in_progress'")
    for name, until, count in (("put_off", NOW + 1, at_rest), ("lapsed", NOW, 1)):
        many(
            f"vector_store_files ({columns}, status, owner, lease_until)",
            f"{file.format(name)}, 'in_progress', 'worker_1', {until}",
            count,
        )
    connection.execute("ANALYZE")


def _file(at_rest: int) -> sqlite3.Connection:
    file = migrated()
    _fill(file, at_rest)
    # As in earnest: nobody analyses the file of a server.
    file.executescript("DROP TABLE sqlite_stat1")
    return file


@pytest.fixture(scope="module")
def files() -> Iterator[list[sqlite3.Connection]]:
    """Two SQLite databases, with little and with much at rest."""
    files = [_file(FEW), _file(MANY)]
    yield files
    for file in files:
        file.close()


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL database with much at rest."""
    with postgres_server.untouched() as connection:
        _fill(connection, MANY)
        connection.commit()
        yield connection


@pytest.fixture
def server(filled: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The database, in a transaction of which nothing stays."""
    yield filled
    filled.rollback()


@pytest.mark.parametrize("name", LOOKS)
def test_sqlite_takes_as_many_steps_beside_much(name: str, files: list[sqlite3.Connection]) -> None:
    params, found = LOOKS[name]

    def steps(file: sqlite3.Connection) -> int:
        taken = 0

        def count() -> None:
            nonlocal taken
            taken += 1

        file.set_progress_handler(count, 1)
        rows = file.execute(statements.load("sqlite")[name], params).fetchall()
        file.set_progress_handler(None, 0)
        assert len(rows) == found
        return taken

    few, many = map(steps, files)
    assert few == many > 0


@pytest.mark.parametrize("name", LOOKS)
def test_postgres_reads_little_beside_much(name: str, server: psycopg.Connection[Any]) -> None:
    params, _ = LOOKS[name]
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) " + statements.load("postgres")[name]
    for mode in ("force_custom_plan", "force_generic_plan"):
        server.execute(f"SET plan_cache_mode = {mode}")
        row = server.execute(sql, params, prepare=True).fetchone()
        assert row is not None
        assert rows_read(row[0][0]["Plan"]) < FEW, json.dumps(row[0])
