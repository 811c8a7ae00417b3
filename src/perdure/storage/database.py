"""The seam to databases: what a database must do.

Every write is a command: one short function of a transaction (design, decision 4). A reader
and a writer are given the same `Transaction`; only the writer's may change rows.
`tests/storage/` runs against every implementation.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from perdure.wire.events import Publication

P = ParamSpec("P")
T = TypeVar("T")


class Row(Protocol):
    """A row, read by column name."""

    def __getitem__(self, key: str, /) -> Any: ...


class Transaction(Protocol):
    """All or nothing: named statements of `storage/sql/`, and what to tell once they hold.

    A statement is named `<file>.<name>`, such as `runs.get`. Functions that take a
    transaction are synchronous, do no other I/O, and may be run again from their start when
    the database asks for a retry.
    """

    def one(self, statement: str, **params: object) -> Row | None:
        """The only row, or None."""
        ...

    def all(self, statement: str, **params: object) -> list[Row]:
        """All rows."""
        ...

    def run(self, statement: str, **params: object) -> int:
        """Runs a statement that returns no rows; the number of rows it changed."""
        ...

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        """Runs a statement once for each set of parameters; the rows it returns, in order."""
        ...

    def tell(self, topic: str, told: Publication) -> None:
        """Publishes on the bus after the commit; never, if there is none."""
        ...


class Database(Protocol):
    """Where the durable facts are."""

    exclusive: bool
    """Whether no other process can be writing (SQLite: the data folder is locked)."""

    @property
    def is_full(self) -> bool:
        """Whether the disk is full, so that nothing should be begun that writes more than it
        deletes. Only SQLite knows it beforehand.
        """
        ...

    async def require_room(self) -> None:
        """Raises `Unavailable` while the disk is full, and looks whether it still is."""
        ...

    async def open(self) -> None:
        """Connects and migrates the schema. Raises `ConfigurationError` in one sentence."""
        ...

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a command in a transaction of its own, committed together with others' (group
        commit). Returns, or raises what the command raised, after the commit and after what it
        told was published.
        """
        ...

    def write_now(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `write`, and not behind the writes that wait: it comes next. For a thread other
        than the event loop's; it blocks that thread, and does not need the loop to return.
        """
        ...

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a query on one consistent snapshot that holds every write already returned."""
        ...

    async def close(self) -> None:
        """Finishes the writes that wait, then disconnects."""
        ...
