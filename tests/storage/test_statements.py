"""The named SQL: loaded for each database, and all of it valid there."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perdure.storage import statements
from tests.storage.in_memory import migrated

SQLITE = statements.load("sqlite")
POSTGRES = statements.load("postgres")
SQL_FOLDER = Path(statements.__file__).parent / "sql"
NAME = re.compile(r"^-- name: (?P<name>\w+)(?P<kind>[!^]?)$")


def test_every_name_of_every_file_is_loaded_for_both_databases() -> None:
    names = {
        f"{file.stem}.{found['name']}"
        for file in SQL_FOLDER.glob("*.sql")
        for line in file.read_text().splitlines()
        if (found := NAME.match(line))
    }
    assert "runs.move" in names
    assert set(SQLITE) == names
    assert set(POSTGRES) == names


@pytest.mark.parametrize("file", sorted(SQL_FOLDER.glob("*.sql")), ids=lambda file: file.stem)
def test_every_statement_promises_something_and_keeps_to_its_kind(file: Path) -> None:
    """`!` returns no rows, all else does; names are unique, for the last one would win."""
    seen = []
    lines = file.read_text().splitlines()
    for line, promise in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith("-- name:"):
            continue
        found = NAME.match(line)
        assert found, line
        assert re.match(r"-- \w.*", promise), f"{line} has no promise"
        sql = SQLITE[f"{file.stem}.{found['name']}"]
        returns_rows = (
            sql.startswith(("SELECT", "WITH")) or re.search(r"\sRETURNING\s", sql) is not None
        )
        assert returns_rows is (found["kind"] != "!"), line
        seen.append(found["name"])
    assert len(seen) == len(set(seen))


@pytest.fixture(scope="module")
def file() -> Iterator[sqlite3.Connection]:
    """An SQLite database with the schema."""
    file = migrated()
    yield file
    file.close()


@pytest.fixture(scope="module")
def server(postgres_template: str) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL database with the schema."""
    with psycopg.connect(postgres_template, autocommit=True) as server:
        yield server


@pytest.mark.parametrize("name", sorted(SQLITE))
def test_sqlite_understands(name: str, file: sqlite3.Connection) -> None:
    sql = SQLITE[name]
    nothing = dict.fromkeys(re.findall(r":(\w+)", sql))
    assert file.execute(f"EXPLAIN {sql}", nothing).fetchall() != []


@pytest.mark.parametrize("name", sorted(POSTGRES))
def test_postgres_understands(name: str, server: psycopg.Connection[Any]) -> None:
    sql = POSTGRES[name]
    nothing = dict.fromkeys(re.findall(r"%\((\w+)\)s", sql))
    assert server.execute(f"EXPLAIN {sql}", nothing).fetchall() != []


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_marked_line_is_there_for_its_database_only(
    dialect: statements.Dialect, tmp_path: Path
) -> None:
    (tmp_path / "things.sql").write_text(
        "-- name: lock^\n"
        "-- A thing.\n"
        "SELECT a FROM things -- postgres\n"
        "SELECT b FROM things -- sqlite\n"
        "WHERE id = :id AND name LIKE 'x%' AND at = 'a:b'\n"
        "FOR UPDATE -- postgres\n"
    )
    loaded = statements.load(dialect, folder=tmp_path)
    assert loaded == {
        "things.lock": {
            "sqlite": "SELECT b FROM things\nWHERE id = :id AND name LIKE 'x%' AND at = 'a:b'",
            "postgres": "SELECT a FROM things\n"
            "WHERE id = %(id)s AND name LIKE 'x%%' AND at = 'a:b'\nFOR UPDATE",
        }[dialect]
    }


def test_sqlite_waits_for_no_lock_and_postgres_locks() -> None:
    assert SQLITE["runs.lock"].endswith("WHERE id = :id")
    assert POSTGRES["runs.lock"].endswith("WHERE id = %(id)s\nFOR UPDATE")


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(KeyError, match=r"storage/sql has no statement 'runs\.gat'"):
        SQLITE["runs.gat"]
