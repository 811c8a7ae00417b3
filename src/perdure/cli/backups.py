"""`perdure backup` and `perdure restore`: of a data folder with SQLite, beside a server at work."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import perdure
from perdure import storage
from perdure.app import blob_stores_of
from perdure.bus.memory import MemoryBus
from perdure.cli.terminal import line, tell
from perdure.clock import SystemClock
from perdure.errors import ConfigurationError, Unavailable
from perdure.exchange import archive_writers, backups, restoration
from perdure.exchange.backups import BackupManifest, BackupSource
from perdure.settings import Settings
from perdure.storage import checkup
from perdure.storage.blob_stores import describe

_SHOWN = 20
_POSTGRES = (
    "The database is PostgreSQL, which has tools of its own: use pg_dump. What else belongs to a "
    "back-up is in docs/operating.md."
)


def backup(chosen: Settings, path: str) -> bool:
    """Writes a back-up. Returns True if it has all contents of the folder.

    Raises `ConfigurationError`.
    """
    if chosen.database_url is not None:
        raise ConfigurationError(_POSTGRES)
    if not restoration.has_database(chosen.data_dir):
        raise ConfigurationError(f"There is no database in {chosen.data_dir} yet.")
    if checkup.look(None, chosen.data_dir).pending:
        raise ConfigurationError(
            "The database is of an earlier version: start the server of this version first."
        )
    try:
        manifest = asyncio.run(_backup(chosen, path))
    except FileExistsError:
        raise ConfigurationError(f"There is something at {path} already.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None
    except Unavailable as error:
        raise ConfigurationError(error.message) from None
    _report(manifest)
    return not manifest.damaged


async def _backup(chosen: Settings, path: str) -> BackupManifest:
    database = storage.connect(None, chosen.data_dir, bus=MemoryBus(), beside=True)
    stores = blob_stores_of(chosen)
    async with AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        await stores.open(to_look=True)
        stack.push_async_callback(stores.close)
        source = BackupSource(chosen.data_dir, database, stores, SystemClock(), perdure.__version__)
        with archive_writers.tar_output(path) as out:
            return await backups.write(source, out, scratch=_scratch(path))


def _scratch(path: str) -> Path:
    """Returns the folder that takes a copy of the database: there must be room for both there."""
    return Path(tempfile.gettempdir()) if path == "-" else Path(path).absolute().parent


def _report(manifest: BackupManifest) -> None:
    tell(f"The database and {manifest.contents:,} contents of {manifest.bytes:,} bytes.")
    for location, number in manifest.elsewhere.items():
        where = describe(location) if location else "no place that is known"
        tell(f"{number:,} contents are in {where}, and not in the back-up.")
    if manifest.damaged:
        some = ", ".join(line(each) for each in manifest.damaged[:_SHOWN])
        tell(f"{len(manifest.damaged):,} contents could not be read, and are not in it: {some}.")


def restore(chosen: Settings, path: str, *, yes: bool) -> None:
    """Restores a back-up into the data folder. Raises `ConfigurationError`."""
    if chosen.database_url is not None:
        raise ConfigurationError(_POSTGRES)
    if restoration.has_database(chosen.data_dir) and not yes:
        raise ConfigurationError(
            f"{chosen.data_dir} has a database, which would be replaced: give --yes."
        )
    restored = restoration.restore(path, chosen.data_dir)
    manifest = restored.manifest
    tell(f"The database and {manifest.contents:,} contents of {manifest.bytes:,} bytes are back.")
    if restored.before is not None:
        tell(f"What was there before is in {restored.before}.")
