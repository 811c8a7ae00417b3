"""Import of objects with their ids: a group of lines is written as a whole, or not at all (spec 10
§3).

A group is one object, or a thread with all that belongs to it. No events are made: no webhook and
no stream tells of what was imported.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from perdure.commands import (
    blobs,
    file_supplies,
    import_threads,
    imported_objects,
    store_membership,
)
from perdure.commands.blobs import WrittenBlob
from perdure.commands.import_batches import Batch, Importing, Line, Written
from perdure.commands.import_gaps import fill
from perdure.commands.imported_objects import ImportOptions, OnConflict
from perdure.storage.database import Row, Transaction
from perdure.wire import exchange
from perdure.wire.assistants import Assistant
from perdure.wire.base import JsonObject, decode, encode
from perdure.wire.events import Waiting
from perdure.wire.exchange import OF_THREAD, TABLES, ImportReport, UnreadableLine
from perdure.wire.files import File
from perdure.wire.vector_store_files import VectorStoreFile
from perdure.wire.vector_stores import VectorStore

_AT_ONCE = 200


class ImportGroup(Protocol):
    """Lines that are written together."""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yields the number and the text of each line, in the order in which they are written; may
        be called again.
        """
        ...


class ImportBeginning(NamedTuple):
    """The beginning of an import: what identifies it, and the last place of each table that it has.
    Without places, the objects get new ones.
    """

    digest: str
    places: dict[str, int]


def begin(tx: Transaction, beginning: ImportBeginning, *, now: int) -> bool:
    """Notes that an import begins, or goes on. Returns True if its objects keep their places: in an
    empty database they do, and where they did when this import began before.

    New objects of the server get places behind them from then on.
    """
    begun = tx.one("imports.begun", digest=beginning.digest)
    if begun is not None:
        return bool(begun["keeps_seq"])
    keeps = bool(beginning.places) and tx.one("imports.any_object") is None
    tx.run("imports.begin", digest=beginning.digest, keeps_seq=int(keeps), now=now)
    for table, place in beginning.places.items() if keeps else ():
        if table in TABLES.values():
            tx.run("imports.first_places", table_name=table, seq=place)
            tx.run("imports.raise_places", table_name=table, seq=place)
    return keeps


def wants_content(tx: Transaction, file_id: str, *, on_conflict: OnConflict) -> bool:
    """Returns False if the file is there with its content, and would not be replaced."""
    row = next(iter(tx.all("imports.files", ids=encode([file_id]).decode())), None)
    if row is None or on_conflict == "replace":
        return True
    return imported_objects.is_lacking(decode(row["body"], File))


def add_group(
    tx: Transaction,
    group: ImportGroup,
    options: ImportOptions,
    content: WrittenBlob | None = None,
) -> ImportReport:
    """Adds a group of lines. `content` is that of the file that the group is.

    A line that cannot be read is left out and reported. Raises `Conflict` where an object is there
    with other content and conflicts fail: then nothing of the group is written.
    """
    importing = Importing(tx, options, group.lines)
    for batch in _batches(importing, group):
        if batch.kind == "file":
            _add_files(importing, batch, content)
        elif batch.kind == "vector_store":
            _add_stores(importing, batch)
        elif batch.kind == "vector_store.file":
            _add_store_files(importing, batch)
        elif batch.kind == "assistant":
            _add_assistants(importing, batch)
        else:
            import_threads.add(importing, batch)
    return importing.tally.report()


def _batches(importing: Importing, group: ImportGroup) -> Iterator[Batch]:
    """Yields the lines that can be read, some of one kind at a time, no id twice."""
    batch: Batch | None = None
    for number, text in group.lines():
        line = _read(importing, number, text)
        if line is None:
            continue
        fits = batch is not None and (
            batch.kind == line.kind and len(batch.lines) < _AT_ONCE and line.key not in batch.keys
        )
        if batch is not None and not fits:
            yield batch
        if batch is None or not fits:
            batch = Batch(line.kind, [], set())
        batch.lines.append(line)
        batch.keys.add(line.key)
    if batch is not None:
        yield batch


def _read(importing: Importing, number: int, text: bytes) -> Line | None:
    tally = importing.tally
    try:
        head = exchange.head(text)
    except UnreadableLine as error:
        tally.count("unknown", "read")
        tally.fail(number, None, None, str(error))
        return None
    tally.count(head.object, "read")
    try:
        found = exchange.read(text)
    except UnreadableLine as error:
        tally.fail(number, head.object, head.id, str(error))
        return None
    if found.strange:
        tally.note_strange(found.kind, found.strange)
    line = Line(number, found.kind, found.body, found.mark)
    if found.kind in OF_THREAD:
        return line  # of the project of its thread
    return importing.in_project(line)


def _add_files(importing: Importing, batch: Batch, content: WrittenBlob | None) -> None:
    keep_expired = importing.options.keep_expired
    known = importing.known("files", batch)
    for line in batch.lines:
        assert isinstance(line.body, File)  # noqa: S101 # by its kind
        is_empty = line.body.bytes == 0 and not line.mark.bytes_missing
        size = content.bytes if content else 0 if is_empty and line.body.status != "error" else None
        found = imported_objects.file(line.body, bytes_=size, keep_expired=keep_expired)
        row = known.get(found.id)
        had = None if row is None else decode(row["body"], File)
        heals = had is not None and imported_objects.is_lacking(had) and size is not None
        columns = {
            "id": found.id,
            "project": line.project,
            "purpose": found.purpose,
            "expires_at": found.expires_at,
            "body": encode(found).decode(),
        }
        is_same = had == found or (had is not None and size is None)
        written = importing.settle(line, row, columns, is_same=is_same, heals=heals)
        if size is None and written is not Written.NOT:
            importing.tally.miss("file", found.id, found.id)
        if written is Written.NOT or content is None:
            continue
        if written is Written.REPLACED:
            importing.tx.run("imports.replace_blobs", owner=found.id)
        blobs.keep(importing.tx, content, owner=found.id)
        if heals:
            file_supplies.read_again(importing.tx, found.id)


def _add_stores(importing: Importing, batch: Batch) -> None:
    keep_expired = importing.options.keep_expired
    known = importing.known("vector_stores", batch)
    for line in batch.lines:
        assert isinstance(line.body, VectorStore)  # noqa: S101 # by its kind
        found = imported_objects.vector_store(line.body, keep_expired=keep_expired)
        row = known.get(found.id)
        columns = {
            "id": found.id,
            "project": line.project,
            "expires_at": found.expires_at,
            "last_active_at": found.last_active_at,
            "body": encode(found).decode(),
        }
        is_same = row is not None and _same_use(decode(row["body"], VectorStore), found)
        importing.settle(line, row, columns, is_same=is_same)


def _same_use(had: VectorStore, found: VectorStore) -> bool:
    return imported_objects.without_use(had) == imported_objects.without_use(found)


def _add_store_files(importing: Importing, batch: Batch) -> None:
    for line in batch.lines:
        assert isinstance(line.body, VectorStoreFile)  # noqa: S101 # by its kind
        store_id, file_id = line.body.vector_store_id, line.body.id
        gaps = fill(importing, line, files=[file_id], stores=[store_id], is_needed=True)
        if gaps:
            importing.tally.fail(line.number, line.kind, file_id, gaps)
            continue
        file = decode(importing.rows("files", [file_id])[file_id]["body"], File)
        lacking = imported_objects.is_lacking(file)
        found = imported_objects.vector_store_file(line.body, lacking=lacking)
        where = {"vector_store_id": store_id, "ids": encode([file_id]).decode()}
        row = next(iter(importing.tx.all("imports.vector_store_files", **where)), None)
        if row is not None:
            _settle_member(importing, line, row, found)
            continue
        importing.insert(
            line,
            {
                "vector_store_id": store_id,
                "file_id": file_id,
                "filename": file.filename,
                "status": found.status,
                "attributes": encode(found.attributes).decode(),
                "body": encode(found).decode(),
            },
        )
        importing.tx.publish(store_id, Waiting())


def _settle_member(importing: Importing, line: Line, row: Row, found: VectorStoreFile) -> None:
    had = decode(row["body"], VectorStoreFile)
    attributes = replace(had, attributes=found.attributes)
    is_same = attributes == had and had.chunking_strategy == found.chunking_strategy
    if not importing.replaces(line, is_same=is_same):
        return
    store_membership.update(importing.tx, row["seq"], attributes)
    importing.tally.count(line.kind, "replaced")


def _add_assistants(importing: Importing, batch: Batch) -> None:
    known = importing.known("assistants", batch)
    for line in batch.lines:
        assert isinstance(line.body, Assistant)  # noqa: S101 # by its kind
        unsupported = line.mark.unsupported_tools
        found = imported_objects.assistant(line.body, unsupported)
        row = known.get(found.id)
        columns = {
            "id": found.id,
            "project": line.project,
            "unsupported_tools": encode(unsupported).decode() if unsupported else None,
            "body": encode(found).decode(),
        }
        is_same = row is not None and (
            decode(row["body"], Assistant) == found and _tools(row) == unsupported
        )
        importing.tally.models[found.model] += 1
        importing.tally.unsupported.update({str(each.get("type")) for each in unsupported or ()})
        if importing.settle(line, row, columns, is_same=is_same) is not Written.NOT:
            import_threads.add_tools(importing, line, found.tool_resources)


def _tools(row: Row) -> list[JsonObject] | None:
    kept = row["unsupported_tools"]
    return decode(kept, list[JsonObject]) if kept else None
