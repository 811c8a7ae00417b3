"""Invariants of contents: their bytes are in the blob store, and nothing else is there.

Bytes and rows come and go at different times, while servers run. A row exists before its bytes and
is deleted after them, so two reads of each tell a violation from a change under way. Only the name
and the size of a blob are known at once.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from perdure.commands import blob_locations
from perdure.invariants.pages import AT_ONCE
from perdure.invariants.run_history import Violation
from perdure.storage.blob_stores import UNKNOWN, BlobStores
from perdure.storage.blobs import DATABASE
from perdure.storage.database import Row, Transaction
from perdure.wire.base import encode


async def check(
    stores: BlobStores, look: Callable[[], AbstractContextManager[Transaction]]
) -> AsyncIterator[Violation]:
    """Yields the violations of contents, as far as the blob stores that can be reached tell.
    `look` opens a new snapshot of the database.

    Raises `Unavailable` where a blob store cannot be listed.
    """
    with look() as tx:
        kept = [(row["id"], row["bytes"], row["location"]) for row in _kept(tx)]
    stored = {
        store.location: {each.id: each.bytes async for each in store.all()} for store in stores.all
    }
    suspects = {
        blob_id: has
        for blob_id, size, location in kept
        if (has := _stored_at(stored, blob_id, location)) not in (None, size)
    }
    with look() as tx:
        for row in _known(tx, list(suspects)):
            # Else it was deleted meanwhile.
            if row["state"] == "kept":
                has = suspects[row["id"]]
                yield Violation(
                    row["id"], f"is a content of {row['bytes']} bytes, of which {has} are stored"
                )
        strays = {
            store.location: _unknown(tx, store.location, list(stored[store.location]))
            for store in stores.all
        }
    for store in stores.all:
        if strays[store.location]:
            async for each in store.all():
                if each.id in strays[store.location]:
                    yield Violation(
                        each.id, f"is stored with {each.bytes} bytes, and nobody knows it"
                    )


def count_unjudged(tx: Transaction, stores: BlobStores) -> dict[str, int]:
    """Returns the locations that cannot be reached from here, with the numbers of their contents.

    Where other servers may be, contents of which none has said yet where they are belong to them.
    """
    with_others = stores.at(DATABASE) is not None
    return {
        used.location: used.contents
        for used in blob_locations.list_used(tx)
        if (with_others if used.location == UNKNOWN else stores.at(used.location) is None)
    }


def _stored_at(stored: Mapping[str, Mapping[str, int]], blob_id: str, location: str) -> int | None:
    """Returns how many bytes of a blob are stored; None where that cannot be told from here."""
    if location != UNKNOWN:
        return stored[location].get(blob_id, 0) if location in stored else None
    found = [listed[blob_id] for listed in stored.values() if blob_id in listed]
    if found:
        return found[0]
    return None if DATABASE in stored else 0


def _unknown(tx: Transaction, location: str, blob_ids: list[str]) -> set[str]:
    """Returns those of the blobs at a location whose rows do not know that they are there."""
    known = {row["id"] for row in _known(tx, blob_ids) if row["location"] in (location, UNKNOWN)}
    return set(blob_ids) - known


def _kept(tx: Transaction) -> Iterator[Row]:
    after = ""
    while rows := tx.all("invariants_of_files.contents", after=after, limit=AT_ONCE):
        yield from rows
        after = rows[-1]["id"]


def _known(tx: Transaction, blob_ids: Sequence[str]) -> Iterator[Row]:
    for start in range(0, len(blob_ids), AT_ONCE):
        some = encode(blob_ids[start : start + AT_ONCE]).decode()
        yield from tx.all("invariants_of_files.known_blobs", ids=some)
