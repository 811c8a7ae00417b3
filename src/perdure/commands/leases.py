"""Leases on runs: claim, renew, release, rescue.

A lease gives one worker the right to write a run. Each claim raises the run's epoch, and every
write of a worker names its epoch. So a worker that was given up for dead and wakes up again can
write nothing.
"""

import json
from collections.abc import Collection
from typing import NamedTuple

from msgspec import MsgspecError

from perdure import lifecycle
from perdure.commands import runs, servers, traces
from perdure.commands.runs import NOTHING, Lease, LockedRun, PartialMessage
from perdure.errors import LeaseLost
from perdure.lifecycle import RunStatus, Signal
from perdure.storage.database import Row, Transaction
from perdure.wire.events import Interrupted, Queued

# Seconds for which a run is left to the server that has the code session of its thread.
KEPT_SECONDS = 2.0


class ClaimedRun(NamedTuple):
    """A run that this worker has claimed and may write."""

    held: LockedRun
    lease: Lease


class ClaimedRuns(NamedTuple):
    """Runs that a worker has claimed at once. `after` is the project of the last one; `unreadable`
    are those whose row is damaged, so that nobody can claim them.
    """

    runs: list[ClaimedRun]
    after: str
    unreadable: list[str]


class FreedRun(NamedTuple):
    """A run that was taken from its worker, the lease that the worker had, and where its server
    listened, if that is known.
    """

    run_id: str
    lease: Lease
    address: str | None = None


class HeldLease(NamedTuple):
    """A worker's claim to write a run, now."""

    run_id: str
    lease: Lease
    now: int


def claim(
    tx: Transaction,
    run_id: str,
    *,
    owner: str,
    now: float,
    lease_seconds: float,
    traced_as: str | None = None,
) -> ClaimedRun | None:
    """Claims a queued run; None when the run is not queued (any more). `traced_as` is the address
    of the worker's server, for the trace of the run; None where none is written.
    """
    held = runs.lock(tx, run_id)
    if held is None or held.run.status is not RunStatus.QUEUED:
        return None
    if runs.is_due(held.run, now=int(now)):
        runs.signal(tx, held, Signal.EXPIRE, now=int(now))
        return None
    lease = Lease(owner, held.epoch + 1, now + lease_seconds)
    trace = None
    if traced_as is not None:
        trace = traces.claim_line(
            queued_at=held.queued_at, now=now, owner=owner, address=traced_as, epoch=lease.epoch
        )
    claimed = runs.signal(tx, held, Signal.CLAIM, now=int(now), lease=lease, trace=trace)
    return ClaimedRun(claimed, lease)


def claim_waiting(
    tx: Transaction,
    *,
    owner: str,
    now: float,
    lease_seconds: float,
    limit: int,
    after: str = "",
    traced_as: str | None = None,
) -> ClaimedRuns:
    """Claims runs that wait, up to `limit`; `traced_as` is as for `claim`. Projects take turns,
    beginning with the first behind `after`, and the oldest run of each comes first. No worker waits
    for another.

    A run is left to another living server for `KEPT_SECONDS` if that has the thread's code session.
    """
    claimed: list[ClaimedRun] = []
    skipped: list[str] = []
    unreadable: list[str] = []
    where = {
        "owner": owner,
        "now": now,
        "kept_since": now - KEPT_SECONDS,
        "alive_since": now - lease_seconds,
    }
    while len(claimed) < limit:
        row = _waiting(tx, after=after, skipped=json.dumps(skipped), **where)
        if row is None:
            break
        after = row["project"]
        # What cannot be claimed is not found again.
        skipped.append(row["id"])
        try:
            taken = claim(
                tx,
                row["id"],
                owner=owner,
                now=now,
                lease_seconds=lease_seconds,
                traced_as=traced_as,
            )
        except MsgspecError:
            unreadable.append(row["id"])
            continue
        if taken is not None:
            claimed.append(taken)
    return ClaimedRuns(claimed, after, unreadable)


def _waiting(tx: Transaction, *, after: str, **where: object) -> Row | None:
    return tx.one("runs.waiting", after=after, **where) or tx.one("runs.waiting", after="", **where)


def lock(tx: Transaction, hold: HeldLease) -> LockedRun:
    """Returns the run, locked for a worker's write. Raises `LeaseLost` when the worker no longer
    holds it.
    """
    found = runs.lock(tx, hold.run_id)
    if found is None or found.lease is None or found.lease.epoch != hold.lease.epoch:
        raise LeaseLost(f"run {hold.run_id} is no longer held with epoch {hold.lease.epoch}")
    return found


def goes_on(tx: Transaction, run_id: str, lease: Lease | None, *, now: int) -> bool:
    """Returns True if a worker works on the run and is to go on: the one with this lease, or any if
    there is none.
    """
    row = tx.one("runs.goes_on", id=run_id, now=now)
    return row is not None and (
        lease is None or (row["owner"], row["epoch"]) == (lease.owner, lease.epoch)
    )


def renew(
    tx: Transaction, leases: dict[str, Lease], *, now: float, lease_seconds: float
) -> list[str]:
    """Renews the leases of one worker's runs, also those that ran out while nobody else took the
    run. Returns the runs that it has lost. A run that is being written at the moment is left
    unchanged.

    Runs of the worker that were cancelled or are past their time are interrupted: so a worker
    learns of it when the interruption on the bus did not reach it.
    """
    lost = []
    for run_id, lease in leases.items():
        where = {"id": run_id, "epoch": lease.epoch, "owner": lease.owner}
        renewed = tx.run("runs.renew", **where, lease_until=now + lease_seconds)
        if not renewed and tx.one("runs.is_held", **where) is None:
            lost.append(run_id)
    for owner in {lease.owner for lease in leases.values()}:
        for row in tx.all("runs.interrupted_of_owner", owner=owner, now=int(now)):
            tx.publish(row["id"], Interrupted())
    return lost


def release(
    tx: Transaction, hold: HeldLease, *, partial: PartialMessage, trace: str | None = None
) -> None:
    """Ends a worker's hold on a run that it has to leave. `trace` are lines that say so in the
    run's trace, if it goes back to the queue.

    A run that is being cancelled or is past its time ends, and keeps the worker's text. Any other
    goes back to the queue, and its open message and step stay open for the worker that resumes it.
    """
    _free(tx, lock(tx, hold), now=hold.now, partial=partial, released=trace)


def rescue(
    tx: Transaction,
    *,
    now: float,
    everybody: bool,
    limit: int,
    in_hand: Collection[str] = (),
    traced_as: str | None = None,
) -> list[FreedRun]:
    """Frees runs whose worker let the lease run out, so many at most.

    `everybody` frees all owned runs. That is right only at the start of a server that is alone on
    its database, where no worker can be alive to hold them. `in_hand` are runs that this server
    works on: it lives, and its heartbeat renews their leases. `traced_as` is the address of this
    server, for the traces of the runs; None where none are written.
    """
    rows = (
        tx.all("runs.owned", limit=limit)
        if everybody
        else tx.all("runs.lapsed", now=now, limit=limit + len(in_hand))
    )
    freed = []
    for row in [row for row in rows if row["id"] not in in_hand][:limit]:
        found = runs.lock(tx, row["id"])
        # Between the look and the lock, another worker may have taken it.
        if found and found.lease and (everybody or found.lease.until <= now):
            owner = found.lease.owner
            trace = None
            if traced_as is not None:
                trace = traces.takeover_line(tx, owner, now=now, noted_by=traced_as)
            _free(tx, found, now=int(now), taken=trace)
            # Its worker may live in this very process, and not know that it hung.
            tx.publish(found.run.id, Interrupted())
            address = servers.address(tx, found.lease.owner)
            freed.append(FreedRun(found.run.id, found.lease, address))
    return freed


def expire_due(tx: Transaction, *, now: int, limit: int, in_hand: Collection[str] = ()) -> int:
    """Ends active runs that are past their time, so many at most. Returns the number of runs that
    it checked.

    Those `in_hand` are left to the worker of this server, which has their text so far.
    """
    rows = tx.all("runs.due", now=now, limit=limit + len(in_hand))
    due = [row["id"] for row in rows if row["id"] not in in_hand][:limit]
    for run_id in due:
        runs.expire(tx, run_id, now=now)
    return len(due)


def any_of_archived(tx: Transaction) -> bool:
    """Returns True if a run of an archived project is active and was not cancelled yet."""
    return bool(tx.all("runs.of_archived", limit=1))


def cancel_archived(tx: Transaction, *, now: int, limit: int) -> int:
    """Cancels active runs of archived projects, so many at most. Returns the number of runs that
    it cancelled. One whose row is damaged is left as it is.
    """
    cancelled = 0
    for row in tx.all("runs.of_archived", limit=limit):
        try:
            held = runs.lock(tx, row["id"])
        except MsgspecError:
            continue
        # Between the look and the lock, it may have ended.
        if held is not None and lifecycle.RUN.find(held.run.status, Signal.CANCEL):
            runs.stop(tx, held, now=now)
            cancelled += 1
    return cancelled


def announce(tx: Transaction) -> None:
    """Announces to workers again that runs wait, if any does."""
    for row in tx.all("runs.queued", limit=1):
        tx.publish(row["id"], Queued())


def _free(
    tx: Transaction,
    held: LockedRun,
    *,
    now: int,
    partial: PartialMessage = NOTHING,
    taken: str | None = None,
    released: str | None = None,
) -> None:
    """Ends the hold on a run. `taken` are lines of its trace, and `released` those that are true
    only if it goes back to the queue.
    """
    if held.run.status is RunStatus.CANCELLING:
        runs.signal(tx, held, Signal.STOP, now=now, partial=partial, trace=taken)
    elif runs.is_due(held.run, now=now):
        runs.signal(tx, held, Signal.EXPIRE, now=now, partial=partial, trace=taken)
    elif held.run.status is RunStatus.IN_PROGRESS:
        # Its step stays open: the calls so far may lead to nothing.
        lines = [partial.trace, taken, released]
        trace = "".join(filter(None, lines)) or None
        runs.signal(tx, held, Signal.RELEASE, now=now, trace=trace)
