"""Reading of all objects for an export, page by page and in the order in which an import needs them
(spec 10 §2).

Whoever reads holds one snapshot of the database, so that all objects are of one moment.
"""

from collections.abc import Generator, Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from perdure.commands import blobs, export_references, vector_stores
from perdure.commands.blobs import WrittenBlob
from perdure.commands.export_references import ExportSelection, References, pages
from perdure.storage.database import Row, Transaction
from perdure.wire.base import JsonObject, decode
from perdure.wire.exchange import KINDS, TABLES, Exportable, ExportMark, Kind, write
from perdure.wire.files import File
from perdure.wire.threads import Thread

_OF_THREAD: tuple[Kind, ...] = ("thread.message", "thread.run", "thread.run.step")


class WantedContent(NamedTuple):
    """A file whose bytes come next; the reader is sent a `FoundContent`."""

    file: File
    blobs: list[WrittenBlob]


class FoundContent(NamedTuple):
    """The digest of the bytes of a file; None if they could not be read."""

    sha256: str | None


class ExportedLine(NamedTuple):
    """The line of an object."""

    kind: Kind
    text: bytes


class DamagedRow(NamedTuple):
    """A row that cannot be read, and is not exported."""

    id: str


Found: TypeAlias = ExportedLine | WantedContent | DamagedRow
Reading: TypeAlias = Generator[Found, FoundContent | None, None]


def read_all(tx: Transaction, selection: ExportSelection, *, now: int) -> Reading:
    """Yields all lines: files, vector stores, their files, assistants, and then each thread with
    its messages, runs and steps. A file's content is asked for before its line.
    """
    chosen = export_references.collect(tx, selection, _threads) if selection.is_partial else None
    yield from _files(tx, selection, chosen)
    yield from _stores(tx, selection, chosen, now=now)
    yield from _assistants(tx, selection, chosen)
    for row in _threads(tx, selection):
        yield _line("thread", row)
        for kind in _OF_THREAD if selection.with_runs else _OF_THREAD[:1]:
            for each in pages(tx, TABLES[kind], thread_id=row["id"]):
                yield _line(kind, each)


def _files(tx: Transaction, selection: ExportSelection, chosen: References | None) -> Reading:
    for row in pages(tx, "files", project=selection.project):
        if chosen is not None and row["id"] not in chosen.files:
            continue
        try:
            file = decode(row["body"], File)
        except ValueError:
            yield DamagedRow(row["id"])
            continue
        stored = blobs.of_owner(tx, file.id)
        found = None
        if file.bytes == 0 and file.status != "error":
            found = yield WantedContent(file, [])
        elif selection.with_files and sum(each.bytes for each in stored) == file.bytes:
            found = yield WantedContent(file, stored)
        digest = found.sha256 if found else None
        yield _line("file", row, sha256=digest, bytes_missing=digest is None)


def _stores(
    tx: Transaction, selection: ExportSelection, chosen: References | None, *, now: int
) -> Reading:
    for row in pages(tx, "vector_stores", project=selection.project):
        if chosen is not None and row["id"] not in chosen.stores:
            continue
        try:
            store = vector_stores.shown(tx, [row], now=now)[0]
        except ValueError:
            yield DamagedRow(row["id"])
            continue
        yield ExportedLine("vector_store", write(store, _mark(row)))
    for row in pages(tx, "vector_store_files", project=selection.project):
        if chosen is None or row["vector_store_id"] in chosen.stores:
            yield _line("vector_store.file", row)


def _assistants(tx: Transaction, selection: ExportSelection, chosen: References | None) -> Reading:
    for row in pages(tx, "assistants", project=selection.project):
        if chosen is None or row["id"] in chosen.assistants:
            kept = row["unsupported_tools"]
            tools = decode(kept, list[JsonObject]) if kept else None
            yield _line("assistant", row, unsupported_tools=tools)


def _threads(tx: Transaction, selection: ExportSelection) -> Iterator[Row]:
    """Yields the rows of the threads that are exported, also those that cannot be read."""
    for row in pages(tx, "threads", project=selection.project):
        if not selection.is_partial or _is_chosen(tx, row, selection):
            yield row


def _is_chosen(tx: Transaction, row: Row, selection: ExportSelection) -> bool:
    if row["id"] in selection.threads:
        return True
    for assistant_id in selection.assistants:
        used = {"thread_id": row["id"], "assistant_id": assistant_id}
        if tx.one("exports.used_by", **used) is not None:
            return True
    if selection.since is None:
        return False
    try:
        return decode(row["body"], Thread).created_at >= selection.since
    except ValueError:
        return False


def _line(kind: Kind, row: Row, **marks: object) -> ExportedLine | DamagedRow:
    """Returns the line of a row in the form that this version writes."""
    try:
        body: Exportable = decode(row["body"], KINDS[kind])
    except ValueError:
        return DamagedRow(row["id"])
    return ExportedLine(kind, write(body, msgspec.structs.replace(_mark(row), **marks)))


def _mark(row: Row) -> ExportMark:
    return ExportMark(seq=row["seq"], project=row["project"])
