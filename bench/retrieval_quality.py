"""How well searches rank: nDCG@10 and recall@20, next to a plain BM25, on both databases."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import bm25s
import Stemmer
from tests.retrieval.filled_stores import FilledStore

from bench import collection, embedding_server, processes
from bench.collection import Item
from bench.report import Row
from perdure.bus.memory import MemoryBus
from perdure.model_servers import connect_embeddings
from perdure.providers.embeddings import EmbeddingModel
from perdure.retrieval import lexical, searchable_chunks
from perdure.storage import connect
from perdure.storage.database import Transaction

_DEPTH = 20
_AT_ONCE = 4
_PIECE = 100


class Quality(NamedTuple):
    """Means over all queries."""

    ndcg: float
    recall: float

    def __str__(self) -> str:
        return f"nDCG@10 {self.ndcg:.3f}, recall@20 {self.recall:.3f}"


async def measure(databases: dict[str, str | None]) -> list[Row]:
    """The rows of all rankings; `databases` are URLs by name, None for SQLite."""
    items = collection.load()
    documents = [item.document for item in items]
    plain = _reference(items, stemmer=None)
    rows = [
        Row("collection", f"{len(items)} queries and documents"),
        Row("plain BM25 (bm25s, English stop words)", str(plain)),
        Row("the same with Porter's stemmer", str(_reference(items, stemmer="english"))),
    ]
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(_model())
        for name, url in databases.items():
            filled = await stack.enter_async_context(_shelf(url, model, documents))
            rows += await _rankings(filled, items, name, plain, in_large=url is None)
    return rows


async def _rankings(
    filled: FilledStore, items: Sequence[Item], name: str, plain: Quality, *, in_large: bool
) -> list[Row]:
    """Each way to rank, on one database."""
    ours = await _quality(FilledStore(filled.database), items)
    met = ours.ndcg >= plain.ndcg and ours.recall >= plain.recall
    rows = [Row(f"{name}: words", str(ours), "≥ plain BM25", met)]
    for chunks in (100_000, 1_000_000) if in_large else ():
        share = lexical.MOST_POSTINGS / chunks
        as_large = await _quality_as_large(filled, items, round(share * len(items)))
        what = f"{name}: words, passing over as many as in a store of {chunks:,} chunks"
        rows.append(Row(what, str(as_large)))
    for model in filled.embedders:
        vectors = await _quality(filled, items, "none")
        rows.append(Row(f"{name}: vectors of {model}", str(vectors)))
        rows.append(Row(f"{name}: both, fused", str(await _quality(filled, items))))
    return rows


@asynccontextmanager
async def _model() -> AsyncIterator[EmbeddingModel | None]:
    """The model of `bench.embedding_server`, over HTTP; None where it is not installed."""
    if embedding_server.folder() is None:
        print("bench: without vectors: bench/embedding_server.py says what to install")
        yield None
        return
    with processes.embedding_server() as server:
        model = connect_embeddings(f"{server.url}/v1", model=embedding_server.MODEL)
        yield model
        await model.close()


@asynccontextmanager
async def _shelf(
    url: str | None, model: EmbeddingModel | None, documents: Sequence[str]
) -> AsyncIterator[FilledStore]:
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
        database = connect(url, Path(folder), bus=MemoryBus())
        await database.open()
        filled = FilledStore(database, {model.name: model} if model else {})
        await filled.store(model=model.name if model else None)
        for first in range(0, len(documents), _PIECE):
            await filled.file("vs_1", f"file-{first}", *documents[first : first + _PIECE])
        await filled.merge()
        yield filled
        await database.close()


async def _quality(filled: FilledStore, items: Sequence[Item], ranker: str = "auto") -> Quality:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def rank(item: Item) -> int | None:
        async with slots:
            found = await filled.found(item.query, limit=_DEPTH, ranker=ranker)
        return found.index(item.document) + 1 if item.document in found else None

    return _mean(await asyncio.gather(*map(rank, items)))


async def _quality_as_large(
    filled: FilledStore, items: Sequence[Item], most_postings: int
) -> Quality:
    """Words alone, with as few postings for each chunk as a search in a large store reads."""

    def rank(tx: Transaction) -> list[int | None]:
        row = tx.one("searches.store", vector_store_id="vs_1")
        assert row is not None
        searched = searchable_chunks.read(tx, "vs_1", row["seq"], None)
        assert searched is not None
        ranks: list[int | None] = []
        for place, item in enumerate(items):
            found = lexical.rank(
                tx,
                row["seq"],
                searched,
                item.query,
                limit=_DEPTH,
                least=_DEPTH,
                most_postings=most_postings,
            )
            # The attempts are numbered from 1, one for each file of so many documents.
            places = [(key.ingestion - 1) * _PIECE + key.position for key, _ in found]
            ranks.append(places.index(place) + 1 if place in places else None)
        return ranks

    return _mean(await filled.database.read(rank))


def _reference(items: Sequence[Item], *, stemmer: str | None) -> Quality:
    """What bm25s finds, as it comes."""
    stem = stemmer and Stemmer.Stemmer(stemmer)
    index = bm25s.BM25()
    documents = [item.document for item in items]
    queries = [item.query for item in items]
    index.index(
        bm25s.tokenize(documents, stopwords="en", stemmer=stem, show_progress=False),
        show_progress=False,
    )
    found, _ = index.retrieve(
        bm25s.tokenize(queries, stopwords="en", stemmer=stem, show_progress=False),
        k=_DEPTH,
        show_progress=False,
    )
    rankings: list[list[int]] = found.tolist()
    return _mean(
        [
            ranking.index(place) + 1 if place in ranking else None
            for place, ranking in enumerate(rankings)
        ]
    )


def _mean(ranks: Sequence[int | None]) -> Quality:
    """With one relevant document, the ideal gain is 1."""
    gains = [1 / math.log2(rank + 1) for rank in ranks if rank is not None and rank <= 10]
    return Quality(sum(gains) / len(ranks), sum(rank is not None for rank in ranks) / len(ranks))
