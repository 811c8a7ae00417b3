"""The stored lines of traces: how they are written, read and removed.

The statements that move a run or a step write them too, so a trace costs no statement and no
transaction of its own. A line that cannot be read is of another version, and is passed over.
"""

from typing import NamedTuple, Protocol

from msgspec import MsgspecError

from perdure.commands import servers
from perdure.errors import NotFound
from perdure.storage.database import Transaction
from perdure.wire.base import decode, encode
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.traces import (
    RemadeRequest,
    TracedCall,
    TracedClaim,
    TracedRelease,
    TraceEntry,
)
from perdure.wire.usage import Usage

# A row to which nothing is added any more. One line more may be there.
MOST_CHARACTERS = 256 * 1024


class Remaker(Protocol):
    """Makes the request of a model call again."""

    async def remake(self, run: Run, call: TracedCall, *, project: str) -> RemadeRequest:
        """Returns the request of a call of this run, compared with what was sent. Raises
        `Unavailable` where the bytes of an image cannot be read now.
        """
        ...


class TracedStep(NamedTuple):
    """A step with the lines that are kept with it, and the usage of its model call."""

    step: RunStep
    entries: list[TraceEntry]
    usage: Usage | None


class StoredTrace(NamedTuple):
    """Everything that is stored of a run's trace. `is_whole` is false where lines were left out."""

    run: Run
    entries: list[TraceEntry]
    steps: list[TracedStep]
    is_kept: bool
    is_whole: bool


def line(entry: TraceEntry) -> str:
    """Returns the line of an entry, as it is added to a row."""
    return f"{encode(entry).decode()}\n"


def claim_line(*, queued_at: float, now: float, owner: str, address: str, epoch: int) -> str:
    """Returns the line of a claim."""
    return line(
        TracedClaim(queued_at=queued_at, claimed_at=now, server=owner, address=address, epoch=epoch)
    )


def takeover_line(tx: Transaction, owner: str, *, now: float, noted_by: str) -> str:
    """Returns the line of a run that is taken from a worker whose lease has ended."""
    return line(
        TracedRelease(
            at=now,
            reason="lease_ended",
            server=owner,
            address=servers.address(tx, owner),
            noted_by=noted_by or None,
        )
    )


def read(tx: Transaction, run_id: str, *, thread_id: str, project: str) -> StoredTrace:
    """Returns the stored trace of a run of this thread and project. Raises `NotFound`."""
    row = tx.one("runs.trace", id=run_id, parent=thread_id, project=project)
    if row is None:
        raise NotFound(f"No run found with id '{run_id}'.")
    entries, is_whole = _entries(row["trace"])
    steps = []
    for each in tx.all("run_steps.traces_of_run", run_id=run_id, project=project):
        found, is_step_whole = _entries(each["trace"])
        is_whole = is_whole and is_step_whole
        usage = decode(each["usage"], Usage) if each["usage"] else None
        steps.append(TracedStep(decode(each["body"], RunStep), found, usage))
    is_kept = bool(entries or any(step.entries for step in steps))
    return StoredTrace(decode(row["body"], Run), entries, steps, is_kept, is_whole)


def forget(tx: Transaction, *, before: int, limit: int) -> int:
    """Removes the traces of some runs that ended before a time. Returns their number."""
    rows = tx.all("runs.traced_before", before=before, limit=limit)
    for row in rows:
        tx.run("run_steps.forget_traces", run_id=row["id"])
        tx.run("runs.forget_trace", id=row["id"])
    return len(rows)


def _entries(lines: str | None) -> tuple[list[TraceEntry], bool]:
    """Returns the entries of a row, and whether they are all that there were."""
    lines = lines or ""
    entries: list[TraceEntry] = []
    is_whole = len(lines) <= MOST_CHARACTERS
    for each in lines.splitlines():
        try:
            entries.append(decode(each, TraceEntry))  # type: ignore[arg-type] # a union
        except MsgspecError:
            is_whole = False
    return entries, is_whole
