"""Storage of durable facts and contents: databases behind one seam, blob stores behind another.

Only this package knows a driver of either. Those of PostgreSQL and of S3 are imported where one is
used.
"""

from contextlib import AbstractContextManager
from pathlib import Path

from perdure.bus.bus import Bus
from perdure.bus.link import BusLink
from perdure.errors import ConfigurationError
from perdure.storage import sqlite
from perdure.storage.blobs import Blobs, S3Settings
from perdure.storage.database import Database, Transaction
from perdure.storage.folder import FolderBlobs
from perdure.storage.sqlite import SQLite

__all__ = [
    "Blobs",
    "Database",
    "FolderBlobs",
    "S3Settings",
    "SQLite",
    "connect",
    "connect_blobs",
    "connect_link",
    "snapshot",
]


def connect(url: str | None, data_dir: Path, *, bus: Bus) -> Database:
    """Returns the database that the settings ask for, not yet open: the one at the URL, or without
    a URL the file `perdure.db` in the data folder.

    Raises `ConfigurationError` for a URL that is not PostgreSQL's.
    """
    if url is None:
        return SQLite(data_dir / sqlite.FILE_NAME, bus=bus)
    if not url.startswith(("postgresql://", "postgres://")):
        # Not shown: what comes first in a malformed URL may be its password.
        raise ConfigurationError("The database URL must begin with postgresql://.")
    from perdure.storage.postgres import PostgreSQL

    return PostgreSQL(url, bus=bus)


def connect_link(url: str, *, server: str) -> BusLink:
    """Returns the link between the servers on the database at the URL, not yet connected. `server`
    is the name of this one.
    """
    from perdure.storage.notifications import Notifications

    return Notifications(url, server=server)


def connect_blobs(bucket: S3Settings | None, data_dir: Path) -> Blobs:
    """Returns the blob store that the settings ask for, not yet open: a bucket, or without one the
    folder `blobs` in the data folder.
    """
    if bucket is None:
        return FolderBlobs(data_dir / "blobs")
    from perdure.storage.s3 import S3Blobs

    return S3Blobs(bucket)


def snapshot(url: str | None, data_dir: Path) -> AbstractContextManager[Transaction]:
    """Returns a consistent snapshot of the database that `connect` would open, for reading only.
    The database is not migrated and not locked, and servers go on meanwhile.

    Raises `ConfigurationError` where it cannot be read.
    """
    if url is None:
        return sqlite.snapshot(data_dir / sqlite.FILE_NAME)
    from perdure.storage import postgres

    return postgres.snapshot(url)
