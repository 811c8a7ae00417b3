"""Invariants of imported runs, steps and messages (spec 10 §3.2): another server's state machine
made them, and no events. They have ended, and their rows agree with their bodies.
"""

from collections.abc import Iterator, Sequence

from perdure import lifecycle
from perdure.invariants import damage
from perdure.invariants.run_history import StoredMessage, StoredStep, Violation
from perdure.invariants.steps_and_messages import row_differs
from perdure.storage.database import Row
from perdure.wire.runs import Run


def check(
    row: Row, run: Run, steps: Sequence[StoredStep], messages: Sequence[StoredMessage]
) -> Iterator[Violation]:
    """Yields the violations of an imported run with its steps and messages."""
    yield from damage.guard(run.id, _run(row, run))
    for step in steps:
        yield from damage.guard(step.step.id, _step(step, run))
    for each in messages:
        yield from damage.guard(each.message.id, message(each))


def message(stored: StoredMessage) -> Iterator[str]:
    """Yields the violations of an imported message."""
    found = stored.message
    yield from row_differs(stored.row, found, ("id", "thread_id", "run_id", "role", "status"))
    if found.status == "in_progress":
        yield "was imported and is in progress"


def _run(row: Row, run: Run) -> Iterator[str]:
    for name in ("id", "thread_id", "status", "expires_at"):
        if row[name] != getattr(run, name):
            yield f"has {name} {row[name]} in its row and {getattr(run, name)} in its body"
    if run.status not in lifecycle.TERMINAL or row["ended_at"] is None:
        yield f"was imported and is {run.status}, ended at {row['ended_at']}"
    if row["owner"] is not None:
        yield f"was imported and is owned by {row['owner']}"


def _step(stored: StoredStep, run: Run) -> Iterator[str]:
    found = stored.step
    yield from row_differs(stored.row, found, ("id", "thread_id", "run_id", "status"))
    if found.status == "in_progress":
        yield "was imported and is in progress"
    if (found.thread_id, found.run_id) != (run.thread_id, run.id):
        yield f"is of the run {found.run_id} on {found.thread_id}, and is with {run.id}"
