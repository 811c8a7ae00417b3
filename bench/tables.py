"""What a server's database holds, looked at and changed beside the server."""

import sqlite3
from pathlib import Path
from typing import Any, Protocol, Self

import psycopg


class _Connection(Protocol):
    def execute(self, sql: Any, /) -> Any: ...

    def close(self) -> None: ...


class Tables:
    """A connection of its own to the database at a URL, or else in a data folder."""

    def __init__(self, url: str | None, folder: str) -> None:
        self.is_postgres = url is not None
        self._connection: _Connection = (
            psycopg.connect(url, autocommit=True)
            if url
            else sqlite3.connect(Path(folder, "perdure.db"), isolation_level=None, timeout=60)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def number(self, sql: str) -> int:
        """The one number that a query finds."""
        ((found,),) = self._connection.execute(sql).fetchall()
        return int(found)

    def text(self, sql: str) -> str:
        """The one text that a query finds."""
        ((found,),) = self._connection.execute(sql).fetchall()
        return str(found)

    def change(self, sql: str) -> None:
        """Changes rows, in a transaction of its own."""
        self._connection.execute(sql)
