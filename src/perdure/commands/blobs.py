"""Rules for blobs: content whose bytes and whose row come and go at different times.

A blob is noted before its first byte is written. It is kept in the transaction that adds its owner,
and doomed in the transaction that removes the owner. Only `engine/sweeper.py` deletes bytes, and it
deletes the row after them: so a crash at any point leaves no unknown bytes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from perdure.errors import Unavailable
from perdure.storage.database import Transaction
from perdure.wire.base import encode

# A writer renews its lease while bytes come in. One that is silent for so long is given up.
LEASE_SECONDS = 600.0


class WrittenBlob(NamedTuple):
    """A blob that has all its bytes; `location` is where, empty if that is not known yet."""

    id: str
    bytes: int
    location: str


def begin(tx: Transaction, blob_id: str, location: str, *, now: float) -> None:
    """Notes a blob before its bytes are written to the location."""
    tx.run("blobs.begin", id=blob_id, location=location, lease_until=now + LEASE_SECONDS)


def renew(tx: Transaction, blob_id: str, *, now: float) -> None:
    """Renews the lease of the blob's writer. Raises `Unavailable` if it was given up."""
    if not tx.run("blobs.renew", id=blob_id, lease_until=now + LEASE_SECONDS):
        raise _given_up()


def keep(tx: Transaction, blob: WrittenBlob, *, owner: str) -> None:
    """Makes the blob the content of its owner. Raises `Unavailable` if it was given up."""
    if not tx.run("blobs.keep", id=blob.id, owner=owner, bytes=blob.bytes):
        raise _given_up()


def abandon(tx: Transaction, blob_id: str) -> None:
    """Dooms a blob that nobody kept."""
    tx.run("blobs.abandon", id=blob_id)


def of_owner(tx: Transaction, owner: str) -> list[WrittenBlob]:
    """Returns the content of a file: its blobs in order."""
    return [
        WrittenBlob(row["id"], row["bytes"], row["location"])
        for row in tx.all("blobs.of_owner", owner=owner)
    ]


def list_elsewhere(tx: Transaction, location: str, *, limit: int, after: str) -> list[WrittenBlob]:
    """Returns some contents that are not at the location, behind the id `after`."""
    rows = tx.all("blobs.elsewhere", location=location, after=after, limit=limit)
    return [WrittenBlob(row["id"], row["bytes"], row["location"]) for row in rows]


def replace(tx: Transaction, old_id: str, new: WrittenBlob, *, now: float) -> bool:
    """Gives the owner of a content the same content in a new blob. Returns False if the old one was
    deleted, or got another owner meanwhile. Raises `Unavailable` if the new one was given up.

    The old bytes stay until a lease ends: somebody may be reading them.
    """
    before = tx.one("blobs.kept", id=old_id)
    if before is None:
        return False
    # An owner's blobs change only under its lock: what waits for it sees the new one.
    tx.one("blobs.lock_file", owner=before["owner"])
    tx.one("blobs.lock_upload", owner=before["owner"])
    old = tx.one("blobs.kept", id=old_id)
    if old is None or old["owner"] != before["owner"]:
        return False
    tx.run("blobs.release", id=old_id, lease_until=now + LEASE_SECONDS)
    if not tx.run(
        "blobs.take", id=new.id, owner=old["owner"], place=old["place"], bytes=old["bytes"]
    ):
        raise _given_up()
    return True


def list_known(tx: Transaction, blob_ids: list[str]) -> set[str]:
    """Returns those of the blobs that have a row."""
    rows = tx.all("invariants_of_files.known_blobs", ids=encode(blob_ids).decode())
    return {row["id"] for row in rows}


def doom_lapsed(tx: Transaction, *, now: float, everybody: bool) -> None:
    """Dooms the blobs of dead writers.

    `everybody` takes all writers for dead. That is right only at the start of a server that is
    alone on its database.
    """
    tx.run("blobs.doom_lapsed", now=float("inf") if everybody else now)


def list_doomed(tx: Transaction, location: str, *, limit: int, after: str = "") -> list[str]:
    """Returns some blobs whose bytes are to be deleted from the location, in the order of their
    ids, behind the id `after`.
    """
    rows = tx.all("blobs.doomed", location=location, after=after, limit=limit)
    return [row["id"] for row in rows]


def list_unlocated(tx: Transaction, *, limit: int, after: str) -> list[str]:
    """Returns some contents whose location is not known yet, behind the id `after`."""
    return [row["id"] for row in tx.all("blobs.unlocated", after=after, limit=limit)]


def locate(tx: Transaction, found: Mapping[str, str]) -> None:
    """Notes the locations of blobs that had none: they are there for good."""
    for blob_id, location in found.items():
        tx.run("blobs.locate", id=blob_id, location=location)


def forget(tx: Transaction, blob_ids: list[str]) -> None:
    """Deletes the rows of blobs whose bytes are deleted."""
    for blob_id in blob_ids:
        tx.run("blobs.forget", id=blob_id)


def _given_up() -> Unavailable:
    return Unavailable("The upload was silent for too long and was given up. Please retry.")
