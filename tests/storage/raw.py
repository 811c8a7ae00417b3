"""Writes to a database behind everybody's back, whatever its constraints say."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

from perdure.storage import postgres, sqlite, statements
from perdure.storage.database import Transaction

_REPLICA = "SET session_replication_role = replica"
_UNGUARDED = """
DROP INDEX IF EXISTS one_active_run_per_thread, one_open_message_per_run, one_open_step_per_run;
DO $$ DECLARE rule record; BEGIN
    FOR rule IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
        WHERE contype = 'c' AND conrelid <> 0 AND connamespace = 'public'::regnamespace
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.place, rule.conname); END LOOP;
END $$;
"""
# A transaction that is rolled back keeps the numbers that it drew.
_LAST_NUMBERS = """
SELECT format('%I.%I', schemaname, sequencename), COALESCE(last_value, 1), last_value IS NOT NULL
FROM pg_sequences WHERE schemaname = 'public'
"""
_UNCHECKED = "PRAGMA ignore_check_constraints = ON"
_INDEXES = ("one_active_run_per_thread", "one_open_message_per_run", "one_open_step_per_run")


class _Connection(Protocol):
    def execute(self, sql: Any, params: Any = ..., /) -> Any: ...


class Raw:
    """A connection of its own, without foreign keys, checks and unique indexes of status."""

    def __init__(self, connection: _Connection, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def run(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Runs a statement; `?` stands for a parameter. The rows, if it returns any."""
        found = self._connection.execute(sql.replace("?", self._mark), params)
        return found.fetchall() if found.description else []

    def set(self, table: str, row_id: str, /, **columns: object) -> None:
        """Changes columns of a row."""
        for name, value in columns.items():
            self.run(f"UPDATE {table} SET {name} = ? WHERE id = ?", value, row_id)

    def edit(self, table: str, row_id: str, /, **fields: object) -> None:
        """Changes fields of the JSON of a row."""
        ((body,),) = self.run(f"SELECT body FROM {table} WHERE id = ?", row_id)
        self.set(table, row_id, body=json.dumps({**json.loads(body), **fields}))

    def change(self, table: str, where: str, /, **columns: object) -> None:
        """Changes columns of the rows for which a condition holds; there must be some."""
        for name, value in columns.items():
            found = self.run(f"SELECT COUNT(*) FROM {table} WHERE {where}")
            assert found != [(0,)], where
            self.run(f"UPDATE {table} SET {name} = ? WHERE {where}", value)

    def copy(self, table: str, row_id: str, /, **columns: object) -> None:
        """Adds a copy of a row with other columns; a new `id` goes into the body too."""
        names = [name for name in _COLUMNS[table] if name != "seq"]
        ((*values,),) = self.run(f"SELECT {', '.join(names)} FROM {table} WHERE id = ?", row_id)
        row = dict(zip(names, values, strict=True)) | columns
        if "id" in columns:
            row["body"] = json.dumps({**json.loads(row["body"]), "id": columns["id"]})
        self.run(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            *row.values(),
        )


_COLUMNS = {
    "runs": ("id", "project", "thread_id", "status", "expires_at", "ended_at", "owner", "epoch",
             "lease_until", "body"),
    "messages": ("id", "project", "thread_id", "run_id", "role", "status", "body"),
    "run_steps": ("id", "project", "thread_id", "run_id", "status", "usage", "body"),
}  # fmt: skip


@contextmanager
def raw(database_url: str | None, data_dir: Path) -> Iterator[Raw]:
    """Opens it; what was done is committed at the end of the block."""
    if database_url is not None:
        with psycopg.connect(database_url) as server:
            server.execute(_REPLICA)
            server.execute(_UNGUARDED)
            yield Raw(server, "%s")
        return
    file = sqlite3.connect(data_dir / "perdure.db")
    try:
        file.execute(_UNCHECKED)
        for index in _INDEXES:
            file.execute(f"DROP INDEX IF EXISTS {index}")
        yield Raw(file, "?")
        file.commit()
    finally:
        file.close()


@contextmanager
def passing(database_url: str | None, data_dir: Path) -> Iterator[tuple[Raw, Transaction]]:
    """The same on a database that `raw` has had before, and what a query then sees; nothing of it
    is there after the block.
    """
    if database_url is not None:
        with psycopg.connect(database_url) as server:
            server.execute(_REPLICA)
            last = server.execute(_LAST_NUMBERS).fetchall()
            try:
                with server.cursor(binary=True, row_factory=dict_row) as cursor:
                    named = statements.load("postgres")
                    yield Raw(server, "%s"), postgres._Transaction(cursor, named)
            finally:
                server.rollback()
                server.cursor().executemany("SELECT setval(%s, %s, %s)", last)
        return
    file = sqlite3.connect(data_dir / "perdure.db", isolation_level=None)
    with closing(file), closing(file.cursor()) as plain:
        file.execute(_UNCHECKED)
        file.execute("BEGIN")
        file.row_factory = sqlite3.Row
        yield Raw(plain, "?"), sqlite._Transaction(file, statements.load("sqlite"))
        file.rollback()
