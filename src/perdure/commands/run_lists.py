"""The list of all runs of a project. An extension: the original lists the runs of one thread."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.base import Object, decode
from perdure.wire.lists import Page
from perdure.wire.run_lists import Filter, RunListQuery

_LAST = 2**62
_STATEMENTS: dict[Filter | None, str] = {
    None: "run_lists.all",
    "status": "run_lists.status",
    "assistant_id": "run_lists.assistant",
    "thread_id": "run_lists.thread",
    "model": "run_lists.model",
    "error_code": "run_lists.error",
}
_READ_AT_ONCE = 500
# What one request may look through for metadata, which no index has: some 100 ms of work.
_MOST_READ = 20_000


class _Place(NamedTuple):
    """A place in the list, which is in the order of these two."""

    created_at: int
    seq: int


class _Labelled(Object):
    metadata: dict[str, str] = {}


def page(tx: Transaction, query: RunListQuery, *, project: str) -> Page:
    """Returns one page of the project's runs, in the order of their creation, with bodies as they
    are stored.

    With `before` alone, the page is the one that ends right before the cursor, as in
    `commands.lists`. Raises `NotFound` for a cursor that is no run of this project (any more), and
    `BadRequest` where too many runs would have to be read for their metadata.
    """
    asked = query.page
    descending = asked.order == "desc"
    backwards = asked.before is not None and asked.after is None
    low, high = _between(tx, query, project=project)
    rows = _rows(tx, query, low, high, project=project, descending=descending != backwards)
    found: list[Row] = []
    for count, row in enumerate(rows, start=1):
        if not query.metadata or _has(row, query.metadata):
            found.append(row)
            if len(found) > asked.limit:
                break
        if count == _MOST_READ:
            raise BadRequest(
                f"Of {_MOST_READ} runs too few have this metadata to fill the page, and no more "
                "are looked through at once. Narrow the list by created_at[gte] and "
                "created_at[lt], or by another filter, or ask for a smaller page.",
                param="metadata",
                code="too_many_runs_to_search",
            )
    has_more = len(found) > asked.limit
    found = found[: asked.limit]
    if backwards:
        found.reverse()
    return Page([row["id"] for row in found], [row["body"] for row in found], has_more)


def complete(tx: Transaction, *, limit: int) -> int:
    """Fills the columns of lists in rows that an older version has written. Returns how many."""
    return tx.run("run_lists.complete", limit=limit)


def _between(tx: Transaction, query: RunListQuery, *, project: str) -> tuple[_Place, _Place]:
    """Returns the two places between which the page lies."""
    low = _Place(query.since or 0, -1)
    high = _Place(_LAST if query.until is None else query.until, -1)
    descending = query.page.order == "desc"
    for cursor, above in ((query.page.after, not descending), (query.page.before, descending)):
        if cursor is None:
            continue
        row = tx.one("run_lists.get", id=cursor, project=project)
        if row is None:
            raise NotFound(f"No run found with id '{cursor}'.")
        place = _Place(row["created_at"], row["seq"])
        low, high = (max(low, place), high) if above else (low, min(high, place))
    return low, high


def _rows(
    tx: Transaction,
    query: RunListQuery,
    low: _Place,
    high: _Place,
    *,
    project: str,
    descending: bool,
) -> Iterator[Row]:
    """Yields the rows between two places, read in batches."""
    size = _READ_AT_ONCE if query.metadata else query.page.limit + 1
    statement = f"{_STATEMENTS[query.filter]}_{'newest' if descending else 'oldest'}"
    while True:
        rows = tx.all(
            statement,
            project=project,
            value=query.value,
            low_at=low.created_at,
            low=low.seq,
            high_at=high.created_at,
            high=high.seq,
            limit=size,
        )
        yield from rows
        if len(rows) < size:
            return
        last = _Place(rows[-1]["created_at"], rows[-1]["seq"])
        low, high = (low, last) if descending else (last, high)


def _has(row: Row, wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= decode(row["body"], _Labelled).metadata.items()
