"""`perdure export`: writes an archive of all objects, or of a part of them."""

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlencode

import perdure
from perdure import storage
from perdure.app import blob_stores_of
from perdure.cli.client import Client, RequestFailed
from perdure.cli.progress import LineProgress
from perdure.cli.terminal import line, tell
from perdure.clock import SystemClock
from perdure.commands.export_references import ExportSelection
from perdure.errors import ConfigurationError, Unavailable
from perdure.exchange import archive_writers, exporter, frames
from perdure.exchange.exporter import ExportSource
from perdure.exchange.frames import BrokenFrames
from perdure.exchange.items import ContentItem, Items, LineItem
from perdure.settings import Settings
from perdure.storage import checkup
from perdure.wire.exchange import Manifest

_SHOWN = 20


def export_database(chosen: Settings, path: str, selection: ExportSelection) -> bool:
    """Exports from the database itself, beside a server at work. Returns True if all rows could be
    read.

    Raises `ConfigurationError`.
    """
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    if url is None and not (chosen.data_dir / "perdure.db").exists():
        raise ConfigurationError(f"There is no database in {chosen.data_dir} yet.")
    if checkup.look(url, chosen.data_dir).pending:
        raise ConfigurationError(
            "The database is of an earlier version: start the server of this version first."
        )
    return asyncio.run(_export_database(chosen, url, path, selection))


async def _export_database(
    chosen: Settings, url: str | None, path: str, selection: ExportSelection
) -> bool:
    stores = blob_stores_of(chosen)
    async with AsyncExitStack() as stack:
        await stores.open(to_look=True)
        stack.push_async_callback(stores.close)
        source = ExportSource(
            partial(storage.snapshot, url, chosen.data_dir),
            stores,
            {"server_version": perdure.__version__},
        )
        items = exporter.export(source, selection, now=int(SystemClock().now()))
        try:
            return await _write(items, path)
        except Unavailable as error:
            raise ConfigurationError(error.message) from None


async def export_server(client: Client, path: str, selection: ExportSelection) -> bool:
    """Exports through a running server, as `export_database` does. Raises `RequestFailed`."""
    query: list[tuple[str, str]] = [
        *(("assistant", each) for each in sorted(selection.assistants)),
        *(("thread", each) for each in sorted(selection.threads)),
        ("files", "true" if selection.with_files else "false"),
        ("runs", "true" if selection.with_runs else "false"),
    ]
    if selection.project is not None:
        query.append(("project", selection.project))
    if selection.since is not None:
        query.append(("since", str(selection.since)))
    async with client:
        try:
            body = client.blocks(f"/export?{urlencode(query)}")
            return await _write(frames.read(body), path)
        except BrokenFrames as error:
            raise RequestFailed(f"{error} What was written is not complete.") from None


async def _write(items: Items, path: str) -> bool:
    began = time.monotonic()
    with archive_writers.open_to_write(path) as archive, LineProgress("Exporting") as progress:
        manifest = await archive_writers.write(_counted(items, progress), archive)
    _report(manifest, seconds=time.monotonic() - began)
    return not manifest.damaged


async def _counted(items: Items, progress: LineProgress) -> Items:
    async for item in items:
        if isinstance(item, LineItem):
            progress.add(1, len(item.text))
        elif isinstance(item, ContentItem):
            progress.add(0, item.size)
        yield item


def _report(manifest: Manifest, *, seconds: float) -> None:
    counts = ", ".join(f"{number:,} {kind}" for kind, number in manifest.counts.items())
    tell(f"Exported in {seconds:.1f} s: {counts or 'nothing'}.")
    if manifest.damaged:
        some = ", ".join(line(each) for each in manifest.damaged[:_SHOWN])
        tell(f"{len(manifest.damaged)} rows are damaged, and were left out: {some}.")
