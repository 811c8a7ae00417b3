"""Figures of all servers on a database, for whoever scrapes one of them."""

from typing import NamedTuple

from perdure.lifecycle import ACTIVE
from perdure.storage.database import Transaction

# Runs that are counted, so that a scrape costs milliseconds however many there are.
MOST_COUNTED = 20_000


class RunFigures(NamedTuple):
    """The number of runs of each status that have not ended, and when the one was queued that has
    waited longest; None where none waits.
    """

    active: dict[str, int]
    queued_since: float | None


def read(tx: Transaction) -> RunFigures:
    """Returns the figures; no more than `MOST_COUNTED` runs are counted."""
    rows = {row["status"]: row for row in tx.all("runs.figures", limit=MOST_COUNTED)}
    active = {str(status): int(rows[status]["runs"]) if status in rows else 0 for status in ACTIVE}
    return RunFigures(active, rows["queued"]["since"] if "queued" in rows else None)
