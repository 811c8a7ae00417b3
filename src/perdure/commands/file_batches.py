"""Rules for batches of files (spec 01 §10, 02 §9, 06 §1.5)."""

from msgspec.structs import replace

from perdure import ids
from perdure.commands import lists, store_membership, vector_stores
from perdure.commands.store_membership import FileToAdd
from perdure.commands.vector_stores import counts_of
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire import refusals
from perdure.wire.base import decode, encode
from perdure.wire.file_batches import CreateFileBatch, FileBatch
from perdure.wire.lists import Page
from perdure.wire.query import ListQuery
from perdure.wire.vector_store_files import CreateVectorStoreFile


def create(
    tx: Transaction, store_id: str, body: CreateFileBatch, *, project: str, now: int
) -> FileBatch:
    """Puts files into a vector store as one batch: all of them or none."""
    vector_stores.lock(tx, store_id, project=project, now=now)
    batch = FileBatch(id=ids.new_hex(ids.FILE_BATCH), created_at=now, vector_store_id=store_id)
    places = store_membership.add(tx, store_id, _asked(body), project=project, now=now)
    tx.run(
        "file_batches.insert",
        id=batch.id,
        vector_store_id=store_id,
        body=encode(batch).decode(),
    )
    tx.many("file_batches.link", [{"batch_id": batch.id, "file": place} for place in places])
    return get(tx, batch.id, store_id=store_id, project=project)


def get(tx: Transaction, batch_id: str, *, store_id: str, project: str) -> FileBatch:
    """Returns the batch with its counts. Raises `NotFound`."""
    vector_stores.require(tx, store_id, project=project)
    return _shown(tx, _found(tx.one("file_batches.get", id=batch_id, parent=store_id), batch_id))


def page(tx: Transaction, query: ListQuery, batch_id: str, *, store_id: str, project: str) -> Page:
    """Returns one page of the batch's files, of one status only if the query has it."""
    get(tx, batch_id, store_id=store_id, project=project)
    # A file leaves its batch when it leaves the vector store, and leaves its tombstone there.
    return lists.page(
        tx,
        "file_batch_files",
        query,
        project=project,
        parent=batch_id,
        label="file",
        tombstone_parent=store_id,
    )


def cancel(tx: Transaction, batch_id: str, *, store_id: str, project: str) -> FileBatch:
    """Cancels the files that are in progress. Files that have ended stay, and so does a batch that
    has ended.
    """
    vector_stores.require(tx, store_id, project=project)
    row = _found(tx.one("file_batches.lock", id=batch_id, parent=store_id), batch_id)
    at_work = tx.all("file_batches.at_work", id=batch_id)
    for file in at_work:
        store_membership.cancel(tx, file)
    if at_work:
        tx.run("file_batches.cancel", id=batch_id)
        row = _found(tx.one("file_batches.get", id=batch_id, parent=store_id), batch_id)
    return _shown(tx, row)


def _asked(body: CreateFileBatch) -> list[FileToAdd]:
    """Returns the files of either form (spec 01 §10)."""
    if body.files is not None:
        for name in ("file_ids", "chunking_strategy", "attributes"):
            if getattr(body, name) is not None:
                raise BadRequest(
                    f"'{name}' cannot be given together with 'files'.",
                    param=name,
                    code="invalid_value",
                )
        return [
            FileToAdd(file, f"files[{place}].file_id", f"files[{place}].chunking_strategy")
            for place, file in enumerate(body.files)
        ]
    if body.file_ids is None:
        raise refusals.missing("file_ids")
    return [
        FileToAdd(
            CreateVectorStoreFile(
                file_id=file_id,
                chunking_strategy=body.chunking_strategy,
                attributes=body.attributes,
            ),
            "file_ids",
        )
        for file_id in body.file_ids
    ]


def _shown(tx: Transaction, row: Row) -> FileBatch:
    counts = counts_of(tx.all("file_batches.counts", id=row["id"]))
    if row["cancelled"]:
        status = "cancelled"
    elif counts.in_progress:
        status = "in_progress"
    else:
        status = "failed" if counts.failed and not counts.completed else "completed"
    return replace(decode(row["body"], FileBatch), status=status, file_counts=counts)


def _found(row: Row | None, batch_id: str) -> Row:
    if row is None:
        raise NotFound(f"No file batch found with id '{batch_id}'.")
    return row
