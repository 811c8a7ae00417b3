"""Rules for vector stores (spec 01 §8, 02 §9, 06 §1.5 and §1.6)."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids
from perdure.commands import lists, store_membership
from perdure.commands.store_membership import FileToAdd
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.lists import Deleted, Page
from perdure.wire.query import ListQuery
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.tools import ToolResources
from perdure.wire.vector_store_files import CreateVectorStoreFile
from perdure.wire.vector_stores import (
    CreateVectorStore,
    FileCounts,
    ModifyVectorStore,
    VectorStore,
    VectorStoreExpiresAfter,
)

_DAY = 86_400
# Use is noted at most once in so many seconds.
_TOUCH_SECONDS = 60


def create(
    tx: Transaction, body: CreateVectorStore, *, project: str, now: int, head: str = ""
) -> VectorStore:
    """Adds a vector store; files that are named wait to be ingested.

    `head` stands before the paths of the body's fields in errors.
    """
    store = VectorStore(
        id=ids.new_hex(ids.VECTOR_STORE),
        created_at=now,
        name=body.name,
        description=body.description,
        expires_after=body.expires_after,
        expires_at=_expiry(body.expires_after, now),
        last_active_at=now,
        metadata=body.metadata or {},
    )
    tx.run(
        "vector_stores.insert",
        id=store.id,
        project=project,
        expires_at=store.expires_at,
        last_active_at=now,
        body=encode(store).decode(),
    )
    if body.file_ids:
        asked = [
            FileToAdd(
                CreateVectorStoreFile(file_id=file_id, chunking_strategy=body.chunking_strategy),
                f"{head}file_ids",
                f"{head}chunking_strategy",
            )
            for file_id in body.file_ids
        ]
        store_membership.add(tx, store.id, asked, project=project, now=now)
    return get(tx, store.id, project=project, now=now)


def get(tx: Transaction, store_id: str, *, project: str, now: int) -> VectorStore:
    """Returns the vector store with its counts. Raises `NotFound` (spec 05 §3.2)."""
    row = _found(tx.one("vector_stores.get", id=store_id, project=project), store_id)
    return shown(tx, [row], now=now)[0]


def page(tx: Transaction, query: ListQuery, *, project: str, now: int) -> Page:
    """Returns one page of the project's vector stores."""
    rows, has_more = lists.rows(
        tx, "vector_stores", query, project=project, parent=project, label="vector store"
    )
    stores = shown(tx, rows, now=now)
    return Page(
        [store.id for store in stores], [encode(store).decode() for store in stores], has_more
    )


def require(tx: Transaction, store_id: str, *, project: str) -> None:
    """Raises `NotFound` unless the project has the vector store."""
    possible = ids.is_possible(store_id)
    row = tx.one("vector_stores.get", id=store_id, project=project) if possible else None
    _found(row, store_id)


def require_live(tx: Transaction, store_id: str, *, project: str, now: int) -> Row:
    """Returns the row of a vector store. Raises `NotFound` unless the project has it, `BadRequest`
    where it has expired.
    """
    row = _found(tx.one("vector_stores.get", id=store_id, project=project), store_id)
    if _is_expired(row, now):
        raise expired_error(store_id)
    return row


def is_recently_used(tx: Transaction, store_id: str, *, project: str, now: int) -> bool:
    """Returns True if its use was noted a moment ago: then a search waits for no writer.

    Raises as `require_live` does.
    """
    used_at: int = require_live(tx, store_id, project=project, now=now)["last_active_at"]
    return used_at > now - _TOUCH_SECONDS


def lock(tx: Transaction, store_id: str, *, project: str, now: int) -> VectorStore:
    """Returns the vector store without its counts, locked against other writers until the
    transaction ends.

    Raises `NotFound`, and `BadRequest` where it has expired (spec 05 §3.4).
    """
    row = _found(tx.one("vector_stores.lock", id=store_id, project=project), store_id)
    if _is_expired(row, now):
        raise expired_error(store_id)
    return decode(row["body"], VectorStore)


def modify(
    tx: Transaction, store_id: str, body: ModifyVectorStore, *, project: str, now: int
) -> VectorStore:
    """Modifies a vector store. An absent field keeps its value, a value replaces it, null clears
    it.
    """
    row = _found(tx.one("vector_stores.lock", id=store_id, project=project), store_id)
    changes: dict[str, object] = {}
    expires_at = row["expires_at"]
    if body.name is not UNSET:
        changes["name"] = body.name
    if body.metadata is not UNSET:
        changes["metadata"] = body.metadata or {}
    if body.expires_after is not UNSET:
        if _is_expired(row, now):
            raise expired_error(store_id)
        changes["expires_after"] = body.expires_after
        expires_at = _expiry(body.expires_after, row["last_active_at"])
    store = replace(decode(row["body"], VectorStore), **changes)
    text = encode(store).decode()
    tx.run("vector_stores.update", id=store_id, project=project, body=text, expires_at=expires_at)
    return get(tx, store_id, project=project, now=now)


def touch(tx: Transaction, store_id: str, *, project: str, now: int) -> None:
    """Notes that the vector store was used (spec 06 §1.6), to the minute."""
    before = now - _TOUCH_SECONDS
    tx.run("vector_stores.touch", id=store_id, project=project, now=now, before=before)


def use(tx: Transaction, run: Run, *, now: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the vector stores of a run, and those among them that are the thread's; notes their
    use.

    Deleted vector stores are left out. Raises `BadRequest` where one has expired.
    """
    row = tx.one("threads.of_run", run_id=run.id)
    thread = decode(row["body"], Thread).tool_resources if row else None
    of_thread = _existing(tx, thread, run, now=now)
    stores = {**_existing(tx, run.tool_resources, run, now=now), **of_thread}
    for store_id, project in stores.items():
        touch(tx, store_id, project=project, now=now)
    return tuple(stores), tuple(of_thread)


def has_files_in_progress(tx: Transaction, store_id: str) -> bool:
    """Returns True if files of the vector store are in progress."""
    return tx.one("vector_stores.at_work", id=store_id) is not None


def shown(tx: Transaction, rows: Sequence[Row], *, now: int) -> list[VectorStore]:
    """Returns the vector stores as they are answered, with the values that are computed from their
    files.
    """
    asked = encode([row["id"] for row in rows]).decode()
    found: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    for row in tx.all("vector_stores.counts", ids=asked):
        found[row["id"]].append(row)
    stores = []
    for row in rows:
        counts = counts_of(found[row["id"]])
        status = "in_progress" if counts.in_progress else "completed"
        stores.append(
            replace(
                decode(row["body"], VectorStore),
                status="expired" if _is_expired(row, now) else status,
                file_counts=counts,
                usage_bytes=sum(int(each["usage_bytes"]) for each in found[row["id"]]),
                expires_at=row["expires_at"],
                last_active_at=row["last_active_at"],
            )
        )
    return stores


def _existing(
    tx: Transaction, resources: ToolResources | None, run: Run, *, now: int
) -> dict[str, str]:
    search = resources.file_search if resources else None
    asked = (search.vector_store_ids if search else None) or []
    found = {}
    for store_id in asked:
        row = tx.one("vector_stores.of_run", id=store_id, run_id=run.id)
        if row is not None and _is_expired(row, now):
            raise expired_error(store_id)
        if row is not None:
            found[store_id] = str(row["project"])
    return found


def delete(tx: Transaction, store_id: str, *, project: str, now: int) -> Deleted:
    """Removes the vector store; the files that were in it stay (spec 02 §9)."""
    row = _found(tx.one("vector_stores.lock", id=store_id, project=project), store_id)
    tx.run("ingestions.drop_of_store", vector_store_id=store_id)
    tx.run("vector_stores.delete", id=store_id, project=project)
    lists.add_tombstone(tx, store_id, project=project, seq=row["seq"], now=now)
    return Deleted(id=store_id, object="vector_store.deleted")


def drop_expired(tx: Transaction, *, now: int, limit: int) -> int:
    """Drops the chunks of vector stores that have expired, and fails their files that are in
    progress. Returns the number of vector stores that it checked.
    """
    rows = tx.all("vector_stores.expired", now=now, limit=limit)
    for row in rows:
        # Between the look and the lock, the vector store may have been used.
        if tx.one("vector_stores.lock_expired", id=row["id"], now=now) is None:
            continue
        for file in tx.all("vector_stores.files_at_work", id=row["id"]):
            store_membership.expire(tx, file)
        tx.run("ingestions.drop_of_store", vector_store_id=row["id"])
        tx.run("vector_stores.empty", id=row["id"])
    return len(rows)


def expired_error(store_id: str) -> BadRequest:
    """Returns the error for the use of an expired vector store (spec 05 §3.4)."""
    return BadRequest(f"Vector store '{store_id}' has expired.", code="vector_store_expired")


def counts_of(rows: Iterable[Row]) -> FileCounts:
    """Returns the counts from rows of status and number."""
    numbers = {row["status"]: row["files"] for row in rows}
    return FileCounts(**numbers, total=sum(numbers.values()))


def _expiry(policy: VectorStoreExpiresAfter | None, last_active_at: int) -> int | None:
    return None if policy is None else last_active_at + policy.days * _DAY


def _is_expired(row: Row, now: int) -> bool:
    return row["expires_at"] is not None and row["expires_at"] <= now


def _found(row: Row | None, store_id: str) -> Row:
    if row is None:
        raise NotFound(f"No vector store found with id '{store_id}'.")
    return row
