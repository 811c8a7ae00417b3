"""Back-up of a data folder with SQLite, beside a server at work, and its restoration.

A back-up is a tar file with a consistent copy of the database, the contents that the copy names and
that are in the folder, and a manifest at its end.
"""

import asyncio
import hashlib
import tempfile
from contextlib import aclosing, suppress
from pathlib import Path
from typing import IO, NamedTuple

from perdure import ids
from perdure.background import loop
from perdure.clock import Clock
from perdure.commands import backups
from perdure.commands.blobs import WrittenBlob
from perdure.errors import Unavailable
from perdure.exchange.tar_files import TarWriter
from perdure.storage import copies, folder, snapshot
from perdure.storage.blob_stores import UNKNOWN, BlobStores
from perdure.storage.database import Database
from perdure.storage.sqlite import FILE_NAME
from perdure.wire.base import Object, encode

ROOT, MANIFEST, BLOBS = "perdure-backup", "manifest.json", "blobs"
FORMAT, VERSION = "perdure-backup", 1
_COPY_BYTES = 1024 * 1024
_AT_ONCE = 500
_ZEROS = bytes(64 * 1024)
_RENEW_SECONDS = backups.LEASE_SECONDS / 10


class BackupManifest(Object, kw_only=True):
    """The manifest of a back-up, which is written last.

    `contents` and `bytes` count the contents that are in it; `sha256` is that of the bytes of all
    members before the manifest. `elsewhere` counts contents by their location, where that is not
    the folder: they are not in the back-up. `damaged` are contents whose bytes were missing.
    """

    format: str = FORMAT
    version: int = VERSION
    created_at: int
    server_version: str
    contents: int
    bytes: int
    sha256: str
    elsewhere: dict[str, int] = {}
    damaged: list[str] = []
    complete: bool = True


class BackupSource(NamedTuple):
    """A data folder with its database, opened beside a server or alone, and its contents."""

    data_dir: Path
    database: Database
    blobs: BlobStores
    clock: Clock
    version: str


async def write(source: BackupSource, out: IO[bytes], *, scratch: Path) -> BackupManifest:
    """Writes a back-up. `scratch` is a folder that takes a copy of the database meanwhile.

    Raises `Unavailable` where it cannot be made, `ConfigurationError` where the database cannot be
    copied.
    """
    backup_id = ids.new("backup")
    clock, database = source.clock, source.database

    async def renew() -> None:
        await database.write(backups.renew, backup_id, now=clock.now())

    await database.write(backups.begin, backup_id, now=clock.now())
    renewing = asyncio.create_task(loop("backup", renew, every=_RENEW_SECONDS), name="backup")
    try:
        with tempfile.TemporaryDirectory(prefix="perdure-backup-", dir=scratch) as held:
            copy = Path(held) / FILE_NAME
            await asyncio.to_thread(copies.make, source.data_dir, copy)
            writing = _Writing(source, out)
            await asyncio.to_thread(writing.add_database, copy)
            await writing.add_contents(copy)
            # Else what was copied may not be all.
            await renew()
            return writing.finish()
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await database.write(backups.end, backup_id, now=clock.now())


class _Writing:
    """A back-up that is being written."""

    def __init__(self, source: BackupSource, out: IO[bytes]) -> None:
        self._source = source
        self._tar = TarWriter(out, ROOT)
        self._digest = hashlib.sha256()
        self._contents = self._bytes = 0
        self._elsewhere: dict[str, int] = {}
        self._damaged: list[str] = []

    def add_database(self, copy: Path) -> None:
        self._tar.begin(FILE_NAME, copy.stat().st_size)
        with copy.open("rb") as file:
            while block := file.read(_COPY_BYTES):
                self._add(block)

    async def add_contents(self, copy: Path) -> None:
        store = self._source.blobs.folder
        here = store.location if store is not None else None
        if store is not None and (text := folder.id_text(store.path)):
            self._tar.begin(f"{BLOBS}/{folder.ID_FILE}", len(text))
            self._add(text)
        after = ""
        while page := await asyncio.to_thread(_page_of, copy, after):
            after = page[-1].id
            for blob in page:
                location = blob.location
                if location == UNKNOWN:
                    location = await self._source.blobs.find(blob.id) or UNKNOWN
                if location != here:
                    self._elsewhere[location] = self._elsewhere.get(location, 0) + 1
                elif blob.bytes:
                    await self._add_content(blob._replace(location=location))

    async def _add_content(self, blob: WrittenBlob) -> None:
        self._contents += 1
        self._bytes += blob.bytes
        self._tar.begin(f"{BLOBS}/{blob.id}", blob.bytes)
        left = blob.bytes
        stored = self._source.blobs.read(blob.id, blob.location, 0, blob.bytes)
        with suppress(Unavailable):
            async with aclosing(stored) as blocks:
                async for block in blocks:
                    left -= len(block)
                    self._add(block)
        if left:
            self._damaged.append(blob.id)
        while left:
            filling = _ZEROS[: min(left, len(_ZEROS))]
            left -= len(filling)
            self._add(filling)

    def finish(self) -> BackupManifest:
        manifest = BackupManifest(
            created_at=int(self._source.clock.now()),
            server_version=self._source.version,
            contents=self._contents,
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
            elsewhere=self._elsewhere,
            damaged=self._damaged,
        )
        text = encode(manifest) + b"\n"
        self._tar.begin(MANIFEST, len(text))
        self._tar.write(text)
        self._tar.finish()
        return manifest

    def _add(self, block: bytes) -> None:
        self._digest.update(block)
        self._tar.write(block)


def _page_of(copy: Path, after: str) -> list[WrittenBlob]:
    """Returns some contents that the copy of a database names, behind the id `after`."""
    with snapshot(None, copy.parent) as tx:
        rows = tx.all("invariants_of_files.contents", after=after, limit=_AT_ONCE)
    return [WrittenBlob(row["id"], row["bytes"], row["location"]) for row in rows]
