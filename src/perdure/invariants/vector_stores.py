"""Invariants of vector stores, of the files in them, and of batches (spec 01 §8-10, 06 §1.5).

Counts, usage and status of vector stores and batches are computed from the files each time, so
there is nothing that could differ. `index.py` checks the index.
"""

from collections.abc import Callable, Iterator

from perdure.invariants import damage, index
from perdure.invariants.pages import SHOWN, pages
from perdure.invariants.run_history import Violation
from perdure.lifecycle import VectorStoreFileStatus
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.file_batches import FileBatch
from perdure.wire.files import File
from perdure.wire.vector_store_files import Attributes, VectorStoreFile
from perdure.wire.vector_stores import VectorStore

_DAY = 86_400


def count(tx: Transaction) -> int:
    """Returns the number of vector stores to check."""
    row = tx.one("invariants_of_vector_stores.extent")
    assert row is not None  # noqa: S101 # an aggregate
    return int(row["vector_stores"])


def check(tx: Transaction, *, on_page: Callable[[int], None]) -> Iterator[Violation]:
    """Yields the violations of vector stores, their files and batches, and the index."""
    for rows in pages(tx, "invariants_of_vector_stores.stores"):
        for row in rows:
            yield from damage.guard(row["id"], _store(row))
        on_page(len(rows))
    for rows in pages(tx, "invariants_of_vector_stores.files"):
        for row in rows:
            label = f"{row['vector_store_id']}/{row['file_id']}"
            yield from damage.guard(label, _file(row))
    for row in tx.all("invariants_of_vector_stores.half_expired", limit=SHOWN):
        yield Violation(row["id"], "is indexed, and completed files of it are not")
    for rows in pages(tx, "invariants_of_vector_stores.batches"):
        for row in rows:
            yield from damage.guard(row["id"], _batch(row))
    for row in tx.all("invariants_of_vector_stores.stray_links", limit=SHOWN):
        yield Violation(row["id"], f"has the file number {row['file']}, which its store has not")
    yield from index.check(tx)


def _store(row: Row) -> Iterator[str]:
    store = decode(row["body"], VectorStore)
    if row["id"] != store.id:
        yield f"has id {row['id']} in its row and {store.id} in its body"
    policy, used = store.expires_after, row["last_active_at"]
    expected = None if policy is None else used + policy.days * _DAY
    if row["expires_at"] != expected:
        yield f"expires at {row['expires_at']}, and should at {expected}"


def _file(row: Row) -> Iterator[str]:
    file = decode(row["body"], VectorStoreFile)
    yield from _belongs(row)
    for name, body in (
        ("file_id", file.id),
        ("vector_store_id", file.vector_store_id),
        ("status", file.status),
        ("usage_bytes", file.usage_bytes),
    ):
        if row[name] != body:
            yield f"has {name} {row[name]} in its row and {body} in its body"
    if decode(row["attributes"], Attributes) != file.attributes:
        yield f"has the attributes {row['attributes']} in its row and others in its body"
    yield from _outcome(row, file)
    yield from _work(row)


def _outcome(row: Row, file: VectorStoreFile) -> Iterator[str]:
    """Checks what came of reading the file; one that is being read again has its earlier text set
    aside, and one that could not be read again has that text and the error.
    """
    status, error = file.status, file.last_error
    may_err = status in (VectorStoreFileStatus.FAILED, VectorStoreFileStatus.COMPLETED)
    if (error is None and status == VectorStoreFileStatus.FAILED) or (error and not may_err):
        yield f"is {status} with the error {error}"
    most = 1 if status == VectorStoreFileStatus.IN_PROGRESS else 0
    if row["set_aside"] > most:
        yield f"is {status} with {row['set_aside']} attempts at it set aside"
    if row["usage_bytes"] and not row["set_aside"] and status != VectorStoreFileStatus.COMPLETED:
        yield f"is {status} and takes {row['usage_bytes']} bytes"


def _belongs(row: Row) -> Iterator[str]:
    """Checks that the vector store and the file exist, and are of one project."""
    if row["project_of_store"] is None:
        yield f"is in the store {row['vector_store_id']}, of which none is"
    if row["project_of_file"] is None:
        yield f"is the file {row['file_id']}, of which none is"
        return
    if row["project_of_store"] not in (None, row["project_of_file"]):
        yield f"is of {row['project_of_file']}, and its store of {row['project_of_store']}"
    if (name := decode(row["file"], File).filename) != row["filename"]:
        yield f"is named {row['filename']!r} in its store, and {name!r} by itself"


def _work(row: Row) -> Iterator[str]:
    """Checks the owner of the file, and the ingestions of it."""
    status, owner, ingestions = row["status"], row["owner"], row["attempts_at_it"]
    at_work = status == VectorStoreFileStatus.IN_PROGRESS
    if (owner is None) != (row["lease_until"] is None) or (owner is not None and not at_work):
        yield f"is {status} and owned by {owner or 'nobody'} until {row['lease_until'] or 'never'}"
    if owner is not None and (row["epoch"] < 1 or row["attempts"] < 1):
        yield f"is owned in epoch {row['epoch']} at attempt {row['attempts']}"
    # Whoever begins drops what was there before; whatever ends drops all but what it completes.
    most = 1 if at_work or status == VectorStoreFileStatus.COMPLETED else 0
    if ingestions > most:
        yield f"is {status} with {ingestions} attempts at it that are not dropped"
    if (status == VectorStoreFileStatus.COMPLETED) != (row["ingestion"] is not None):
        yield f"is {status} with the attempt {row['ingestion']} as its own"
    # A vector store that expires drops all that it has at once; others drop nothing.
    elif row["ingestion"] is not None and row["expires_at"] is None and row["dropped"] != 0:
        yield f"is completed, and its attempt {row['ingestion']} is dropped or gone"


def _batch(row: Row) -> Iterator[str]:
    batch = decode(row["body"], FileBatch)
    for name in ("id", "vector_store_id"):
        if row[name] != getattr(batch, name):
            yield f"has {name} {row[name]} in its row and {getattr(batch, name)} in its body"
    if not row["has_store"]:
        yield f"is of the store {row['vector_store_id']}, of which none is"
