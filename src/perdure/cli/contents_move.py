"""`perdure doctor --move-contents`: moves old contents to where new ones go, beside servers at
work.
"""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from perdure import storage
from perdure.app import blob_stores_of
from perdure.bus.memory import MemoryBus
from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.commands import blob_locations
from perdure.engine.contents_mover import ContentsMove, ContentsMover
from perdure.errors import ConfigurationError, Unavailable
from perdure.settings import Settings
from perdure.storage import BlobStores, checkup
from perdure.storage.blob_stores import describe
from perdure.storage.database import Database

_SHOWN = 20


def move(chosen: Settings) -> list[Finding]:
    """Moves all contents that this machine can reach. Returns the findings of it."""
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    if url is None and not (chosen.data_dir / "perdure.db").exists():
        return [Finding(State.OK, "move", "there is no database yet")]
    try:
        if checkup.look(url, chosen.data_dir).pending:
            text = "the database is of an earlier version"
            return [Finding(State.FAIL, "move", text, "Start the server of this version first.")]
        return asyncio.run(_move(chosen, url))
    except (ConfigurationError, Unavailable) as error:
        return [Finding(State.FAIL, "move", str(error), "Correct it, then run this again.")]


async def _move(chosen: Settings, url: str | None) -> list[Finding]:
    database = storage.connect(url, chosen.data_dir, bus=MemoryBus(), beside=True)
    stores = blob_stores_of(chosen)
    await database.open()
    try:
        await stores.open()
        try:
            return _findings(await _with_progress(database, stores), stores)
        finally:
            await stores.close()
    finally:
        await database.close()


async def _with_progress(database: Database, stores: BlobStores) -> ContentsMove:
    used = await database.read(blob_locations.list_used)
    progress = Progress(
        TextColumn("Moving"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )
    with progress:
        total = sum(each.bytes for each in used if each.location != stores.location)
        task = progress.add_task("", total=total)
        mover = ContentsMover(
            database, stores, SystemClock(), on_moved=lambda size: progress.advance(task, size)
        )
        return await mover.run()


def _findings(moved: ContentsMove, stores: BlobStores) -> list[Finding]:
    findings = [Finding(State.FAIL, "move", problem) for problem in moved.problems[:_SHOWN]]
    text = f"{moved.contents} contents ({moved.bytes / 2**20:.1f} MiB) were moved to "
    text += describe(stores.location)
    if moved.contents:
        text += "; the server deletes the old bytes in ten minutes"
    if moved.removed:
        text += f"; {moved.removed} contents that nobody knew were removed"
    if not moved.problems:
        return [Finding(State.OK, "move", text)]
    text += f", and {len(moved.problems)} were not"
    return [*findings, Finding(State.FAIL, "move", text, "Run it again: nothing is lost.")]
