"""Invariants of the deliveries of events to webhooks.

A delivery names its run and its webhook and refers to neither. The run may be deleted, and the
webhook may be gone from the settings: the event is delivered or given up all the same.
"""

from collections.abc import Iterator

from perdure.invariants import damage
from perdure.invariants.pages import AT_ONCE, SHOWN
from perdure.invariants.run_history import Violation
from perdure.lifecycle import RUN
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.runs import Run

_EVENTS = {move.event: move.target for move in RUN if move.event}


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields the violations of deliveries."""
    key = {"id": "", "webhook": ""}
    while rows := tx.all("invariants_of_webhooks.deliveries", **key, limit=AT_ONCE):
        for row in rows:
            label = f"{row['id']} to {row['webhook']}"
            yield from damage.guard(label, _shape(row))
            yield from damage.guard(label, _published(row))
        key = {name: rows[-1][name] for name in key}
    for row in tx.all("invariants_of_webhooks.told_twice", limit=SHOWN):
        yield Violation(row["id"], "is another event to one webhook than to another")


def _shape(row: Row) -> Iterator[str]:
    status, attempts, error = row["status"], row["attempts"], row["last_error"]
    if (status == "waiting") != (row["ended_at"] is None):
        yield f"is {status} with ended_at {row['ended_at']}"
    if (status == "delivered") != (row["data"] is None):
        yield f"is {status} and has {'no' if row['data'] is None else 'still its'} data"
    if status == "delivered" and (attempts < 1 or error is not None):
        yield f"is delivered after {attempts} attempts with the error {error}"
    responded = row["response_status"]
    # None: an earlier version has written it
    if status == "delivered" and responded is not None and not 200 <= responded < 300:
        yield f"is delivered to a target that answered with {responded}"
    if status == "given_up" and error is None:
        yield "is given up for no reason"
    if status == "waiting" and error is not None and attempts < 1:
        yield f"has the error {error} without any attempt"


def _published(row: Row) -> Iterator[str]:
    """Checks that the object of a delivery is the run as it was published."""
    if row["event"] not in _EVENTS:
        yield f"tells {row['event']}, which is no event of a run"
        return
    if row["data"] is None:
        return
    run = decode(row["data"], Run)
    if run.id != row["run_id"] or run.status != _EVENTS[row["event"]]:
        yield f"tells {row['event']} of {row['run_id']} with {run.id}, which is {run.status}"
