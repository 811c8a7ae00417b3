"""Migrations: all or nothing, in turn, and never backwards."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perdure.bus.memory import MemoryBus
from perdure.errors import ConfigurationError
from perdure.storage import connect, postgres, sqlite
from perdure.storage.migrate import Schema, migrate
from perdure.storage.statements import Dialect
from tests.databases import PostgresServer
from tests.storage.rows import add_thread, has_thread


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database without the schema."""
    name = postgres_server.create(template="template0")
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str | None:
    """Where nothing has been migrated yet."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


def execute(url: str | None, data_dir: Path, sql: str) -> None:
    """Changes the database behind Perdure's back."""
    if url is None:
        data_dir.mkdir(exist_ok=True)
        with sqlite3.connect(data_dir / "perdure.db") as file:
            file.execute(sql)
        file.close()
    else:
        with psycopg.connect(url) as server:
            server.execute(sql)


def migrate_and_be_killed(scripts: int, data_dir: Path, url: str | None) -> None:
    arguments = [str(scripts), str(data_dir), *([url] if url else [])]
    killed = subprocess.run(
        [sys.executable, "-m", "tests.storage.killed_in_migration", *arguments], check=False
    )
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize("scripts", [1, 2, 3], ids=["table", "migration", "note"])
async def test_a_process_killed_in_mid_migration_leaves_a_database_that_opens(
    scripts: int, empty_url: str | None, data_dir: Path
) -> None:
    migrate_and_be_killed(scripts, data_dir, empty_url)
    database = connect(empty_url, data_dir, bus=MemoryBus())
    await database.open()
    await database.write(add_thread, "thread_1")
    assert await database.read(has_thread, "thread_1")
    await database.close()


async def test_opening_again_keeps_what_was_written(
    database_url: str | None, data_dir: Path
) -> None:
    for number in range(3):
        database = connect(database_url, data_dir, bus=MemoryBus())
        await database.open()
        await database.write(add_thread, f"thread_{number}")
        assert await database.read(has_thread, "thread_0")
        await database.close()


async def test_processes_that_start_together_migrate_in_turn(empty_postgres_url: str) -> None:
    databases = [connect(empty_postgres_url, Path(), bus=MemoryBus()) for _ in range(6)]
    await asyncio.gather(*(database.open() for database in databases))
    for number, database in enumerate(databases):
        await database.write(add_thread, f"thread_{number}")
        await database.close()


async def test_a_database_of_a_newer_version_is_refused(
    database_url: str | None, data_dir: Path
) -> None:
    database = connect(database_url, data_dir, bus=MemoryBus())
    await database.open()
    await database.close()
    execute(database_url, data_dir, "INSERT INTO schema_migrations VALUES ('9999_future')")
    with pytest.raises(ConfigurationError) as refused:
        await database.open()
    assert str(refused.value) == (
        "The database was last used by a newer version of Perdure (its schema has 9999_future); "
        "upgrade Perdure to open it."
    )
    # Nothing stays behind: once the cause is gone, it opens.
    execute(database_url, data_dir, "DELETE FROM schema_migrations WHERE name = '9999_future'")
    await database.open()
    await database.write(add_thread, "thread_1")
    await database.close()


async def test_tables_of_another_program_are_refused_and_left_alone(
    empty_url: str | None, data_dir: Path
) -> None:
    execute(empty_url, data_dir, "CREATE TABLE runs (another TEXT)")
    with pytest.raises(ConfigurationError) as refused:
        await connect(empty_url, data_dir, bus=MemoryBus()).open()
    assert str(refused.value) == (
        f"The database file {data_dir}/perdure.db cannot be opened: table runs already exists."
        if empty_url is None
        else 'The PostgreSQL database cannot be opened: relation "runs" already exists.'
    )
    # Not even the tables that come before it in the migration.
    execute(empty_url, data_dir, "CREATE TABLE assistants (another TEXT)")


FIRST = {
    "sqlite": "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT);",
    "postgres": "CREATE TABLE things (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
}
SECOND = """\
ALTER TABLE things ADD COLUMN share TEXT NOT NULL DEFAULT '5%';
ALTER TABLE things ADD COLUMN at INTEGER; -- sqlite
ALTER TABLE things ADD COLUMN at BIGINT; -- postgres
-- Stored as it is.
ALTER TABLE things ALTER COLUMN share SET STORAGE EXTERNAL; -- postgres
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Migrations of both forms: an old one, with a file for each database, and a new one between
    two old ones.
    """
    for dialect, script in FIRST.items():
        (tmp_path / dialect).mkdir()
        (tmp_path / dialect / "0001_things.sql").write_text(script)
        (tmp_path / dialect / "0003_column.sql").write_text(
            "ALTER TABLE things RENAME COLUMN share TO part;"
        )
    (tmp_path / "0002_share.sql").write_text(SECOND)
    return tmp_path


COLUMNS = {
    "sqlite": "SELECT name || ' ' || lower(type) AS name FROM pragma_table_info('things')",
    "postgres": "SELECT attname || ' ' || format_type(atttypid, NULL) AS name FROM pg_attribute "
    "WHERE attrelid = 'things'::regclass AND attnum > 0",
}


@pytest.fixture
def empty_schema(empty_url: str | None) -> Iterator[tuple[Dialect, Schema]]:
    """A transaction on a database without tables."""
    if empty_url is None:
        file = sqlite3.connect(":memory:")
        file.row_factory = sqlite3.Row
        yield "sqlite", sqlite._Schema(file)
        file.close()
    else:
        with postgres._connect(empty_url) as server:
            yield "postgres", postgres._Schema(server)


def test_one_file_migrates_both_databases_in_turn_with_older_ones(
    migrations: Path, empty_schema: tuple[Dialect, Schema]
) -> None:
    dialect, schema = empty_schema
    for _ in range(2):
        migrate(schema, dialect, folder=migrations)
    assert schema.names("SELECT name FROM schema_migrations") == {
        "0001_things",
        "0002_share",
        "0003_column",
    }
    assert (
        schema.names(COLUMNS[dialect])
        == {
            "sqlite": {"id integer", "part text", "at integer"},
            "postgres": {"id bigint", "part text", "at bigint"},
        }[dialect]
    )
