"""What is read of a thread does not grow with it, nor with the threads beside it; and what is read
of a project's threads not with their number.
"""

import json
import sqlite3
from collections.abc import Iterator
from itertools import product
from typing import Any

import psycopg
import pytest

from perdure.storage import statements
from tests.databases import PostgresServer
from tests.storage.in_memory import migrated

LIMIT = 5
THREADS = {"thread_old": 20, "thread_long": 5_000, "thread_new": 20}
READS = (
    "messages.earliest",
    "messages.newest_first",
    "messages.oldest_first",
    "messages.before_run",
    "messages.newest_of_user",
    "messages.any_of_thread",
)
PROJECTS = {"old": 20, "long": 5_000, "new": 20}
LISTS = ("threads.newest_first", "threads.oldest_first")
# Each filter of the list of runs, with the index that has its rows in order.
_TIME = "created_at>? AND created_at<?)"
RUN_LISTS = {
    "all": f"runs_by_time (project=? AND {_TIME}",
    "status": f"runs_by_status (project=? AND status=? AND {_TIME}",
    "assistant": f"runs_by_assistant (project=? AND assistant_id=? AND {_TIME}",
    "model": f"runs_by_model (project=? AND model=? AND {_TIME}",
    "error": f"runs_by_error (project=? AND error_code=? AND {_TIME}",
    "thread": "runs_by_thread (thread_id=?)",
}


# Each list of deliveries, with the index that has its rows in order.
DELIVERY_LISTS = {"all": "deliveries_by_time", "status": "deliveries_by_status"}


def _fill(connection: sqlite3.Connection | psycopg.Connection[Any]) -> None:
    """Every second message is a user's."""
    for thread_id, length in THREADS.items():
        connection.execute(
            f"INSERT INTO threads (id, project, body) VALUES ('{thread_id}', 'p', '{{}}')"
        )
        connection.execute(
            f"""
            WITH RECURSIVE count (n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {length})
            INSERT INTO messages (id, project, thread_id, role, status, body)
            SELECT '{thread_id}_' || n, 'p', '{thread_id}',
                CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END, 'completed', '{{}}'
            FROM count
            """
        )
    for project, length in PROJECTS.items():
        connection.execute(
            f"""
            WITH RECURSIVE count (n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {length})
            INSERT INTO threads (id, project, body)
            SELECT 'thread_{project}_' || n, '{project}', '{{}}' FROM count
            """
        )
        _fill_runs(connection, project, length)
        _fill_deliveries(connection, project, length)
    connection.execute("ANALYZE")


def _fill_runs(
    connection: sqlite3.Connection | psycopg.Connection[Any], project: str, length: int
) -> None:
    """Every tenth run has failed: with the value `rare` in each column that lists go by."""
    rare = "CASE n % 10 WHEN 0 THEN 'rare' ELSE 'x' END"
    connection.execute(
        f"""
        WITH RECURSIVE count (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {length})
        INSERT INTO runs (
            id, project, thread_id, status, ended_at, created_at, assistant_id, model,
            error_code, body
        )
        SELECT 'run_{project}_' || n, '{project}', 'thread_{project}_' || n,
            CASE n % 10 WHEN 0 THEN 'failed' ELSE 'completed' END, n, n / 3, {rare}, {rare},
            CASE n % 10 WHEN 0 THEN 'rare' END, '{{}}'
        FROM count
        """
    )


def _fill_deliveries(
    connection: sqlite3.Connection | psycopg.Connection[Any], project: str, length: int
) -> None:
    """Every tenth delivery was given up."""
    connection.execute(
        f"""
        WITH RECURSIVE count (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {length})
        INSERT INTO webhook_deliveries (
            id, webhook, project, run_id, event, told_at, status, attempts, due_at, ended_at, data,
            last_error
        )
        SELECT 'evt_{project}_' || n, 'app', '{project}', 'run_' || n, 'e', n / 3,
            CASE n % 10 WHEN 0 THEN 'given_up' ELSE 'delivered' END, 1, n, n,
            CASE n % 10 WHEN 0 THEN '{{}}' END, CASE n % 10 WHEN 0 THEN '-' END
        FROM count
        """
    )


def _delivery_params(project: str) -> dict[str, object]:
    return {
        "project": project,
        "status": "given_up",
        "limit": 2,
        "low_at": -1,
        "low_id": "",
        "low_webhook": "",
        "high_at": 2**62,
        "high_id": "",
        "high_webhook": "",
    }


def _run_params(name: str, project: str) -> dict[str, object]:
    return {
        "project": project,
        "value": {"status": "failed", "thread": f"thread_{project}_10"}.get(name, "rare"),
        "low_at": 0,
        "low": -1,
        "high_at": 2**62,
        "high": -1,
        "limit": 2,
    }


def _params(thread_id: str, *, high: int = 2**62, low: int = 0) -> dict[str, object]:
    return {
        **dict.fromkeys(("parent", "thread_id"), thread_id),
        "high": high,
        "low": low,
        "limit": LIMIT,
        "project": "p",
        "run_id": "run_x",
    }


@pytest.fixture(scope="module")
def file() -> Iterator[sqlite3.Connection]:
    """An SQLite database with the threads."""
    file = migrated()
    _fill(file)
    yield file
    file.close()


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL database with the threads, and with statistics that tell how unlike they are."""
    with postgres_server.untouched() as connection:
        _fill(connection)
        connection.commit()
        yield connection


@pytest.fixture
def server(filled: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The database, in a transaction of which nothing stays."""
    yield filled
    filled.rollback()


@pytest.mark.parametrize("name", READS)
def test_sqlite_takes_as_many_steps_on_a_long_thread(name: str, file: sqlite3.Connection) -> None:
    sql = statements.load("sqlite")[name]

    def steps(thread_id: str) -> int:
        taken = 0

        def count() -> None:
            nonlocal taken
            taken += 1

        run_id = "run_x" if name == "messages.before_run" else None
        middle = file.execute(
            "SELECT (min(seq) + max(seq)) / 2 FROM messages WHERE thread_id = ?", [thread_id]
        ).fetchone()[0]
        place = {"low": middle} if name == "messages.oldest_first" else {"high": middle}
        file.set_progress_handler(count, 1)
        found = file.execute(sql, {**_params(thread_id, **place), "run_id": run_id}).fetchall()
        file.set_progress_handler(None, 0)
        assert len(found) == (1 if sql.endswith("LIMIT 1") else LIMIT)
        return taken

    assert steps("thread_long") == steps("thread_old") == steps("thread_new") > 0


def _chosen(thread_id: str) -> dict[str, object]:
    ids = json.dumps([f"{thread_id}_{number}" for number in (3, 7, 9)])
    return {"thread_id": thread_id, "project": "p", "ids": ids}


def test_sqlite_finds_messages_by_their_ids_whatever_the_thread(file: sqlite3.Connection) -> None:
    sql = statements.load("sqlite")["messages.chosen"]
    plan = file.execute(f"EXPLAIN QUERY PLAN {sql}", _chosen("thread_long")).fetchall()
    assert "(id=?)" in str(plan[0]), plan
    assert len(file.execute(sql, _chosen("thread_long")).fetchall()) == 3


def test_postgres_finds_messages_by_their_ids_whatever_the_thread(
    server: psycopg.Connection[Any],
) -> None:
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) " + statements.load("postgres")["messages.chosen"]
    for mode in ("force_custom_plan", "force_generic_plan"):
        server.execute(f"SET plan_cache_mode = {mode}")
        row = server.execute(sql, _chosen("thread_long"), prepare=True).fetchone()
        assert row is not None
        assert 0 < rows_read(row[0][0]["Plan"]) <= 2 * LIMIT, json.dumps(row[0])


@pytest.mark.parametrize("thread_id", THREADS)
@pytest.mark.parametrize("name", READS)
def test_postgres_reads_the_rows_of_the_page_and_no_others(
    name: str, thread_id: str, server: psycopg.Connection[Any]
) -> None:
    """It could think that the newest messages of all are likely those of the thread, and read
    them one by one: the statements leave it no such way.
    """
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) " + statements.load("postgres")[name]
    run_id = "run_x" if name == "messages.before_run" else None
    for mode in ("force_custom_plan", "force_generic_plan"):
        server.execute(f"SET plan_cache_mode = {mode}")
        row = server.execute(sql, {**_params(thread_id), "run_id": run_id}, prepare=True).fetchone()
        assert row is not None
        assert 0 < rows_read(row[0][0]["Plan"]) <= LIMIT, json.dumps(row[0])


@pytest.mark.parametrize("name", LISTS)
def test_sqlite_lists_threads_by_the_index_of_their_project(
    name: str, file: sqlite3.Connection
) -> None:
    sql = statements.load("sqlite")[name]
    for project in PROJECTS:
        plan = file.execute(f"EXPLAIN QUERY PLAN {sql}", _params(project)).fetchall()
        (step,) = [row[-1] for row in plan]
        assert "USING INDEX threads_by_project (project=? AND seq" in step
        assert len(file.execute(sql, _params(project)).fetchall()) == LIMIT


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("name", LISTS)
def test_postgres_lists_the_threads_of_the_page_and_reads_no_others(
    name: str, project: str, server: psycopg.Connection[Any]
) -> None:
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) " + statements.load("postgres")[name]
    for mode in ("force_custom_plan", "force_generic_plan"):
        server.execute(f"SET plan_cache_mode = {mode}")
        row = server.execute(sql, _params(project), prepare=True).fetchone()
        assert row is not None
        assert 0 < rows_read(row[0][0]["Plan"]) <= LIMIT, json.dumps(row[0])


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("name", RUN_LISTS)
def test_sqlite_lists_runs_by_the_index_of_the_filter(
    name: str, order: str, file: sqlite3.Connection
) -> None:
    sql = statements.load("sqlite")[f"run_lists.{name}_{order}"]
    for project in PROJECTS:
        params = _run_params(name, project)
        plan = file.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        searches = [row[-1] for row in plan if " runs " in row[-1]]
        assert searches == [f"SEARCH runs USING INDEX {RUN_LISTS[name]}"]
        assert len(file.execute(sql, params).fetchall()) == (1 if name == "thread" else 2)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("name", RUN_LISTS)
def test_postgres_lists_the_runs_of_the_page_and_reads_no_others(
    name: str, order: str, server: psycopg.Connection[Any]
) -> None:
    sql = statements.load("postgres")[f"run_lists.{name}_{order}"]
    for mode, project in product(("force_custom_plan", "force_generic_plan"), PROJECTS):
        server.execute(f"SET plan_cache_mode = {mode}")
        params = _run_params(name, project)
        explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + sql
        row = server.execute(explained, params, prepare=True).fetchone()
        assert row is not None
        assert 0 < rows_read(row[0][0]["Plan"]) <= 2, json.dumps(row[0])


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("name", DELIVERY_LISTS)
def test_sqlite_lists_deliveries_by_the_index_of_the_filter(
    name: str, order: str, file: sqlite3.Connection
) -> None:
    sql = statements.load("sqlite")[f"webhook_deliveries.{name}_{order}"]
    for project in PROJECTS:
        params = _delivery_params(project)
        plan = file.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        (search,) = [row[-1] for row in plan]
        assert search.startswith(
            f"SEARCH webhook_deliveries USING INDEX {DELIVERY_LISTS[name]} (project=?"
        )
        assert len(file.execute(sql, params).fetchall()) == 2


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("name", DELIVERY_LISTS)
def test_postgres_lists_the_deliveries_of_the_page_and_reads_no_others(
    name: str, order: str, server: psycopg.Connection[Any]
) -> None:
    sql = statements.load("postgres")[f"webhook_deliveries.{name}_{order}"]
    for mode, project in product(("force_custom_plan", "force_generic_plan"), PROJECTS):
        server.execute(f"SET plan_cache_mode = {mode}")
        explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + sql
        row = server.execute(explained, _delivery_params(project), prepare=True).fetchone()
        assert row is not None
        assert 0 < rows_read(row[0][0]["Plan"]) <= 2, json.dumps(row[0])


def rows_read(plan: dict[str, Any]) -> float:
    """The rows that the scans of a PostgreSQL plan looked at."""
    below = plan.get("Plans", [])
    if below:
        return sum(rows_read(each) for each in below)
    rows: float = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return rows * float(plan["Actual Loops"])
