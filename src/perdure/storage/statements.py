"""The named SQL of `storage/sql/`, ready for a driver.

A statement is named `<file>.<name>`. The comment after its name is its promise, and the sign behind
the name is its kind, as aiosql reads it: `^` one row or none, `!` no rows, nothing all rows. A line
that ends in `-- sqlite` or `-- postgres` is there for that database only.

A page of a list names its parent in the order too, and PostgreSQL compares parent and place as one:
else, when few parents have most rows, it may walk through the rows of all others by `seq` until it
has found enough. SQLite finds the place in the middle of a list only by the plain form.
"""

import re
from functools import cache
from pathlib import Path
from typing import Literal

import aiosql

Dialect = Literal["sqlite", "postgres"]

_FOLDER = Path(__file__).parent / "sql"
# aiosql's names for the two ways to mark a parameter: `:name` and `%(name)s`.
_DRIVERS = {"sqlite": "sqlite3", "postgres": "psycopg"}
_DIALECT_LINE = re.compile(r"^(?P<sql>.*?)\s*-- (?P<dialect>sqlite|postgres)\s*$")


class Statements(dict[str, str]):
    """SQL by statement name."""

    def __missing__(self, name: str) -> str:
        raise KeyError(f"storage/sql has no statement {name!r}")


@cache
def load(dialect: Dialect, *, folder: Path = _FOLDER) -> Statements:
    """Returns every statement of the folder for one database; they are read once."""
    statements = Statements()
    for file in sorted(folder.glob("*.sql")):
        queries = aiosql.from_str(
            _queries_for(dialect, file.read_text(encoding="utf-8")),
            _DRIVERS[dialect],
            mandatory_parameters=False,
        )
        for query in queries.available_queries:
            # aiosql offers each query a second time, as a cursor.
            if not query.endswith("_cursor"):
                statements[f"{file.stem}.{query}"] = getattr(queries, query).sql
    return statements


def _queries_for(dialect: Dialect, text: str) -> str:
    sql = lines_for(dialect, text)
    # psycopg takes a lone percent sign for the start of a parameter.
    return sql.replace("%", "%%") if dialect == "postgres" else sql


def lines_for(dialect: Dialect, text: str) -> str:
    """Returns the lines that this database reads, without their marks."""
    lines = []
    for line in text.splitlines():
        marked = _DIALECT_LINE.match(line)
        if marked is None:
            lines.append(line)
        elif marked["dialect"] == dialect:
            lines.append(marked["sql"])
    return "\n".join(lines) + "\n"
