"""Invariants of the adjustments that were learnt of model servers."""

from collections.abc import Iterator

from perdure.invariants.pages import SHOWN
from perdure.invariants.run_history import Violation
from perdure.storage.database import Transaction


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields adjustments that cannot have been learnt. Unknown names are those of another
    version.
    """
    for row in tx.all("invariants.odd_adjustments", limit=SHOWN):
        where = f"{row['model']} of {row['server']}"
        yield Violation(where, f"is said to need {row['name']!r} since {row['learnt_at']}")
