"""Leases of back-ups: while one lives, no contents are deleted that a copy of the database names.

A back-up takes its lease before it copies the database. So what the copy names can only be doomed
after that, and whoever deletes looks at the leases in the transaction that lists what is doomed.
"""

from perdure.errors import Unavailable
from perdure.storage.database import Transaction

# A back-up renews its lease while it copies. One that is silent for so long is given up.
LEASE_SECONDS = 600.0


def begin(tx: Transaction, backup_id: str, *, now: float) -> None:
    """Notes a back-up that begins."""
    tx.run("backups.begin", id=backup_id, lease_until=now + LEASE_SECONDS)


def renew(tx: Transaction, backup_id: str, *, now: float) -> None:
    """Renews the lease of a back-up. Raises `Unavailable` if it ran out."""
    if not tx.run("backups.renew", id=backup_id, now=now, lease_until=now + LEASE_SECONDS):
        raise Unavailable("The back-up was silent for too long: contents may be gone. Begin again.")


def is_any_living(tx: Transaction, *, now: float) -> bool:
    """Returns True if a back-up has its lease."""
    return tx.one("backups.living", now=now) is not None


def end(tx: Transaction, backup_id: str, *, now: float) -> None:
    """Ends a back-up."""
    tx.run("backups.end", id=backup_id, now=now)
