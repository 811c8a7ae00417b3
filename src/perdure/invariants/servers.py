"""Invariants of the servers of a database, and of the code sessions that they have."""

from collections.abc import Iterator

from perdure.invariants.pages import SHOWN
from perdure.invariants.run_history import Violation
from perdure.storage.database import Transaction


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields rows that no server can have written. A session may be of a thread that was deleted,
    or of a server that is gone: it is a hint, and is forgotten by time.
    """
    for row in tx.all("invariants.odd_servers", limit=SHOWN):
        yield Violation(
            row["id"],
            f"is a server at {row['address']!r} of version {row['version']!r} with "
            f"{row['runs']} runs",
        )
    for row in tx.all("invariants.odd_sessions", limit=SHOWN):
        yield Violation(
            row["thread_id"], f"has a code session with {row['server']!r} until {row['until']}"
        )
