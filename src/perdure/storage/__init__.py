"""Storage of durable facts and contents: databases behind one seam, blob stores behind another.

Only this package knows a driver of either. Those of PostgreSQL and of S3 are imported where one is
used.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from perdure.bus.bus import Bus
from perdure.bus.link import BusLink
from perdure.errors import ConfigurationError
from perdure.metrics import Metrics
from perdure.storage import sqlite
from perdure.storage.blob_stores import BlobStores
from perdure.storage.blobs import Blobs, S3Settings
from perdure.storage.database import Database, Transaction
from perdure.storage.folder import FolderBlobs
from perdure.storage.sqlite import SQLite

__all__ = [
    "BlobStores",
    "Blobs",
    "ContentsPlace",
    "Database",
    "FolderBlobs",
    "S3Settings",
    "SQLite",
    "connect",
    "connect_blobs",
    "connect_link",
    "snapshot",
]

ContentsPlace = Literal["database", "folder", "s3"]


def connect(
    url: str | None,
    data_dir: Path,
    *,
    bus: Bus,
    beside: bool = False,
    metrics: Metrics | None = None,
) -> Database:
    """Returns the database that the settings ask for, not yet open: the one at the URL, or without
    a URL the file `perdure.db` in the data folder. `beside`: for a tool beside a server.

    Raises `ConfigurationError` for a URL that is not PostgreSQL's.
    """
    if url is None:
        return SQLite(data_dir / sqlite.FILE_NAME, bus=bus, beside=beside, metrics=metrics)
    if not url.startswith(("postgresql://", "postgres://")):
        # Not shown: what comes first in a malformed URL may be its password.
        raise ConfigurationError("The database URL must begin with postgresql://.")
    from perdure.storage.postgres import PostgreSQL

    return PostgreSQL(url, bus=bus, metrics=metrics)


def connect_link(url: str, *, server: str) -> BusLink:
    """Returns the link between the servers on the database at the URL, not yet connected. `server`
    is the name of this one.
    """
    from perdure.storage.notifications import Notifications

    return Notifications(url, server=server)


def connect_blobs(
    bucket: S3Settings | None,
    data_dir: Path,
    *,
    url: str | None = None,
    contents: ContentsPlace | None = None,
    metrics: Metrics | None = None,
) -> BlobStores:
    """Returns the blob stores that the settings ask for, not yet open.

    `contents` names the one for new blobs; by default the bucket where there is one, else the
    database where it is PostgreSQL, else the folder `blobs` in the data folder. The others that
    there are keep what they have: an unused folder is not made.
    """
    # A server that was on SQLite before has left its contents there.
    is_shared = url is not None and (data_dir / sqlite.FILE_NAME).exists()
    folder = FolderBlobs(data_dir / "blobs", is_shared=is_shared)
    stores: dict[ContentsPlace, Blobs] = {}
    if bucket is not None:
        from perdure.storage.s3 import S3Blobs

        stores["s3"] = S3Blobs(bucket)
    if url is not None:
        from perdure.storage.postgres_blobs import PostgresBlobs

        stores["database"] = PostgresBlobs(url)
    chosen = contents or ("s3" if bucket else "database" if url else "folder")
    if chosen == "folder" or folder.path.is_dir():
        stores["folder"] = folder
    default = stores.pop(chosen)
    return BlobStores(default, [*stores.values()], metrics=metrics)


def snapshot(url: str | None, data_dir: Path) -> AbstractContextManager[Transaction]:
    """Returns a consistent snapshot of the database that `connect` would open, for reading only.
    The database is not migrated and not locked, and servers go on meanwhile.

    Raises `ConfigurationError` where it cannot be read.
    """
    if url is None:
        return sqlite.snapshot(data_dir / sqlite.FILE_NAME)
    from perdure.storage import postgres

    return postgres.snapshot(url)
