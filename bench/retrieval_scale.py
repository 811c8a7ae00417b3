"""How fast the index is written and searched, in many small stores and in large ones.

All chunks have vectors. What is measured is a store at rest: PostgreSQL is given the VACUUM that it
would do by itself within a minute.
"""

import json
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import psycopg
from tests.retrieval import filled_stores
from tests.retrieval.filled_stores import Chunk

from bench.report import Row
from perdure.bus.memory import MemoryBus
from perdure.retrieval import index_writer, postings, segments, upkeep, vectors
from perdure.retrieval.embedder import Embedders
from perdure.retrieval.index_writer import PreparedChunks
from perdure.retrieval.postings import Packed, Words
from perdure.retrieval.search import Ranker, search
from perdure.retrieval.vectors import PackedVectors, Vectors
from perdure.storage import connect
from perdure.storage.database import Database, Transaction
from perdure.wire.search import Equal, Filter

_SEARCHES = 300
# A chunk has 550 words (about 800 tokens), half of them those of the one before.
_WORDS = 550
_DIMENSIONS = 256
_MODEL = f"random@{_DIMENSIONS}"
# So many different files; the others are copies of them.
_FILES = 40
_VOCABULARY = 60_000
_OWN_WORDS = 1_500
_OWN_SHARE = 0.35
_MERGE_EVERY = 8
# Files of one segment of the largest store.
_TOGETHER = 64


class Size(NamedTuple):
    """How many stores, of how many files each, of how many chunks each."""

    stores: int
    files: int
    chunks: int = 100

    def __str__(self) -> str:
        in_files = f" in files of {self.chunks}" if self.files > 1 else ""
        return f"{self.stores:,} x {self.files * self.chunks:,} chunks{in_files}"


class Random:
    """An embedding model that costs nothing: what is measured is the search."""

    name = _MODEL

    def __init__(self) -> None:
        self._random = np.random.default_rng(2)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Any vectors."""
        return self.vectors(len(texts)).tolist()  # type: ignore[no-any-return]

    def vectors(self, count: int) -> Vectors:
        """The same as an array."""
        return self._random.standard_normal((count, _DIMENSIONS), dtype=np.float32)


class Text:
    """Made-up text: words as frequent as in natural text (Zipf's law), and in each file a third
    of them from some words of its own.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._model = Random()
        letters = np.array([*"abcdefghijklmnopqrstuvwxyz"])
        lengths = self._random.integers(3, 10, _VOCABULARY)
        self.vocabulary = ["".join(self._random.choice(letters, n)) for n in lengths]
        frequencies = 1 / np.arange(1, _VOCABULARY + 1)
        self._cumulated = np.cumsum(frequencies / frequencies.sum())

    def piece(self, chunks: int) -> PreparedChunks:
        """A file."""
        step = _WORDS // 2
        count = step * (chunks + 1)
        common = np.searchsorted(self._cumulated, self._random.random(count))
        own = self._random.integers(0, _VOCABULARY, _OWN_WORDS)
        rare = own[(_OWN_WORDS * self._random.random(count) ** 3).astype(int)]
        taken = np.where(self._random.random(count) < _OWN_SHARE, rare, common)
        text = [self.vocabulary[min(place, _VOCABULARY - 1)] for place in taken.tolist()]
        return index_writer.prepare(
            [
                Chunk(" ".join(text[place * step : place * step + _WORDS]), 800, place)
                for place in range(chunks)
            ],
            self._model.vectors(chunks),
        )

    def queries(self) -> Iterator[str]:
        """Like questions: two of the most common words, two common ones, two rare ones."""
        chosen = random.Random(7)
        while True:
            ranges = (20, 20, 300, 3_000, 6_000, 20_000)
            yield " ".join(self.vocabulary[chosen.randrange(most)] for most in ranges)


async def measure(databases: dict[str, str | None], sizes: list[Size]) -> list[Row]:
    """The rows of all sizes; `databases` are URLs by name, None for SQLite."""
    text = Text()
    rows = []
    for size in sizes:
        began = time.perf_counter()
        pieces = [text.piece(size.chunks) for _ in range(_FILES)]
        prepared = (time.perf_counter() - began) / _FILES / size.chunks * 1e3
        made = f"{prepared:.2f} ms a chunk, outside of the writer"
        rows.append(Row(f"{size}: making text and counting its words", made))
        for name, url in databases.items():
            print(f"bench: {size} on {name}", file=sys.stderr)
            async with _database(url) as database:
                label = f"{name}, {size}"
                rows += [await _written(database, label, size, pieces)]
                if url is not None:
                    _vacuum(url)
                rows += await _searches(database, label, size, text)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, Row("most memory of the bench's process", f"{peak:,.0f} MB")]


def _vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@asynccontextmanager
async def _database(url: str | None) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
        database = connect(url, Path(folder), bus=MemoryBus())
        await database.open()
        yield database
        await database.close()


async def _written(database: Database, label: str, size: Size, pieces: list[PreparedChunks]) -> Row:
    large = size.files * size.chunks > 100_000
    written = await (_write_merged if large else _write)(database, size, pieces)
    how = "put in merged" if large else "written and merged"
    return Row(f"{label}: {how}", f"{written:,.0f} chunks a second")


async def _searches(database: Database, label: str, size: Size, text: Text) -> list[Row]:
    expected = 50.0 if size.files * size.chunks > 100_000 else 10.0
    half = Equal(key="half", value=True)
    model: Embedders = {_MODEL: Random()}
    wanted: dict[str, tuple[Embedders, Ranker, Filter | None]] = {
        "search": ({}, "auto", None),
        "search of every other file": ({}, "auto", half),
        "search by meaning": (model, "none", None),
        "search by both": (model, "auto", None),
    }
    rows = []
    for what, (embedders, ranker, filters) in wanted.items():
        figures = await _search(database, size, text, embedders, ranker, filters)
        p50, p99 = median(figures), sorted(figures)[-len(figures) // 100]
        took = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        row = Row(f"{label}: {what}", took)
        if not embedders:
            row = Row(row.measure, took, f"p50 ≤ {expected:.0f} ms", p50 <= expected)
        rows.append(row)
    return rows


async def _write_merged(database: Database, size: Size, pieces: list[PreparedChunks]) -> float:
    """The same, with segments put together at once as merging would leave them, of
    `_TOGETHER` files each.
    """
    began = time.perf_counter()
    chosen = [pieces[place % len(pieces)] for place in range(_TOGETHER)]
    words = _joined([piece.words for piece in chosen], size.chunks)
    packed = [vectors.pack(piece.vectors) for piece in chosen if piece.vectors is not None]
    await _add_store(database, "vs_0")
    for first in range(0, size.files, _TOGETHER):
        group = chosen[: size.files - first]
        both = words
        if len(group) < _TOGETHER:
            both = _joined([piece.words for piece in group], size.chunks)
        await database.write(_put, first, group, packed, both)
    return size.files * size.chunks / (time.perf_counter() - began)


def _joined(parts: list[Words], chunks: int) -> Words:
    """The words of several segments of so many chunks as those of one."""
    found: defaultdict[str, list[Packed]] = defaultdict(list)
    for place, part in enumerate(parts):
        entries = json.loads(part.directory)
        rows = [part.packed[start - 1 : start - 1 + size] for _, start, size in entries]
        numbers = np.arange(chunks) + place * chunks
        for (word, _, _), packed in zip(entries, postings.renumber(rows, numbers), strict=True):
            found[word].append(packed)
    return postings.join({word: np.concatenate(each) for word, each in found.items()})


def _put(
    tx: Transaction,
    first: int,
    group: list[PreparedChunks],
    packed: list[PackedVectors],
    words: Words,
) -> None:
    """Files with their chunks, in a segment of their own."""
    store = tx.one("searches.store", vector_store_id="vs_0")
    assert store is not None
    chunks = sum(len(piece.chunks) for piece in group)
    segment = segments.add(tx, store["seq"], words, chunks=chunks)
    for place, (piece, held) in enumerate(zip(group, packed, strict=False), first):
        ingestion = filled_stores.begin(tx, "vs_0", f"file-{place}")
        tx.run(
            "chunks.insert_piece",
            ingestion=ingestion,
            segment=segment,
            first=0,
            chunks=len(piece.chunks),
            words=piece.words.total,
            signs=held.signs,
        )
        tx.many(
            "chunks.insert",
            (
                {
                    "ingestion": ingestion,
                    "position": position,
                    "start": position,
                    "tokens": 800,
                    "heading": 0,
                    "text": chunk.text,
                    "vector": held.vectors[position],
                }
                for position, chunk in enumerate(piece.chunks)
            ),
        )
        attributes = {"half": place % 2 == 0, "number": place}
        filled_stores.complete(tx, "vs_0", f"file-{place}", ingestion, attributes)
    placed = sorted(row["id"] for row in tx.all("segments.pieces", segment=segment))
    for place, id_ in enumerate(placed):
        base = place * len(group[0].chunks)
        tx.one("segments.move_piece", segment=segment, id=id_, base=base)


async def _write(database: Database, size: Size, pieces: list[PreparedChunks]) -> float:
    """Chunks a second, the background's merging and removing included."""
    began, files = time.perf_counter(), 0
    for number in range(size.stores):
        store = f"vs_{number}"
        await _add_store(database, store)
        for place in range(size.files):
            file_id = f"file-{place}"
            ingestion = await database.write(filled_stores.begin, store, file_id)
            await database.write(
                index_writer.write, ingestion, store, pieces[files % len(pieces)], embedding=_MODEL
            )
            attributes = {"half": place % 2 == 0, "number": place}
            await database.write(filled_stores.complete, store, file_id, ingestion, attributes)
            files += 1
            if files % _MERGE_EVERY == 0:
                await upkeep.step(database, now=0.0)
    await upkeep.step(database, now=0.0)
    return files * size.chunks / (time.perf_counter() - began)


async def _add_store(database: Database, store: str) -> None:
    await database.write(filled_stores.add_store, store)
    await database.write(index_writer.ensure_model, store, _MODEL)


async def _search(
    database: Database,
    size: Size,
    text: Text,
    embedders: Embedders,
    ranker: Ranker,
    filters: Filter | None,
) -> list[float]:
    """Milliseconds of each search, one at a time."""
    figures, queries = [], text.queries()
    for number in range(_SEARCHES):
        store = f"vs_{number * 7 % size.stores}"
        query = next(queries)
        began = time.perf_counter()
        await search(
            database, embedders, [store], [query], limit=10, ranker=ranker, filters=filters
        )
        figures.append((time.perf_counter() - began) * 1e3)
    return figures
