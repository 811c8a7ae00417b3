"""Pages of lists (spec 02 §3)."""

from collections.abc import Mapping

from perdure.errors import NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.lists import Page
from perdure.wire.query import ListQuery

_FIRST, _LAST = 0, 2**62


def page(
    tx: Transaction,
    noun: str,
    query: ListQuery,
    *,
    project: str,
    parent: str,
    label: str,
    tombstone_parent: str | None = None,
) -> Page:
    """Returns one page of `noun` (a file of statements) below its parent, with bodies as they are
    stored.

    See `rows`.
    """
    found, has_more = rows(
        tx,
        noun,
        query,
        project=project,
        parent=parent,
        label=label,
        tombstone_parent=tombstone_parent,
    )
    return Page([row["id"] for row in found], [row["body"] for row in found], has_more)


def rows(
    tx: Transaction,
    noun: str,
    query: ListQuery,
    *,
    project: str,
    parent: str,
    label: str,
    tombstone_parent: str | None = None,
    filters: Mapping[str, object] | None = None,
) -> tuple[list[Row], bool]:
    """Returns the rows of one page of `noun`, and True if more follow.

    `tombstone_parent` is the parent below which these objects leave tombstones, if there is one.
    `filters` are what the statements of the noun take besides.

    With `before` alone, the page is the one that ends right before the cursor. It is still
    presented in the asked order, and the second value then looks backwards. Raises `NotFound` for a
    cursor that never existed; a deleted one keeps its place.
    """
    descending = query.order == "desc"
    low, high = _FIRST, _LAST
    for cursor, above in ((query.after, not descending), (query.before, descending)):
        if cursor is None:
            continue
        row = tx.one(f"{noun}.get", id=cursor, parent=parent, project=project) or tx.one(
            "tombstones.get", id=_tombstone_id(cursor, tombstone_parent), project=project
        )
        seq = _place(row, cursor, label=label)
        low, high = (max(low, seq), high) if above else (low, min(high, seq))
    backwards = query.before is not None and query.after is None
    statement = "newest_first" if descending != backwards else "oldest_first"
    wanted = {"run_id": query.run_id, "status": query.filter, "purpose": query.purpose}
    found = tx.all(
        f"{noun}.{statement}",
        project=project,
        parent=parent,
        low=low,
        high=high,
        limit=query.limit + 1,
        **wanted | dict(filters or {}),
    )
    has_more = len(found) > query.limit
    found = found[: query.limit]
    if backwards:
        found.reverse()
    return found, has_more


def add_tombstone(
    tx: Transaction, object_id: str, *, project: str, seq: int, now: int, parent: str | None = None
) -> None:
    """Adds a tombstone, which keeps the place of a deleted object for cursors that still name it.
    An id that stands below several parents needs its parent.
    """
    tx.run(
        "tombstones.insert",
        id=_tombstone_id(object_id, parent),
        project=project,
        seq=seq,
        deleted_at=now,
    )


def _place(row: Row | None, cursor: str, *, label: str) -> int:
    if row is None:
        raise NotFound(f"No {label} found with id '{cursor}'.")
    return int(row["seq"])


def _tombstone_id(object_id: str, parent: str | None) -> str:
    return object_id if parent is None else f"{parent}/{object_id}"
