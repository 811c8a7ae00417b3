"""Targets of an import: a database, or a look at one that writes nothing."""

import hashlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple, Protocol, cast

from perdure import ids
from perdure.clock import Clock
from perdure.commands import blobs, imports
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.commands.import_batches import Conflict
from perdure.commands.import_tally import ImportTally
from perdure.commands.imported_objects import ImportOptions
from perdure.commands.imports import ImportBeginning
from perdure.exchange.items import ContentItem
from perdure.exchange.line_index import LineGroup
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database, Row, Transaction
from perdure.wire import exchange
from perdure.wire.base import decode
from perdure.wire.events import Publication
from perdure.wire.exchange import ImportReport, UnreadableLine


class ImportTarget(Protocol):
    """A target of groups of lines."""

    async def begin(self, beginning: ImportBeginning) -> bool:
        """Begins an import, or goes on with it. Returns True if objects keep their places."""
        ...

    async def add(self, group: LineGroup, content: ContentItem | None) -> ImportReport:
        """Adds a group, with the content of the file that it is. Returns what became of it."""
        ...


class DatabaseTarget:
    """See `ImportTarget`."""

    def __init__(
        self, database: Database, stores: BlobStores, clock: Clock, options: ImportOptions
    ) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        self._options = options

    async def begin(self, beginning: ImportBeginning) -> bool:
        keeps = await self._database.write(imports.begin, beginning, now=self._options.now)
        self._options = self._options._replace(keeps_seq=keeps)
        return keeps

    async def add(self, group: LineGroup, content: ContentItem | None) -> ImportReport:
        if content is None or not await self._wants(group):
            return await self._write(group, None)
        blob_id = ids.new_hex(ids.BLOB)
        try:
            blob = await self._receive(blob_id, content, _digest_of(group))
            return await self._write(group, blob)
        finally:
            await self._database.write(blobs.abandon, blob_id)

    async def _wants(self, group: LineGroup) -> bool:
        """Returns False if the file has its content already."""
        file_id = file_id_of(group)
        return file_id is not None and await self._database.read(
            imports.wants_content, file_id, on_conflict=self._options.on_conflict
        )

    async def _write(self, group: LineGroup, blob: WrittenBlob | None) -> ImportReport:
        try:
            return await self._database.write(imports.add_group, group, self._options, blob)
        except Conflict as conflict:
            return refused(group, conflict)

    async def _receive(
        self, blob_id: str, content: ContentItem, digest: str | None
    ) -> WrittenBlob | None:
        """Writes a content. Returns None where it is not the one that its file had."""
        reading = _Content(self._database, self._clock, blob_id, content)
        await self._database.write(
            blobs.begin, blob_id, self._stores.location, now=self._clock.now()
        )
        size = await self._stores.write(blob_id, reading.blocks())
        if size != content.size or (digest is not None and reading.sha256 != digest):
            return None
        return WrittenBlob(blob_id, size, self._stores.location)


class _Content:
    """A content that is being written: its digest, and the lease of its blob."""

    def __init__(
        self, database: Database, clock: Clock, blob_id: str, content: ContentItem
    ) -> None:
        self._database = database
        self._clock = clock
        self._blob_id = blob_id
        self._content = content
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        renewed = self._clock.now()
        async with aclosing(self._content.blocks) as blocks:
            async for block in blocks:
                self._digest.update(block)
                now = self._clock.now()
                if now - renewed > LEASE_SECONDS / 10:
                    await self._database.write(blobs.renew, self._blob_id, now=now)
                    renewed = now
                yield block


def file_id_of(group: LineGroup) -> str | None:
    """Returns the id of the file that a group is; None where its line cannot be read."""
    _, text = next(group.lines())
    try:
        return exchange.head(text).id
    except UnreadableLine:
        return None


def _digest_of(group: LineGroup) -> str | None:
    _, text = next(group.lines())
    try:
        return exchange.read(text).mark.sha256
    except UnreadableLine:
        return None


def refused(group: LineGroup, conflict: Conflict) -> ImportReport:
    """Returns the report of a group of which nothing was written."""
    tally = ImportTally()
    for number, text in group.lines():
        try:
            kind: str = exchange.head(text).object
        except UnreadableLine:
            kind = "unknown"
        tally.count(kind, "read")
        if number == conflict.line:
            tally.fail(number, conflict.kind, conflict.id, conflict.reason)
        else:
            tally.count(kind, "failed")
    return tally.report()


class DryRun:
    """See `ImportTarget`: reads and checks all, and writes nothing. `snapshot` is one of the
    database; None where there is no database yet.
    """

    def __init__(self, snapshot: Transaction | None, options: ImportOptions) -> None:
        self._tx = _Imagined(snapshot)
        self._options = options

    async def begin(self, beginning: ImportBeginning) -> bool:
        return imports.begin(self._tx, beginning, now=self._options.now)

    async def add(self, group: LineGroup, content: ContentItem | None) -> ImportReport:
        blob = await _imagined(group, content) if content else None
        try:
            return imports.add_group(self._tx, group, self._options, blob)
        except Conflict as conflict:
            return refused(group, conflict)


async def _imagined(group: LineGroup, content: ContentItem) -> WrittenBlob | None:
    """Reads a content. Returns None where it is not the one that its file had."""
    digest, size = hashlib.sha256(), 0
    async with aclosing(content.blocks) as blocks:
        async for block in blocks:
            digest.update(block)
            size += len(block)
    wanted = _digest_of(group)
    if size != content.size or wanted not in (None, digest.hexdigest()):
        return None
    return WrittenBlob("blob_imagined", size, "")


class _ImaginedRow(NamedTuple):
    """The row of an object that would have been added."""

    values: Mapping[str, object]

    def __getitem__(self, key: str) -> object:  # type: ignore[override]
        return self.values.get(key)


_SHOWN = ("id", "project", "thread_id", "imported", "body")
_LOCKING = "vector_store_files.failed_of_file"  # a snapshot locks nothing
# Of these only what refers to them is asked for later.
_REMEMBERED = ("files", "vector_stores", "threads", "runs")


class _Imagined:
    """See `Transaction`: reads are those of a snapshot, with what writes would have added."""

    def __init__(self, snapshot: Transaction | None) -> None:
        self._snapshot = snapshot
        self._added: dict[str, dict[object, _ImaginedRow]] = {name: {} for name in _REMEMBERED}

    def one(self, statement: str, **params: object) -> Row | None:
        if statement.endswith(".lock"):
            return None  # a snapshot locks nothing
        if self._snapshot is not None:
            return self._snapshot.one(statement, **params)
        # A database that is made anew has one project.
        is_default = statement == "projects.get" and params["id"] == "proj_default"
        return cast("Row", _ImaginedRow(params)) if is_default else None

    def all(self, statement: str, **params: object) -> list[Row]:
        noun, _, table = statement.partition(".")
        found: list[Row] = []
        if self._snapshot is not None and statement != _LOCKING:
            found = self._snapshot.all(statement, **params)
        if noun == "imports" and table in self._added:
            asked = decode(str(params["ids"]), list[str])
            added = self._added[table]
            found += [cast("Row", added[each]) for each in asked if each in added]
        return found

    def run(self, statement: str, **params: object) -> int:
        self._note(statement, params)
        return 1

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        for each in params:
            self._note(statement, each)
        return []

    def publish(self, topic: str, publication: Publication) -> None:
        """Publishes nothing."""

    def _note(self, statement: str, params: Mapping[str, object]) -> None:
        noun, _, name = statement.partition(".")
        table = name.removeprefix("insert_")
        if noun != "imports":
            table = noun if name == "insert" else ""
        if table in self._added:
            shown = {key: params[key] for key in _SHOWN if key in params}
            self._added[table][params["id"]] = _ImaginedRow(shown)
