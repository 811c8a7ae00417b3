"""Leases on files that are being ingested into vector stores, and the writes that a lease permits.

Ingestion is durable work like a run: the row is the queue, a worker holds it under a lease with an
epoch, and every write of the worker names that epoch. An ingestion that ends in any way but
completion leaves nothing that a search could find; a file that was being read again gets its
earlier ingestion back, which was set aside.
"""

from collections.abc import Collection
from typing import NamedTuple

from perdure.commands import store_membership, usage_counts
from perdure.commands.runs import Lease
from perdure.commands.usage_counts import UsageAccount, UsageCounts, UsageKey
from perdure.errors import LeaseLost
from perdure.lifecycle import Signal
from perdure.retrieval import index_writer
from perdure.retrieval.index_writer import PreparedChunks
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.chunking import ChunkSizes
from perdure.wire.vector_store_files import FileError, VectorStoreFile

_LAPSED_AT_ONCE = 100
# Seconds until a file is tried again if something that reading needs is away: a restart keeps it
# for moments only, and after about an hour it is given up.
_PAUSES = (5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600)
# Seconds until a file is tried again when its server was gone in the middle, each time that happens
# once more. The first time it is surely no fault of the file. If it is, the server lives on in
# between, and after the last time the file is given up.
_BREAK_PAUSES = (0, *_PAUSES)
# Owners that are no workers.
_PUT_OFF, _RESTING = "put_off", "resting"

_GIVEN_UP = FileError(
    code="server_error",
    message=f"The server stopped, or lost its storage, {len(_BREAK_PAUSES) + 1} times while it was "
    "reading the file, and gave it up.",
)


class IngestionJob(NamedTuple):
    """One ingestion of one file, held by one worker."""

    seq: int
    store_id: str
    file_id: str
    filename: str
    sizes: ChunkSizes
    lease: Lease
    ingestion: int
    # the model of the vector store's vectors; None: it is searched by words alone
    embedding: str | None


def claim(
    tx: Transaction,
    *,
    owner: str,
    now: float,
    lease_seconds: float,
    embedding: str | None,
    after: str = "",
    in_hand: Collection[int] = (),
) -> IngestionJob | None:
    """Gives a file to a worker, with a new ingestion; None if no file waits. The rows of an earlier
    ingestion are dropped. A file that was tried too often fails.

    Files whose lease ran out wait again, after a pause where that was not the first time. Those
    `in_hand`, by `seq`, do not: this worker lives, and its heartbeat renews their leases.

    Vector stores are served in rotation. The file is the one that has waited longest in the first
    vector store behind `after`, which is that of the worker's file before. `embedding` names the
    model that a vector store without chunks is given, for ever.
    """
    for lapsed in tx.all("ingestions.lapsed", now=now, limit=_LAPSED_AT_ONCE):
        if lapsed["seq"] not in in_hand:
            _put_back(tx, lapsed, now=now)
    while row := _next(tx, after=after):
        found = decode(row["body"], VectorStoreFile)
        where = {"vector_store_id": found.vector_store_id, "file_id": found.id}
        if _broken_off(row) > len(_BREAK_PAUSES):
            store_membership.give_up(tx, row["seq"], found, Signal.FAIL, _GIVEN_UP)
            continue
        tx.run("ingestions.drop_begun", **where)
        lease = Lease(owner, row["epoch"] + 1, now + lease_seconds)
        tx.run(
            "ingestions.claim",
            seq=row["seq"],
            owner=owner,
            epoch=lease.epoch,
            lease_until=lease.until,
        )
        begun = tx.one("ingestions.begin", **where)
        assert begun is not None  # noqa: S101 # it returns a row
        return IngestionJob(
            row["seq"],
            found.vector_store_id,
            found.id,
            row["filename"],
            found.chunking_strategy.static,
            lease,
            begun["id"],
            index_writer.ensure_model(tx, found.vector_store_id, embedding),
        )
    return None


def _broken_off(row: Row) -> int:
    """Returns the number of ingestions of a file that never ended."""
    return int(row["attempts"] - row["put_off"])


def _put_back(tx: Transaction, row: Row, *, now: float) -> None:
    """Puts a file back whose lease is over. If a worker held it, an ingestion broke off."""
    times = 0 if row["owner"] in (_PUT_OFF, _RESTING) else _broken_off(row)
    rest = _BREAK_PAUSES[times - 1] if 0 < times <= len(_BREAK_PAUSES) else 0
    if rest:
        tx.run("ingestions.rest", seq=row["seq"], owner=_RESTING, lease_until=now + rest)
    else:
        tx.run("ingestions.put_back", seq=row["seq"])


def _next(tx: Transaction, *, after: str) -> Row | None:
    return tx.one("ingestions.waiting", after=after) or tx.one("ingestions.waiting", after="")


def lock(tx: Transaction, job: IngestionJob) -> VectorStoreFile:
    """Returns the file, locked against other writers. Raises `LeaseLost` if the worker no longer
    holds it.
    """
    return decode(_locked_row(tx, job)["body"], VectorStoreFile)


def _locked_row(tx: Transaction, job: IngestionJob) -> Row:
    row = tx.one("ingestions.held", seq=job.seq, epoch=job.lease.epoch, owner=job.lease.owner)
    if row is None:
        raise LeaseLost(f"file {job.file_id} of {job.store_id} is no longer held")
    return row


def write(tx: Transaction, job: IngestionJob, chunks: PreparedChunks, *, now: float) -> int:
    """Writes the next chunks of the ingestion, and counts what their vectors took. Returns their
    size in bytes.
    """
    lock(tx, job)
    size = index_writer.write(tx, job.ingestion, job.store_id, chunks, embedding=job.embedding)
    if chunks.vectors is not None and job.embedding is not None:
        _count_embedding(tx, job, chunks, model=job.embedding.partition("@")[0], now=now)
    return size


def _count_embedding(
    tx: Transaction, job: IngestionJob, chunks: PreparedChunks, *, model: str, now: float
) -> None:
    row = tx.one("vector_stores.project", id=job.store_id)
    if row is not None:
        key = UsageKey("embeddings", UsageAccount(row["project"]), model)
        tokens = sum(chunk.tokens for chunk in chunks.chunks)
        counts = {key: UsageCounts(requests=1, input_tokens=tokens)}
        usage_counts.add(tx, counts, server=job.lease.owner, now=now)


def renew(
    tx: Transaction, jobs: list[IngestionJob], *, now: float, lease_seconds: float
) -> list[IngestionJob]:
    """Renews the leases of a worker's files, also those that ran out while nobody else took the
    file. Returns the files that it has lost. A file that is being written at the moment is left
    unchanged.
    """
    lost = []
    for job in jobs:
        where = {"seq": job.seq, "epoch": job.lease.epoch, "owner": job.lease.owner}
        renewed = tx.run("ingestions.renew", **where, lease_until=now + lease_seconds)
        if not renewed and tx.one("ingestions.is_held", **where) is None:
            lost.append(job)
    return lost


def is_held(tx: Transaction, job: IngestionJob) -> bool:
    """Returns True if the file is still the worker's."""
    where = {"seq": job.seq, "epoch": job.lease.epoch, "owner": job.lease.owner}
    return tx.one("ingestions.is_held", **where) is not None


def complete(tx: Transaction, job: IngestionJob, *, usage_bytes: int) -> None:
    """Ends the ingestion: from now on searches find its chunks, and none from before."""
    found = lock(tx, job)
    tx.run("ingestions.drop_set_aside", vector_store_id=job.store_id, file_id=job.file_id)
    store_membership.signal(
        tx, job.seq, found, Signal.COMPLETE, usage_bytes=usage_bytes, ingestion=job.ingestion
    )


def fail(tx: Transaction, job: IngestionJob, error: FileError) -> None:
    """Ends the ingestion, and with it the file, unless it has its text from before."""
    store_membership.give_up(tx, job.seq, lock(tx, job), Signal.FAIL, error)


def postpone(tx: Transaction, job: IngestionJob, reason: str, *, now: float) -> None:
    """Ends the ingestion, since something that it needs cannot be reached. The file is tried again
    later, or fails for that reason if it was postponed too often.
    """
    row = _locked_row(tx, job)
    if row["put_off"] < len(_PAUSES):
        until = now + _PAUSES[row["put_off"]]
        tx.run("ingestions.put_off", seq=job.seq, owner=_PUT_OFF, lease_until=until)
        return
    message = f"{reason} The server tried for about an hour to read the file, and gave it up."
    fail(tx, job, FileError(code="server_error", message=message))


def release(tx: Transaction, job: IngestionJob) -> None:
    """Puts the file back into the queue, when the worker has to stop."""
    tx.run("ingestions.release", seq=job.seq, epoch=job.lease.epoch, owner=job.lease.owner)


def free(tx: Transaction, *, now: float) -> None:
    """Puts back the files that any worker held, and at once those that were postponed. That is
    right only at the start of a server that is alone. Files that pause after a break go on pausing.
    """
    tx.run("ingestions.resume", owner=_PUT_OFF)
    for row in tx.all("ingestions.held_by_workers", put_off=_PUT_OFF, resting=_RESTING):
        _put_back(tx, row, now=now)
