"""The schemas as they are after all migrations, read back from the databases.

`python -m tests.storage.schema` writes them to `docs/schema/<dialect>.sql`, which are there to be
read, not run.
"""

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from perdure import storage
from perdure.bus.memory import MemoryBus
from tests.databases import PostgresServer

DUMPS = Path(__file__).parents[2] / "docs" / "schema"
_HEAD = "-- The schema after all migrations, to be read. Written by tests/storage/schema.py.\n\n"

# Only what the types of our columns are called.
_TYPES = {
    "bigint": "INTEGER",
    "integer": "INTEGER",
    "text": "TEXT",
    "double precision": "REAL",
    "bytea": "BLOB",
}

# A table: its columns and how often it has a CHECK; its foreign keys; its unique columns.
Shape = dict[str, Any]

_TABLES = """
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY oid"""
_COLUMNS = """
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
           attidentity = 'a' AS is_identity, pg_get_expr(adbin, adrelid) AS default
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
# Since PostgreSQL 18 a NOT NULL is a constraint too; it is shown with its column.
_CONSTRAINTS = """
    SELECT conname AS name, contype::text AS type, pg_get_constraintdef(oid, true) AS definition
    FROM pg_constraint WHERE conrelid = %s::regclass AND contype <> 'n' ORDER BY conname"""
_INDEXES = """
    SELECT relname AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = %s::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
    ORDER BY relname"""


def sqlite_dump(path: Path) -> str:
    file = sqlite3.connect(path)
    found = file.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
        "ORDER BY tbl_name, type DESC, name"
    ).fetchall()
    file.close()
    return _HEAD + "\n\n".join(f"{sql};" for (sql,) in found) + "\n"


def postgres_dump(url: str) -> str:
    parts = []
    with psycopg.connect(url, row_factory=dict_row) as connection:
        for table in connection.execute(_TABLES).fetchall():
            name = table["name"]
            lines = [_column(row) for row in connection.execute(_COLUMNS, [name])]
            lines += [
                f"CONSTRAINT {row['name']} {row['definition']}"
                for row in connection.execute(_CONSTRAINTS, [name])
            ]
            parts.append(f"CREATE TABLE {name} (\n    " + ",\n    ".join(lines) + "\n);")
            parts += [f"{row['definition']};" for row in connection.execute(_INDEXES, [name])]
    return _HEAD + "\n\n".join(parts) + "\n"


def _column(row: dict[str, Any]) -> str:
    words = [row["name"], row["type"]]
    words += ["GENERATED ALWAYS AS IDENTITY"] if row["is_identity"] else []
    words += ["NOT NULL"] if row["required"] else []
    words += [f"DEFAULT {row['default']}"] if row["default"] else []
    return " ".join(words)


def sqlite_shape(path: Path) -> dict[str, Shape]:
    """The tables in words that mean the same for both databases."""
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    tables = file.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    shapes = {}
    for table in tables:
        name = table["name"]
        keys = file.execute(f"PRAGMA foreign_key_list({name})").fetchall()
        shapes[name] = {
            "columns": {
                row["name"]: (row["type"], bool(row["notnull"]) or row["pk"] == 1)
                for row in file.execute(f"PRAGMA table_info({name})")
            },
            "checks": table["sql"].count("CHECK ("),
            "foreign keys": sorted(
                f"FOREIGN KEY ({row['from']}) REFERENCES {row['table']}({row['to']})"
                + ("" if row["on_delete"] == "NO ACTION" else f" ON DELETE {row['on_delete']}")
                for row in keys
            ),
            "indexes": sorted(
                " ".join(row["sql"].split()).partition(" WHERE ")[0]
                for row in file.execute(
                    "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                    "AND tbl_name = ?",
                    [name],
                )
            ),
        }
    file.close()
    return shapes


def postgres_shape(url: str) -> dict[str, Shape]:
    """The same of PostgreSQL."""
    shapes = {}
    with psycopg.connect(url, row_factory=dict_row) as connection:
        for table in connection.execute(_TABLES).fetchall():
            name = table["name"]
            rules = connection.execute(_CONSTRAINTS, [name]).fetchall()
            shapes[name] = {
                "columns": {
                    row["name"]: (_TYPES[row["type"]], row["required"])
                    for row in connection.execute(_COLUMNS, [name])
                },
                "checks": sum(rule["type"] == "c" for rule in rules),
                "foreign keys": sorted(r["definition"] for r in rules if r["type"] == "f"),
                "indexes": sorted(
                    row["definition"]
                    .partition(" WHERE ")[0]
                    .replace("public.", "")
                    .replace(" USING btree", "")
                    for row in connection.execute(_INDEXES, [name])
                ),
            }
    return shapes


async def _open(url: str | None, folder: Path) -> None:
    database = storage.connect(url, folder, bus=MemoryBus())
    await database.open()
    await database.close()


def main() -> None:
    server = PostgresServer()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_open(None, Path(folder)))
            sqlite = sqlite_dump(Path(folder, "perdure.db"))
        asyncio.run(_open(server.url("postgres"), Path()))
        postgres = postgres_dump(server.url("postgres"))
    finally:
        server.stop()
    (DUMPS / "sqlite.sql").write_text(sqlite)
    (DUMPS / "postgres.sql").write_text(postgres)


if __name__ == "__main__":
    main()
