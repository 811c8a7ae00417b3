"""Invariants of contents: their bytes are in the blob store, and nothing else is there.

Bytes and rows come and go at different times, while servers run. A row exists before its bytes and
is deleted after them, so two reads of each tell a violation from a change under way. Only the name
and the size of a blob are known at once.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from perdure.invariants.pages import AT_ONCE
from perdure.invariants.run_history import Violation
from perdure.storage.blobs import Blobs
from perdure.storage.database import Row, Transaction
from perdure.wire.base import encode


async def check(
    blobs: Blobs, look: Callable[[], AbstractContextManager[Transaction]]
) -> AsyncIterator[Violation]:
    """Yields the violations of contents. `look` opens a new snapshot of the database.

    Raises `Unavailable` where the blob store cannot be listed.
    """
    with look() as tx:
        kept = {row["id"]: row["bytes"] for row in _kept(tx)}
    stored = {each.id: each.bytes async for each in blobs.all()}
    suspects = [blob_id for blob_id, size in kept.items() if stored.get(blob_id, 0) != size]
    with look() as tx:
        for row in _known(tx, suspects):
            # Else it was deleted meanwhile.
            if row["state"] == "kept":
                has = stored.get(row["id"], 0)
                yield Violation(
                    row["id"], f"is a content of {row['bytes']} bytes, of which {has} are stored"
                )
        known = {row["id"] for row in _known(tx, list(stored))}
    if strays := stored.keys() - known:
        async for each in blobs.all():
            if each.id in strays:
                yield Violation(each.id, f"is stored with {each.bytes} bytes, and nobody knows it")


def _kept(tx: Transaction) -> Iterator[Row]:
    after = ""
    while rows := tx.all("invariants_of_files.contents", after=after, limit=AT_ONCE):
        yield from rows
        after = rows[-1]["id"]


def _known(tx: Transaction, blob_ids: Sequence[str]) -> Iterator[Row]:
    for start in range(0, len(blob_ids), AT_ONCE):
        some = encode(blob_ids[start : start + AT_ONCE]).decode()
        yield from tx.all("invariants_of_files.known_blobs", ids=some)
