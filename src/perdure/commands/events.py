"""The log of a run's events."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

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


class LogPart(NamedTuple):
    """Events of the log up to `seq`: all there are of a kind, if `is_whole`."""

    seq: int
    events: list[Event]
    is_whole: bool


def newest(tx: Transaction) -> int:
    """Returns the place of the last event in the log."""
    row = tx.one("events.newest")
    return int(row["seq"] or 0) if row else 0


def of_runs(tx: Transaction, project: str, after: int, *, limit: int) -> LogPart:
    """Returns the next events after a place that changed runs of the project, so many at most."""
    upto = newest(tx)
    rows = tx.all("events.of_runs", project=project, after=after, upto=upto, limit=limit)
    found = [Event(row["seq"], row["name"], row["data"].encode()) for row in rows]
    is_whole = len(found) < limit
    return LogPart(max(upto, after) if is_whole else found[-1].seq, found, is_whole)
