"""Membership of files in vector stores: they are added, change their status there, and are removed
(spec 06 §1.5).
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from perdure import lifecycle
from perdure.commands import known_files, moves
from perdure.commands.lists import add_tombstone
from perdure.errors import BadRequest
from perdure.lifecycle import Signal, VectorStoreFileStatus
from perdure.storage.database import Row, Transaction
from perdure.wire import chunking
from perdure.wire.base import decode, encode
from perdure.wire.chunking import StaticChunking
from perdure.wire.events import Interrupted, Waiting
from perdure.wire.vector_store_files import (
    CreateVectorStoreFile,
    FileError,
    VectorStoreFile,
)

_EXPIRED = FileError(
    code="server_error", message="The vector store expired before the file was read."
)


class FileToAdd(NamedTuple):
    """A file to add to a vector store, and the places of its id and its strategy in the request."""

    body: CreateVectorStoreFile
    id_path: str = "file_id"
    strategy_path: str = "chunking_strategy"


def add(
    tx: Transaction, store_id: str, asked: Sequence[FileToAdd], *, project: str, now: int
) -> list[int]:
    """Adds files to a vector store that the caller has locked; they wait to be ingested.

    A file that is a member already stays unchanged, but for new attributes if some are given. One
    that failed or was cancelled begins anew, and one that was read if that is asked for. Returns
    the `seq` of the files. Raises `BadRequest` where a file does not exist or its chunking is
    invalid; then none is added.
    """
    chosen = {each.body.file_id: _strategy(each) for each in asked}
    wanted = {each.body.file_id: each.body for each in asked}
    paths = {each.body.file_id: each.id_path for each in asked}
    found = known_files.require(tx, paths, project=project)
    there = tx.all(
        "vector_store_files.lock_all", parent=store_id, ids=encode(list(wanted)).decode()
    )
    places = [_again(tx, row, wanted.pop(row["id"]), chosen[row["id"]]) for row in there]
    rows = tx.many(
        "vector_store_files.insert",
        [
            _columns(
                VectorStoreFile(
                    id=file_id,
                    created_at=now,
                    vector_store_id=store_id,
                    chunking_strategy=chosen[file_id],
                    attributes=body.attributes or {},
                ),
                found[file_id].filename,
            )
            for file_id, body in wanted.items()
        ],
    )
    tx.run("vector_stores.touch", id=store_id, project=project, now=now, before=now)
    tx.publish(store_id, Waiting())
    return [*places, *(row["seq"] for row in rows)]


def _strategy(asked: FileToAdd) -> StaticChunking:
    """Returns the strategy as it is answered. Raises `BadRequest` for an overlap over half a
    chunk.
    """
    strategy = asked.body.chunking_strategy
    if not isinstance(strategy, StaticChunking):
        return chunking.DEFAULT
    sizes = strategy.static
    if sizes.chunk_overlap_tokens * 2 > sizes.max_chunk_size_tokens:
        path = f"{asked.strategy_path}.static.chunk_overlap_tokens"
        raise BadRequest(
            f"Invalid '{path}': the overlap must be at most half of 'max_chunk_size_tokens' "
            f"({sizes.max_chunk_size_tokens // 2}), but got {sizes.chunk_overlap_tokens} instead.",
            param=path,
            code="invalid_value",
        )
    return strategy


def remove(tx: Transaction, row: Row, store_id: str, *, project: str, now: int) -> None:
    """Removes a file from a vector store; the file itself stays."""
    tx.run("ingestions.drop", vector_store_id=store_id, file_id=row["id"])
    tx.run("vector_store_files.delete", seq=row["seq"])
    add_tombstone(tx, row["id"], project=project, seq=row["seq"], now=now, parent=store_id)
    tx.publish(topic(store_id, row["id"]), Interrupted())


def remove_everywhere(tx: Transaction, file_id: str, *, project: str, now: int) -> None:
    """Removes a file that is being deleted from all vector stores (spec 02 §10)."""
    for row in tx.all("vector_store_files.of_file", file_id=file_id):
        remove(tx, row, row["vector_store_id"], project=project, now=now)


def cancel(tx: Transaction, row: Row) -> None:
    """Ends a file that is in progress. Its worker, if it has one, can write nothing more."""
    _interrupt(tx, row, Signal.CANCEL, None)


def expire(tx: Transaction, row: Row) -> None:
    """Fails a file that is in progress in a vector store that has expired."""
    _interrupt(tx, row, Signal.FAIL, _EXPIRED)


def give_up(
    tx: Transaction, seq: int, found: VectorStoreFile, how: Signal, error: FileError | None
) -> None:
    """Ends a file in progress that was not read. One that was being read again keeps the text that
    it had, and is completed with the error.
    """
    where = {"vector_store_id": found.vector_store_id, "file_id": found.id}
    tx.run("ingestions.drop_begun", **where)
    kept = tx.one("ingestions.restore", **where)
    if kept is None:
        signal(tx, seq, found, how, error=error)
        return
    signal(
        tx,
        seq,
        found,
        Signal.RESTORE,
        usage_bytes=found.usage_bytes,
        ingestion=kept["id"],
        error=error,
    )


def retry(tx: Transaction, seq: int, was: VectorStoreFile) -> None:
    """Lets a file that failed wait to be read again."""
    tx.run("ingestions.drop", vector_store_id=was.vector_store_id, file_id=was.id)
    signal(tx, seq, was, Signal.RETRY)
    tx.publish(was.vector_store_id, Waiting())


def _interrupt(tx: Transaction, row: Row, how: Signal, error: FileError | None) -> None:
    found = decode(row["body"], VectorStoreFile)
    give_up(tx, row["seq"], found, how, error)
    tx.publish(topic(found.vector_store_id, found.id), Interrupted())


def signal(
    tx: Transaction,
    seq: int,
    was: VectorStoreFile,
    signal: Signal,
    *,
    usage_bytes: int = 0,
    ingestion: int | None = None,
    error: FileError | None = None,
) -> VectorStoreFile:
    """Moves a vector store file by a line of the table. It is the only function that changes its
    status.
    """
    label = f"{was.id} of {was.vector_store_id}"
    move = lifecycle.VECTOR_STORE_FILE.require(label, was.status, signal)
    moved = replace(
        was,
        status=VectorStoreFileStatus(move.target),
        usage_bytes=usage_bytes,
        last_error=error,
    )
    moves.write(
        tx,
        "vector_store_files.move",
        f"vector store file {label}",
        was=was.status,
        seq=seq,
        status=moved.status,
        body=encode(moved).decode(),
        usage_bytes=usage_bytes,
        ingestion=ingestion,
    )
    # Runs may be waiting for the vector store.
    tx.publish(was.vector_store_id, Interrupted())
    return moved


def topic(store_id: str, file_id: str) -> str:
    """Returns the bus topic on which the worker of a file is interrupted."""
    return f"{store_id}/{file_id}"


def _again(
    tx: Transaction, row: Row, asked: CreateVectorStoreFile, strategy: StaticChunking
) -> int:
    """Adds a file that the vector store has already."""
    found = decode(row["body"], VectorStoreFile)
    if asked.attributes is not None:
        found = replace(found, attributes=asked.attributes)
    is_read = found.status == VectorStoreFileStatus.COMPLETED
    how = Signal.REREAD if is_read and asked.read_again else Signal.RETRY
    if lifecycle.VECTOR_STORE_FILE.find(found.status, how):
        if asked.chunking_strategy is not None:
            found = replace(found, chunking_strategy=strategy)
        where = {"vector_store_id": found.vector_store_id, "file_id": found.id}
        tx.run("ingestions.set_aside" if how is Signal.REREAD else "ingestions.drop", **where)
        # What is set aside still takes its bytes; what failed takes none.
        found = signal(tx, row["seq"], found, how, usage_bytes=found.usage_bytes)
    update(tx, row["seq"], found)
    return int(row["seq"])


def update(tx: Transaction, seq: int, file: VectorStoreFile) -> VectorStoreFile:
    """Writes a file whose status does not change."""
    tx.run(
        "vector_store_files.update",
        seq=seq,
        body=encode(file).decode(),
        attributes=encode(file.attributes).decode(),
    )
    return file


def _columns(file: VectorStoreFile, filename: str) -> dict[str, object]:
    return {
        "vector_store_id": file.vector_store_id,
        "file_id": file.id,
        "filename": filename,
        "status": file.status,
        "attributes": encode(file.attributes).decode(),
        "body": encode(file).decode(),
    }
