"""Rules for files in vector stores (spec 01 §9, 02 §9)."""

import re
from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import known_files, lists, store_membership, vector_stores
from perdure.commands.store_membership import FileToAdd
from perdure.errors import BadRequest, NotFound
from perdure.retrieval import index_writer
from perdure.retrieval.index_writer import StoredChunk
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.lists import Deleted, Page
from perdure.wire.query import ListQuery
from perdure.wire.vector_store_files import (
    CreateVectorStoreFile,
    FileChunk,
    ModifyVectorStoreFile,
    VectorStoreFile,
)

# Some hundred kilobytes.
_CHUNKS_AT_ONCE = 100
_LAST = 2**31 - 1
_CHUNK_ID = re.compile("chunk_([0-9]{1,18})_([0-9]{1,9})", re.ASCII)


class ParsedContent(NamedTuple):
    """Some of the text that an ingestion has read from a file: positions and texts."""

    ingestion: int
    texts: list[tuple[int, str]]


def create(
    tx: Transaction, store_id: str, body: CreateVectorStoreFile, *, project: str, now: int
) -> str:
    """Adds a file to a vector store and returns its JSON. Raises `NotFound`, `BadRequest`."""
    vector_stores.lock(tx, store_id, project=project, now=now)
    if not known_files.find(tx, [body.file_id], project=project):
        # Only here it is a 404 (spec 05 §3.5).
        raise NotFound(f"Files [{body.file_id}] were not found.", param="file_id")
    store_membership.add(tx, store_id, [FileToAdd(body)], project=project, now=now)
    return get(tx, body.file_id, store_id=store_id, project=project)


def page(tx: Transaction, query: ListQuery, *, store_id: str, project: str) -> Page:
    """Returns one page of the vector store's files, of one status only if the query has it."""
    vector_stores.require(tx, store_id, project=project)
    return lists.page(
        tx,
        "vector_store_files",
        query,
        project=project,
        parent=store_id,
        label="file",
        tombstone_parent=store_id,
    )


def get(tx: Transaction, file_id: str, *, store_id: str, project: str) -> str:
    """Returns the file's JSON. Raises `NotFound`."""
    vector_stores.require(tx, store_id, project=project)
    row = tx.one("vector_store_files.get", id=file_id, parent=store_id)
    return str(_found(row, file_id, store_id)["body"])


def modify(
    tx: Transaction, file_id: str, body: ModifyVectorStoreFile, *, store_id: str, project: str
) -> VectorStoreFile:
    """Replaces the attributes; searches use the new ones at once."""
    row = _locked(tx, file_id, store_id=store_id, project=project)
    found = decode(row["body"], VectorStoreFile)
    return store_membership.update(tx, row["seq"], replace(found, attributes=body.attributes or {}))


def delete(tx: Transaction, file_id: str, *, store_id: str, project: str, now: int) -> Deleted:
    """Removes the file from the vector store; the file itself stays."""
    row = _locked(tx, file_id, store_id=store_id, project=project)
    store_membership.remove(tx, row, store_id, project=project, now=now)
    return Deleted(id=file_id, object="vector_store.file.deleted")


def content(
    tx: Transaction,
    file_id: str,
    *,
    store_id: str,
    project: str,
    now: int,
    ingestion: int | None = None,
    after: int = -1,
) -> ParsedContent:
    """Returns some of the text that was read of the file, in order, behind a position. No text is
    the end.

    `ingestion` is that of the text before. Raises `BadRequest` before the file is completed and
    when the vector store has expired, `NotFound` where the file does not exist, or its ingestion is
    another one now.
    """
    read = _ingestion(tx, file_id, store_id=store_id, project=project, now=now)
    if ingestion not in (None, read):
        raise NotFound(f"File '{file_id}' was taken out of vector store '{store_id}'.")
    texts = index_writer.read_texts(tx, read, after=after, limit=_CHUNKS_AT_ONCE)
    return ParsedContent(read, texts)


def chunks(
    tx: Transaction, query: ListQuery, file_id: str, *, store_id: str, project: str, now: int
) -> Page:
    """Returns one page of the file's chunks as they are stored. An extension.

    With `before` alone, the page is the one that ends right before the cursor, as in
    `commands.lists`. Raises `BadRequest` and `NotFound` as `content` does, and `NotFound` for a
    cursor that is no chunk of the file (any more): it has others once it was read again.
    """
    ingestion = _ingestion(tx, file_id, store_id=store_id, project=project, now=now)
    descending = query.order == "desc"
    low, high = -1, _LAST
    for cursor, above in ((query.after, not descending), (query.before, descending)):
        if cursor is not None:
            position = _position(tx, cursor, ingestion)
            low, high = (position, high) if above else (low, position)
    backwards = query.before is not None and query.after is None
    found = index_writer.read_chunks(
        tx, ingestion, low=low, high=high, limit=query.limit + 1, last=descending != backwards
    )
    has_more = len(found) > query.limit
    found = found[: query.limit]
    if backwards:
        found.reverse()
    listed = [_chunk(each, ingestion, file_id, store_id) for each in found]
    return Page([each.id for each in listed], [encode(each).decode() for each in listed], has_more)


def _ingestion(tx: Transaction, file_id: str, *, store_id: str, project: str, now: int) -> int:
    """Returns the ingestion that has read the file. Raises `BadRequest` and `NotFound`."""
    vector_stores.require_live(tx, store_id, project=project, now=now)
    row = _found(tx.one("vector_store_files.get", id=file_id, parent=store_id), file_id, store_id)
    if row["ingestion"] is None:
        status = decode(row["body"], VectorStoreFile).status
        raise BadRequest(
            f"The content of file '{file_id}' cannot be shown: its status is '{status}'."
        )
    return int(row["ingestion"])


def _position(tx: Transaction, chunk_id: str, ingestion: int) -> int:
    named = _CHUNK_ID.fullmatch(chunk_id)
    if (
        named is None
        or int(named[1]) != ingestion
        or not index_writer.has_chunk(tx, ingestion, int(named[2]))
    ):
        raise NotFound(f"No chunk found with id '{chunk_id}'.")
    return int(named[2])


def _chunk(chunk: StoredChunk, ingestion: int, file_id: str, store_id: str) -> FileChunk:
    return FileChunk(
        id=f"chunk_{ingestion}_{chunk.position}",
        vector_store_id=store_id,
        file_id=file_id,
        index=chunk.position,
        text=chunk.text,
        heading=chunk.text[: chunk.heading].rstrip("\n") or None,
        start_index=chunk.start + chunk.heading,
        end_index=chunk.start + len(chunk.text),
        tokens=chunk.tokens,
    )


def _locked(tx: Transaction, file_id: str, *, store_id: str, project: str) -> Row:
    vector_stores.require(tx, store_id, project=project)
    row = tx.one("vector_store_files.lock", id=file_id, parent=store_id)
    return _found(row, file_id, store_id)


def _found(row: Row | None, file_id: str, store_id: str) -> Row:
    if row is None:
        raise NotFound(f"No file found with id '{file_id}' in vector store '{store_id}'.")
    return row
