"""Vector stores with files in them, written the way that ingestion writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perdure.retrieval import embedder, index_writer, segments
from perdure.retrieval.embedder import Embedders
from perdure.retrieval.index_writer import IndexableChunk
from perdure.retrieval.search import Passage, search
from perdure.storage.database import Database, Transaction
from perdure.wire.search import Value


class Chunk(NamedTuple):
    """See `index.IndexableChunk`."""

    text: str
    tokens: int
    start: int
    heading: int = 0


def chunks(*texts: str, overlap: int = 0) -> list[Chunk]:
    """Texts that follow each other, each of which repeats so much of the one before."""
    found, start = [], 0
    for text in texts:
        found.append(Chunk(text, len(text.split()), start))
        start += len(text) - overlap
    return found


class FilledStore:
    """What tests do with the stores of one database."""

    def __init__(self, database: Database, embedders: Embedders | None = None) -> None:
        self.database = database
        self.embedders = embedders or {}

    async def store(self, store_id: str = "vs_1", model: str | None = None) -> str:
        await self.database.write(add_store, store_id)
        await self.database.write(index_writer.ensure_model, store_id, model)
        return store_id

    async def attempt(
        self, store_id: str, file_id: str, texts: Sequence[str], *, pieces: int = 1
    ) -> int:
        """An attempt that has written all of its chunks and has not ended."""
        ingestion = await self.database.write(begin, store_id, file_id)
        model = await self.database.read(_model, store_id)
        each = max(1, -(-len(texts) // pieces))
        for first in range(0, len(texts), each):
            written = chunks(*texts[first : first + each])
            vectors = await embedder.embed_chunks(
                self.embedders, model, [chunk.text for chunk in written]
            )
            piece = index_writer.prepare(written, vectors)
            await self.database.write(
                index_writer.write, ingestion, store_id, piece, embedding=model
            )
        return ingestion

    async def file(
        self,
        store_id: str,
        file_id: str,
        *texts: str,
        attributes: Mapping[str, Value] | None = None,
        pieces: int = 1,
    ) -> int:
        """A file whose attempt is completed."""
        ingestion = await self.attempt(store_id, file_id, texts, pieces=pieces)
        await self.database.write(complete, store_id, file_id, ingestion, attributes or {})
        return ingestion

    async def named(self, store_id: str, file_id: str, name: str, *cut: IndexableChunk) -> None:
        """A file with a name, and chunks that may have headings."""
        ingestion = await self.database.write(begin, store_id, file_id)
        piece = index_writer.prepare(cut, name=name)
        await self.database.write(index_writer.write, ingestion, store_id, piece, embedding=None)
        await self.database.write(complete, store_id, file_id, ingestion, {}, name)

    async def remove(self, store_id: str, file_id: str) -> None:
        """Takes the file out of the store, as far as searches can see."""
        await self.database.write(_remove, store_id, file_id)

    async def drop(self, *, limit: int = 1000) -> list[int]:
        """Removes all that was dropped; how much each step removed."""
        removed = []
        while step := await self.database.write(index_writer.drop, limit=limit):
            removed.append(step)
        return removed

    async def merge(self) -> int:
        """Merges as long as there is something to merge; how often."""
        times = 0
        while merge := await self.database.read(segments.plan):
            assert await self.database.write(segments.merge, merge)
            times += 1
        return times

    async def search(
        self, *queries: str, stores: Sequence[str] = ("vs_1",), **how: object
    ) -> list[Passage]:
        asked: dict[str, object] = {"limit": 10, **how}
        return await search(self.database, self.embedders, stores, queries, **asked)  # type: ignore[arg-type]

    async def found(self, *queries: str, **how: object) -> list[str]:
        """The texts that are found."""
        return [passage.text for passage in await self.search(*queries, **how)]  # type: ignore[arg-type]

    async def counts(self) -> dict[str, int]:
        """How many rows each table of the index has."""
        return await self.database.read(_counts)


def add_store(tx: Transaction, store_id: str) -> None:
    """An empty store."""
    tx.run(
        "vector_stores.insert",
        id=store_id,
        project="p",
        expires_at=None,
        last_active_at=1,
        body="{}",
    )


def _model(tx: Transaction, store_id: str) -> str | None:
    row = tx.one("searches.store", vector_store_id=store_id)
    assert row is not None
    model: str | None = row["embedding"]
    return model


def begin(tx: Transaction, store_id: str, file_id: str) -> int:
    """An attempt at a file."""
    row = tx.one("ingestions.begin", vector_store_id=store_id, file_id=file_id)
    assert row is not None
    ingestion: int = row["id"]
    return ingestion


def complete(
    tx: Transaction,
    store_id: str,
    file_id: str,
    ingestion: int,
    attributes: Mapping[str, Value],
    name: str | None = None,
) -> None:
    """Makes an attempt the one that searches find."""
    row = tx.one(
        "vector_store_files.insert",
        vector_store_id=store_id,
        file_id=file_id,
        filename=name or f"{file_id}.txt",
        status="in_progress",
        attributes=json.dumps(attributes),
        body="{}",
    )
    assert row is not None
    tx.run(
        "vector_store_files.move",
        seq=row["seq"],
        was="in_progress",
        status="completed",
        body="{}",
        usage_bytes=1,
        ingestion=ingestion,
    )


def _remove(tx: Transaction, store_id: str, file_id: str) -> None:
    row = tx.one("vector_store_files.get", id=file_id, parent=store_id)
    assert row is not None
    tx.run("vector_store_files.delete", seq=row["seq"])
    tx.run("ingestions.drop", vector_store_id=store_id, file_id=file_id)


def _counts(tx: Transaction) -> dict[str, int]:
    row = tx.one("chunks.counts")
    assert row is not None
    return {
        table: row[table] for table in ("chunks", "pieces", "segments", "postings", "ingestions")
    }
