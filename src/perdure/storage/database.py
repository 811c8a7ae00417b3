"""The seam to databases: the protocols of a database and its transactions.

Every write is a command: one short function of a transaction (design, decision 4). A reader and a
writer are given the same `Transaction`; only the writer's may change rows. `tests/storage/` runs
against every implementation.
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
    """A transaction: named statements of `storage/sql/`, and events to publish after the commit.

    A statement is named `<file>.<name>`, such as `runs.get`. Functions that take a transaction are
    synchronous, do no other I/O, and may be run again from their start when the database asks for a
    retry.
    """

    def one(self, statement: str, **params: object) -> Row | None:
        """Returns the only row, or None."""
        ...

    def all(self, statement: str, **params: object) -> list[Row]:
        """Returns all rows."""
        ...

    def run(self, statement: str, **params: object) -> int:
        """Runs a statement that returns no rows. Returns the number of rows that it changed."""
        ...

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        """Runs a statement once for each set of parameters. Returns the rows, in order."""
        ...

    def publish(self, topic: str, publication: Publication) -> None:
        """Publishes on the bus after the commit; never, if there is none."""
        ...


class Database(Protocol):
    """A database of durable facts."""

    exclusive: bool
    """True if no other process can be writing (SQLite: the data folder is locked)."""

    @property
    def is_full(self) -> bool:
        """True if the disk is full, so that no write should begin that stores more than it deletes.
        Only SQLite knows it beforehand.
        """
        ...

    async def require_space(self) -> None:
        """Checks whether the disk is still full. Raises `Unavailable` if it is."""
        ...

    async def open(self) -> None:
        """Connects and migrates the schema. Raises `ConfigurationError` in one sentence."""
        ...

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a command in a transaction of its own, committed together with others' (group
        commit). It returns, or raises the command's error, after the commit and after the command's
        events were published.
        """
        ...

    def write_now(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a command like `write`, in front of the writes that wait. It is for a thread other
        than the event loop's: it blocks that thread, and returns without help of the loop.
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
