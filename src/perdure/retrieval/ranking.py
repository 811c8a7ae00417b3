"""Ranking of the chunks of several vector stores by their relevance to several queries.

Chunks are ranked by words and, where there are vectors, by meaning; the two rankings are fused by
reciprocal rank, which says what is better and not how good it is. So a passage's score is not taken
from there: it is the better of its two scores, or of those of a passage behind it.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

from perdure.retrieval import fusion, lexical, searchable_chunks, semantic
from perdure.retrieval.lexical import Scored
from perdure.retrieval.search import EmbeddedSearch, Passage
from perdure.retrieval.searchable_chunks import ChunkKey, SearchableChunks
from perdure.retrieval.vectors import Vectors
from perdure.storage.database import Transaction
from perdure.wire.base import decode
from perdure.wire.vector_store_files import Attributes

# The number of chunks of each ranking that are fused, at least.
_FUSED = 100


def rank_passages(tx: Transaction, stores: Sequence[str], asked: EmbeddedSearch) -> list[Passage]:
    """Returns the best passages for any of the queries in any of the vector stores, best first."""
    searched = [
        each for store in dict.fromkeys(stores) if (each := _searched(tx, store, asked)) is not None
    ]
    best: dict[ChunkKey, Ranked] = {}
    for number in range(len(asked.queries)):
        for key, found in _ranked(tx, searched, asked, number).items():
            best[key] = found.or_better(best.get(key, found))
    # The sort is stable: of equals, the first vector store's come first.
    ordered = sorted(best.items(), key=lambda item: item[1], reverse=True)[: asked.limit]
    scores = _descending([found.score for _, found in ordered])
    return _passages(
        tx,
        [
            Scored(key, score)
            for (key, _), score in zip(ordered, scores, strict=True)
            if score >= asked.score_threshold
        ],
    )


class SearchedStore(NamedTuple):
    """A vector store to search; `vectors` are those of the queries, by the vector store's own
    model.
    """

    seq: int
    scope: SearchableChunks
    vectors: Vectors | None


class Ranked(NamedTuple):
    """The rank of a chunk, and its relevance by itself: both from 0 to 1."""

    share: float
    score: float

    def or_better(self, other: "Ranked") -> "Ranked":
        """Returns the better of the two, each for itself."""
        return Ranked(max(self.share, other.share), max(self.score, other.score))


def _searched(tx: Transaction, vector_store_id: str, asked: EmbeddedSearch) -> SearchedStore | None:
    """Returns a vector store to search; None if nothing can be found there."""
    store = tx.one("searches.store", vector_store_id=vector_store_id)
    if store is None:
        return None
    searched = searchable_chunks.read(tx, vector_store_id, store["seq"], asked.filters)
    if searched is None:
        return None
    return SearchedStore(store["seq"], searched, asked.vectors.get(store["embedding"]))


def _ranked(
    tx: Transaction, searched: Sequence[SearchedStore], asked: EmbeddedSearch, number: int
) -> dict[ChunkKey, Ranked]:
    """Ranks the chunks for one of the queries. All vector stores are ranked together, or the best
    of each would count as much as the best of all.
    """
    depth = max(_FUSED, asked.limit)
    by_meaning, by_words = [], []
    for each in searched:
        if each.vectors is not None:
            by_meaning += semantic.rank(tx, each.scope, each.vectors[number], limit=depth)
        if each.vectors is None or asked.ranker != "none":
            by_words += lexical.rank(
                tx, each.seq, each.scope, asked.queries[number], limit=depth, least=asked.limit
            )
    if asked.ranker == "none" or not by_meaning:
        return {key: Ranked(score, score) for key, score in [*by_meaning, *by_words]}
    rankings = [_best(ranking, depth) for ranking in (by_meaning, by_words)]
    scores: dict[ChunkKey, float] = {}
    for key, score in [*by_meaning, *by_words]:
        scores[key] = max(score, scores.get(key, 0.0))
    fused = fusion.fuse([[scored.key for scored in ranking] for ranking in rankings])
    return {key: Ranked(share, scores[key]) for key, share in fused}


def _best(found: Sequence[Scored], limit: int) -> Sequence[Scored]:
    return sorted(found, key=lambda scored: -scored.score)[:limit]


def _descending(scores: Sequence[float]) -> Sequence[float]:
    """Returns each score, or a better one that comes behind it: so a threshold cuts off the end."""
    return [*accumulate(reversed(scores), max)][::-1]


def _passages(tx: Transaction, found: Sequence[Scored]) -> list[Passage]:
    keys = msgspec.json.encode([scored.key for scored in found]).decode()
    rows = {
        ChunkKey(row["ingestion"], row["position"]): row
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
