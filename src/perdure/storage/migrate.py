"""Migration of a database to the schema of this version.

All migrations that are missing run in one transaction together with the note that they ran, so that
a process killed at any point leaves the old schema or the new one, and no lock. We do not use
yoyo-migrations for this: it commits a migration and its note one after the other, so that a process
killed in between leaves a database that can never be opened again, and its lock is a row that
outlives the process that holds it.

A migration is one file, `migrations/NNNN_name.sql`. As in `storage/sql/`, a line that ends in
`-- sqlite` or `-- postgres` is there for that database only. The older ones have a file for each
database, in `migrations/sqlite/` and `migrations/postgres/`, and stay as they were released.
"""

from pathlib import Path
from typing import Protocol

from perdure.errors import ConfigurationError
from perdure.storage.statements import Dialect, lines_for

FOLDER = Path(__file__).parent / "migrations"
_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)"


class Schema(Protocol):
    """The schema of a database, in a transaction that no other process can be in."""

    def run(self, script: str) -> None:
        """Runs SQL statements that end in semicolons."""
        ...

    def names(self, query: str) -> set[str]:
        """Returns the column `name` of the rows that the query finds."""
        ...


def migrations(dialect: Dialect, *, folder: Path = FOLDER) -> dict[str, str]:
    """Returns the script of each migration by its name, oldest first."""
    scripts = {file.stem: _text(file) for file in (folder / dialect).glob("[0-9]*.sql")}
    for file in folder.glob("[0-9]*.sql"):
        scripts[file.stem] = lines_for(dialect, _text(file))
    return dict(sorted(scripts.items()))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def migrate(schema: Schema, dialect: Dialect, *, folder: Path = FOLDER) -> None:
    """Runs the migrations that are missing, oldest first. The caller begins the transaction,
    commits it and locks out others.

    Raises `ConfigurationError` if a newer version of Perdure migrated this database.
    """
    schema.run(f"{_TABLE};")
    done = schema.names("SELECT name FROM schema_migrations")
    scripts = migrations(dialect, folder=folder)
    if unknown := done - scripts.keys():
        raise ConfigurationError(
            f"The database was last used by a newer version of Perdure (its schema has "
            f"{max(unknown)}); upgrade Perdure to open it."
        )
    for name, script in scripts.items():
        if name not in done:
            schema.run(script)
            # The name of a file of ours.
            schema.run(f"INSERT INTO schema_migrations (name) VALUES ('{name}');")  # noqa: S608
