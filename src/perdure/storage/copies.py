"""Copies of an SQLite database: one is made of a file in use, and put in the place of another."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from perdure.errors import ConfigurationError
from perdure.storage.sqlite import FILE_MODE, FILE_NAME

_OWNED = ("-wal", "-shm", "-journal")


def make(data_dir: Path, copy: Path) -> None:
    """Writes a consistent copy of the database in a data folder, beside a server at work.

    Raises `ConfigurationError`.
    """
    source = data_dir / FILE_NAME
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    try:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("VACUUM INTO ?", (str(copy),))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            # those that are under way are not so in the copy
            connection.execute("DELETE FROM backups")
    except sqlite3.Error as error:
        raise ConfigurationError(f"{source} cannot be copied: {error}.") from None


def check(copy: Path) -> None:
    """Raises `ConfigurationError` where a copy is damaged."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as found:
            said = [row[0] for row in found.execute("PRAGMA quick_check(1)")]
    except sqlite3.Error as error:
        said = [str(error)]
    if said != ["ok"]:
        raise ConfigurationError(f"The database in the back-up is damaged: {said[0]}.")


def settle(data_dir: Path) -> None:
    """Writes all that is in the log of a database that nobody uses into its file, so that the file
    is all of it. Raises `ConfigurationError`.
    """
    path = data_dir / FILE_NAME
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from None


def replace(data_dir: Path, copy: Path) -> None:
    """Puts a copy in the place of the database of a data folder that nobody uses, in one step.

    A log of the old file would be taken for one of the new.
    """
    for suffix in _OWNED:
        (data_dir / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
    copy.replace(data_dir / FILE_NAME)
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
