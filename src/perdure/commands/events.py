"""The log of a run's events."""

import json
from collections.abc import Collection, Sequence

from perdure.storage.database import Transaction
from perdure.wire.events import Event


def append(tx: Transaction, run_id: str, new: Sequence[tuple[str, bytes]], *, now: int) -> None:
    """Appends (event name, object as JSON) pairs, and publishes them after the commit."""
    rows = tx.many(
        "events.insert",
        [
            {"run_id": run_id, "name": name, "data": data.decode(), "told_at": now}
            for name, data in new
        ],
    )
    for (name, data), row in zip(new, rows, strict=True):
        tx.publish(run_id, Event(row["seq"], name, data))


def latest(tx: Transaction, run_ids: Collection[str]) -> dict[str, int]:
    """The place in the log of the last event of each run that has any."""
    rows = tx.all("events.latest", run_ids=json.dumps(list(run_ids)))
    return {row["run_id"]: row["seq"] for row in rows}


def after(tx: Transaction, run_id: str, seq: int) -> list[Event]:
    """Returns the run's events after a sequence number, in order."""
    return [
        Event(row["seq"], row["name"], row["data"].encode())
        for row in tx.all("events.after", run_id=run_id, after=seq)
    ]
