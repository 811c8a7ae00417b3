"""Migration of a database to the schema of this version.

All migrations that are missing run in one transaction together with the note that they ran, so that
a process killed at any point leaves the old schema or the new one, and no lock. We do not use
yoyo-migrations for this: it commits a migration and its note one after the other, so that a process
killed in between leaves a database that can never be opened again, and its lock is a row that
outlives the process that holds it.
"""

from pathlib import Path
from typing import Protocol

from perdure.errors import ConfigurationError
from perdure.storage.statements import Dialect

_FOLDER = Path(__file__).parent / "migrations"
_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)"


class Schema(Protocol):
    """The schema of a database, in a transaction that no other process can be in."""

    def run(self, script: str) -> None:
        """Runs SQL statements that end in semicolons."""
        ...

    def names(self, query: str) -> set[str]:
        """Returns the column `name` of the rows that the query finds."""
        ...


def migrate(schema: Schema, dialect: Dialect, *, folder: Path = _FOLDER) -> None:
    """Runs the migrations that are missing, oldest first. The caller begins the transaction,
    commits it and locks out others.

    Raises `ConfigurationError` if a newer version of Perdure migrated this database.
    """
    schema.run(f"{_TABLE};")
    done = schema.names("SELECT name FROM schema_migrations")
    files = sorted((folder / dialect).glob("[0-9]*.sql"))
    if unknown := done - {file.stem for file in files}:
        raise ConfigurationError(
            f"The database was last used by a newer version of Perdure (its schema has "
            f"{max(unknown)}); upgrade Perdure to open it."
        )
    for file in files:
        if file.stem not in done:
            schema.run(file.read_text(encoding="utf-8"))
            # The name of a file of ours.
            schema.run(f"INSERT INTO schema_migrations (name) VALUES ('{file.stem}');")  # noqa: S608
