"""Short ways to export a database and to import it into another."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from perdure import invariants, storage
from perdure.bus.memory import MemoryBus
from perdure.commands.export_references import ExportSelection
from perdure.commands.imported_objects import ImportOptions
from perdure.exchange import archive_writers, archives, importer
from perdure.exchange.exporter import ExportSource, export, is_whole
from perdure.exchange.importer import ImportResult
from perdure.exchange.targets import DatabaseTarget, DryRun
from perdure.invariants import Violation
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import START

NOW = START + 1000


class Place(NamedTuple):
    """A database with its contents."""

    url: str | None
    data_dir: Path
    database: Database
    blobs: BlobStores

    def snapshot(self) -> AbstractContextManager[Transaction]:
        return storage.snapshot(self.url, self.data_dir)

    async def close(self) -> None:
        await self.database.close()
        await self.blobs.close()

    async def export(self, path: Path, selection: ExportSelection | None = None) -> Path:
        source = ExportSource(self.snapshot, self.blobs, {"server_version": "test"})
        items = export(source, selection or ExportSelection(), now=NOW)
        with archive_writers.open_to_write(str(path)) as archive:
            await archive_writers.write(items, archive)
        return path

    async def imports(self, path: Path, **options: object) -> ImportResult:
        with archives.open_to_read(str(path)) as archive:
            asked = ImportOptions(NOW, fills_gaps=not is_whole(archive.manifest))._replace(
                **options  # type: ignore[arg-type]
            )
            target = DatabaseTarget(self.database, self.blobs, ManualClock(NOW), asked)
            return await importer.run(archive, target)

    async def imagines(self, path: Path, **options: object) -> ImportResult:
        """A dry run."""
        with archives.open_to_read(str(path)) as archive, self.snapshot() as tx:
            asked = ImportOptions(NOW, fills_gaps=not is_whole(archive.manifest))._replace(
                **options  # type: ignore[arg-type]
            )
            return await importer.run(archive, DryRun(tx, asked))


async def opened(url: str | None, data_dir: Path, *, with_contents: bool = False) -> Place:
    """A place that is open. `with_contents`: they are in PostgreSQL too, as a server has them."""
    database = storage.connect(url, data_dir, bus=MemoryBus())
    await database.open()
    stores = storage.connect_blobs(None, data_dir, url=url if with_contents else None)
    await stores.open()
    return Place(url, data_dir, database, stores)


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of an exported folder."""
    return [json.loads(line) for line in (path / "objects.jsonl").read_bytes().splitlines()]


def rewrite(path: Path, objects: list[dict[str, Any]] | bytes) -> None:
    """Gives an exported folder other lines."""
    if isinstance(objects, list):
        objects = b"".join(json.dumps(each).encode() + b"\n" for each in objects)
    (path / "objects.jsonl").write_bytes(objects)


async def violations(place: Place) -> list[Violation]:
    """What `perdure doctor --verify` would find."""
    return await place.database.read(lambda tx: list(invariants.check(tx)))


def written(result: ImportResult) -> int:
    """How many objects an import has changed."""
    return sum(fates["created"] + fates["replaced"] for fates in result.tally.fates.values())
