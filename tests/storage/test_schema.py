"""The schemas of the two databases are one schema, and the dumps show it."""

from pathlib import Path

import pytest

from perdure.bus.memory import MemoryBus
from perdure.storage import migrate
from perdure.storage.migrate import migrations
from perdure.storage.sqlite import SQLite
from tests.storage.schema import (
    DUMPS,
    postgres_dump,
    postgres_shape,
    sqlite_dump,
    sqlite_shape,
)

STALE = "is stale: run `python -m tests.storage.schema`"


@pytest.fixture
async def sqlite_file(data_dir: Path) -> Path:
    """A SQLite file that has the schema and that nobody uses."""
    file = data_dir / "perdure.db"
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    await database.close()
    return file


def test_the_sqlite_dump_is_what_the_migrations_make(sqlite_file: Path) -> None:
    dump = DUMPS / "sqlite.sql"
    assert dump.read_text() == sqlite_dump(sqlite_file), f"{dump} {STALE}"


def test_the_postgres_dump_is_what_the_migrations_make(postgres_template: str) -> None:
    dump = DUMPS / "postgres.sql"
    assert dump.read_text() == postgres_dump(postgres_template), f"{dump} {STALE}"


def test_both_databases_have_the_same_migrations() -> None:
    names = [*migrations("sqlite")]
    assert names == [*migrations("postgres")]
    assert names[0] == "0001_first_schema"


def test_a_migration_has_a_number_and_either_one_file_or_one_for_each_database() -> None:
    shared = {file.name for file in migrate.FOLDER.glob("*.sql")}
    released = {file.name for file in (migrate.FOLDER / "sqlite").glob("*.sql")}
    assert shared & released == set()
    numbers = [name[:4] for name in shared | released]
    assert len(numbers) == len(set(numbers))


def test_both_databases_have_the_same_tables(sqlite_file: Path, postgres_template: str) -> None:
    """Columns, types, NOT NULL, number of checks, foreign keys and indexes with their names."""
    assert sqlite_shape(sqlite_file) == postgres_shape(postgres_template)
