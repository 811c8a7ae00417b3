"""Searches: several queries in several stores, and one list of passages."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from perdure.retrieval import embed, fusion, lexical, scope, semantic
from perdure.retrieval import filters as rules
from perdure.retrieval.embed import Embedders
from perdure.retrieval.lexical import Scored
from perdure.retrieval.scope import Key
from perdure.retrieval.vectors import Vectors
from perdure.store.database import Database, Transaction
from perdure.wire.base import decode
from perdure.wire.search import Filter
from perdure.wire.vector_store_files import Attributes

# `none` does without the fusion of two rankings.
Ranker: TypeAlias = Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"]

# How many of each ranking are fused, at least.
_FUSED = 100


class Passage(NamedTuple):
    """A chunk that was found; `score` is from 0 to 1 (docs/file-search.md says what it means)."""

    vector_store_id: str
    file_id: str
    filename: str
    attributes: Attributes
    score: float
    text: str
    tokens: int


class Asked(NamedTuple):
    """A search, once its queries have vectors; those are by the model's name."""

    queries: Sequence[str]
    vectors: Mapping[str, Vectors]
    limit: int
    score_threshold: float
    ranker: Ranker
    filters: Filter | None


async def search(
    database: Database,
    embedders: Embedders,
    stores: Sequence[str],
    queries: Sequence[str],
    *,
    limit: int,
    score_threshold: float = 0.0,
    ranker: Ranker = "auto",
    filters: Filter | None = None,
) -> list[Passage]:
    """The best passages for any of the queries in any of the stores, best first.

    A chunk's score is its best among the queries. Stores that do not exist hold nothing; whether
    the caller may see them is the caller's to know. Raises `BadRequest` for a filter that is too
    large.
    """
    if filters is not None:
        rules.check(filters)
    vectors = await _embedded(database, embedders, stores, queries) if embedders else {}
    asked = Asked(queries, vectors, limit, score_threshold, ranker, filters)
    return await database.read(_search, stores, asked)


async def _embedded(
    database: Database, embedders: Embedders, stores: Sequence[str], queries: Sequence[str]
) -> dict[str, Vectors]:
    """The queries' vectors, by the name of each model that the stores have and that answers."""
    vectors = {}
    for name in await database.read(_models, stores):
        if name in embedders:
            embedded = await embed.for_queries(embedders[name], queries)
            if embedded is not None:
                vectors[name] = embedded
    return vectors


def _models(tx: Transaction, stores: Sequence[str]) -> set[str]:
    """The models of the stores' vectors."""
    rows = (tx.one("searches.store", vector_store_id=store) for store in stores)
    return {row["embedding"] for row in rows if row is not None and row["embedding"] is not None}


def _search(tx: Transaction, stores: Sequence[str], asked: Asked) -> list[Passage]:
    found = [scored for store in dict.fromkeys(stores) for scored in _in_store(tx, store, asked)]
    # The sort is stable: of equals, the first store's come first.
    best = sorted(found, key=lambda scored: -scored.score)[: asked.limit]
    return _passages(tx, [scored for scored in best if scored.score >= asked.score_threshold])


def _in_store(tx: Transaction, vector_store_id: str, asked: Asked) -> list[Scored]:
    """The best of one store for any of the queries."""
    store = tx.one("searches.store", vector_store_id=vector_store_id)
    if store is None:
        return []
    searched = scope.read(tx, vector_store_id, store["seq"], asked.filters)
    if searched is None:
        return []
    vectors = asked.vectors.get(store["embedding"])
    best: dict[Key, float] = {}
    for place, query in enumerate(asked.queries):
        depth = max(_FUSED, asked.limit)
        rankings: list[list[Scored]] = []
        if vectors is not None:
            rankings.append(
                semantic.rank(tx, vector_store_id, searched, vectors[place], limit=depth)
            )
        if not rankings or asked.ranker != "none":
            rankings.append(lexical.rank(tx, store["seq"], searched, query, limit=depth))
        for scored in _fused(rankings):
            best[scored.key] = max(scored.score, best.get(scored.key, 0.0))
    ranked = sorted(best.items(), key=lambda item: -item[1])[: asked.limit]
    return [Scored(key, score) for key, score in ranked]


def _fused(rankings: Sequence[Sequence[Scored]]) -> Sequence[Scored]:
    if len(rankings) == 1:
        return rankings[0]
    fused = fusion.fuse([[scored.key for scored in ranking] for ranking in rankings])
    return [Scored(key, score) for key, score in fused]


def _passages(tx: Transaction, found: Sequence[Scored]) -> list[Passage]:
    keys = msgspec.json.encode([scored.key for scored in found]).decode()
    rows = {
        Key(row["ingestion"], row["position"]): row
        for row in tx.all("searches.passages", found=keys)
    }
    return [
        Passage(
            row["vector_store_id"],
            row["file_id"],
            row["filename"],
            decode(row["attributes"], Attributes),
            score,
            row["text"],
            row["tokens"],
        )
        for key, score in found
        for row in [rows[key]]
    ]
