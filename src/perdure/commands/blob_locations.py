"""Rules for the locations of contents: the blob stores that servers have, as each one tells."""

from typing import NamedTuple

from perdure.storage.database import Transaction


class BlobLocation(NamedTuple):
    """A blob store of a server. `path` is where it is on its host; empty for none.

    `is_own` is true where no other database can have anything there.
    """

    location: str
    host: str
    path: str = ""
    is_own: bool = False


class UsedLocation(NamedTuple):
    """A location that contents are in; the last three are None where no server has told of it."""

    location: str
    contents: int
    bytes: int
    host: str | None
    path: str | None
    seen_at: int | None


def see(tx: Transaction, found: BlobLocation, *, now: int) -> bool:
    """Notes that a server has the blob store now. Returns True if it was not known before."""
    is_new = tx.run(
        "blob_locations.add",
        location=found.location,
        host=found.host,
        path=found.path,
        own=int(found.is_own),
        now=now,
    )
    tx.run("blob_locations.see", location=found.location, host=found.host, path=found.path, now=now)
    return bool(is_new)


def is_own(tx: Transaction, location: str) -> bool:
    """Returns True if no other database can have anything at the location."""
    row = tx.one("blob_locations.get", location=location)
    return row is not None and bool(row["own"])


def list_used(tx: Transaction) -> list[UsedLocation]:
    """Returns the locations that contents are in. Empty contents are nowhere."""
    return [
        UsedLocation(*(row[name] for name in UsedLocation._fields))
        for row in tx.all("blob_locations.in_use")
    ]
