"""How fast the index is written and searched, in many small stores and in large ones."""

import json
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from tests.retrieval import shelf
from tests.retrieval.shelf import Chunk

from bench.report import Row
from perdure.bus.memory import MemoryBus
from perdure.retrieval import index, postings, segments, upkeep
from perdure.retrieval.index import Piece
from perdure.retrieval.postings import Packed, Words
from perdure.retrieval.search import search
from perdure.store import connect
from perdure.store.database import Database, Transaction
from perdure.wire.search import Equal, Filter

_SEARCHES = 100
# A file: a hundred chunks of 550 words (about 800 tokens), each half of the one before.
_CHUNKS = 100
_WORDS = 550
# So many different files; the others are copies of them.
_FILES = 40
_VOCABULARY = 60_000
_OWN_WORDS = 1_500
_OWN_SHARE = 0.35
_MERGE_EVERY = 8
# Files of one segment of the largest store.
_TOGETHER = 64


class Size(NamedTuple):
    """How many stores, of how many files each."""

    stores: int
    files: int

    def __str__(self) -> str:
        return f"{self.stores:,} x {self.files * _CHUNKS:,} chunks"


class Text:
    """Made-up text: words as frequent as in natural text (Zipf's law), and in each file a third
    of them from some words of its own.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        letters = np.array([*"abcdefghijklmnopqrstuvwxyz"])
        lengths = self._random.integers(3, 10, _VOCABULARY)
        self.vocabulary = ["".join(self._random.choice(letters, n)) for n in lengths]
        frequencies = 1 / np.arange(1, _VOCABULARY + 1)
        self._cumulated = np.cumsum(frequencies / frequencies.sum())

    def piece(self) -> Piece:
        """The chunks of a file."""
        step = _WORDS // 2
        count = step * (_CHUNKS + 1)
        common = np.searchsorted(self._cumulated, self._random.random(count))
        own = self._random.integers(0, _VOCABULARY, _OWN_WORDS)
        rare = own[(_OWN_WORDS * self._random.random(count) ** 3).astype(int)]
        taken = np.where(self._random.random(count) < _OWN_SHARE, rare, common)
        text = [self.vocabulary[min(place, _VOCABULARY - 1)] for place in taken.tolist()]
        return index.prepare(
            [
                Chunk(" ".join(text[place * step : place * step + _WORDS]), 800, place)
                for place in range(_CHUNKS)
            ]
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
    began = time.perf_counter()
    pieces = [text.piece() for _ in range(_FILES)]
    prepared = (time.perf_counter() - began) / _FILES / _CHUNKS * 1e3
    rows = [
        Row(
            "making text and counting its words, outside of the writer",
            f"{prepared:.2f} ms a chunk",
        )
    ]
    for size in sizes:
        for name, url in databases.items():
            print(f"bench: {size} on {name}", file=sys.stderr)
            async with _database(url) as database:
                rows += await _measure(database, f"{name}, {size}", size, text, pieces)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, Row("most memory of the bench's process", f"{peak:,.0f} MB")]


@asynccontextmanager
async def _database(url: str | None) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
        database = connect(url, Path(folder), bus=MemoryBus())
        await database.open()
        yield database
        await database.close()


async def _measure(
    database: Database, label: str, size: Size, text: Text, pieces: list[Piece]
) -> list[Row]:
    large = size.files * _CHUNKS > 100_000
    written = await (_write_merged if large else _write)(database, size, pieces)
    expected = 50.0 if large else 10.0
    how = "put in merged" if large else "written and merged"
    rows = [Row(f"{label}: {how}", f"{written:,.0f} chunks a second")]
    half = Equal(key="half", value=True)
    for what, filters in (("search", None), ("search of every other file", half)):
        figures = await _search(database, size, text, filters)
        p50, p99 = median(figures), sorted(figures)[-max(1, len(figures) // 100)]
        rows.append(
            Row(
                f"{label}: {what}",
                f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
                f"p50 ≤ {expected:.0f} ms",
                p50 <= expected,
            )
        )
    return rows


async def _write_merged(database: Database, size: Size, pieces: list[Piece]) -> float:
    """The same, with segments put together at once as merging would leave them, of
    `_TOGETHER` files each. Chunks keep a line of their text only: what a search reads of it is
    ten rows.
    """
    began = time.perf_counter()
    chosen = [pieces[place % len(pieces)] for place in range(_TOGETHER)]
    words = _joined([piece.words for piece in chosen])
    await database.write(shelf.add_store, "vs_0")
    for first in range(0, size.files, _TOGETHER):
        group = chosen[: size.files - first]
        both = words if len(group) == _TOGETHER else _joined([piece.words for piece in group])
        await database.write(_put, first, group, both)
    return size.files * _CHUNKS / (time.perf_counter() - began)


def _joined(parts: list[Words]) -> Words:
    """The words of several segments of a hundred chunks as those of one."""
    found: defaultdict[str, list[Packed]] = defaultdict(list)
    for place, part in enumerate(parts):
        entries = json.loads(part.directory)
        rows = [part.packed[start - 1 : start - 1 + size] for _, start, size in entries]
        numbers = np.arange(_CHUNKS) + place * _CHUNKS
        for (word, _, _), packed in zip(entries, postings.renumber(rows, numbers), strict=True):
            found[word].append(packed)
    return postings.join({word: np.concatenate(each) for word, each in found.items()})


def _put(tx: Transaction, first: int, group: list[Piece], words: Words) -> None:
    """Files with their chunks, in a segment of their own."""
    store = tx.one("searches.store", vector_store_id="vs_0")
    assert store is not None
    segment = segments.add(tx, store["seq"], words, chunks=len(group) * _CHUNKS)
    for place, piece in enumerate(group, first):
        ingestion = shelf.begin(tx, "vs_0", f"file-{place}")
        tx.run(
            "chunks.insert_piece",
            ingestion=ingestion,
            segment=segment,
            first=0,
            chunks=_CHUNKS,
            words=piece.words.total,
            signs=None,
        )
        tx.many(
            "chunks.insert",
            (
                {
                    "ingestion": ingestion,
                    "position": position,
                    "start": position,
                    "tokens": 800,
                    "text": chunk.text[:80],
                    "vector": None,
                }
                for position, chunk in enumerate(piece.chunks)
            ),
        )
        attributes = {"half": place % 2 == 0, "number": place}
        shelf.complete(tx, "vs_0", f"file-{place}", ingestion, attributes)
    placed = sorted(row["id"] for row in tx.all("segments.pieces", segment=segment))
    for place, id_ in enumerate(placed):
        tx.one("segments.move_piece", segment=segment, id=id_, base=place * _CHUNKS)


async def _write(database: Database, size: Size, pieces: list[Piece]) -> float:
    """Chunks a second, the background's merging and removing included."""
    began, files = time.perf_counter(), 0
    for number in range(size.stores):
        store = f"vs_{number}"
        await database.write(shelf.add_store, store)
        for place in range(size.files):
            file_id = f"file-{place}"
            ingestion = await database.write(shelf.begin, store, file_id)
            await database.write(
                index.write, ingestion, store, pieces[files % len(pieces)], embedding=None
            )
            attributes = {"half": place % 2 == 0, "number": place}
            await database.write(shelf.complete, store, file_id, ingestion, attributes)
            files += 1
            if files % _MERGE_EVERY == 0:
                await upkeep.step(database)
    await upkeep.step(database)
    return files * _CHUNKS / (time.perf_counter() - began)


async def _search(
    database: Database, size: Size, text: Text, filters: Filter | None
) -> list[float]:
    """Milliseconds of each search, one at a time."""
    figures, queries = [], text.queries()
    for number in range(_SEARCHES):
        store = f"vs_{number * 7 % size.stores}"
        query = next(queries)
        began = time.perf_counter()
        await search(database, {}, [store], [query], limit=10, filters=filters)
        figures.append((time.perf_counter() - began) * 1e3)
    return figures
