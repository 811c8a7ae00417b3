"""Ranking by vectors: the cosine of query and chunk, as far as it is above 0."""

import msgspec
import numpy as np

from perdure.retrieval import vectors
from perdure.retrieval.lexical import Scored
from perdure.retrieval.postings import Integers
from perdure.retrieval.scope import Key, Scope, runs
from perdure.retrieval.vectors import Vectors
from perdure.store.database import Transaction

# How many of the nearest by signs are compared exactly, for each passage asked for, and at least.
_COMPARED = 4
_LEAST_COMPARED = 400


def rank(
    tx: Transaction, vector_store_id: str, scope: Scope, query: Vectors, *, limit: int
) -> list[Scored]:
    """The chunks nearest to the query, best first. Chunks without a vector, or with one of
    another length than the query's, are not among them.
    """
    numbers = _nearest_by_signs(
        tx, vector_store_id, scope, query, max(_LEAST_COMPARED, limit * _COMPARED)
    )
    keys = scope.keys(numbers)
    rows = tx.all("searches.vectors", found=msgspec.json.encode(keys).decode())
    rows = [row for row in rows if len(row["vector"]) == 2 * len(query)]
    if not rows:
        return []
    cosines = vectors.cosines(query, [row["vector"] for row in rows]).tolist()
    scored = [
        Scored(Key(row["ingestion"], row["position"]), min(1.0, cosine))
        for row, cosine in zip(rows, cosines, strict=True)
        if cosine > 0
    ]
    return sorted(scored, key=lambda each: (-each.score, each.key))[:limit]


def _nearest_by_signs(
    tx: Transaction, vector_store_id: str, scope: Scope, query: Vectors, limit: int
) -> Integers:
    """The numbers of the chunks whose vectors' signs are most like the query's."""
    rows = tx.all("searches.signs", vector_store_id=vector_store_id)
    places = np.searchsorted(
        scope.starts,
        np.array([scope.segments[row["segment"]] + row["base"] for row in rows], dtype=np.int64),
    )
    sizes = np.array([len(row["signs"]) for row in rows], dtype=np.int64)
    good = sizes == scope.counts[places] * vectors.width(len(query))
    if scope.allowed is not None:
        good &= scope.allowed[scope.starts[places]]
    signs = b"".join(row["signs"] for row, each in zip(rows, good.tolist(), strict=True) if each)
    numbers = runs(scope.starts[places[good]], scope.counts[places[good]])
    if len(numbers) <= limit:
        return numbers
    distances = vectors.distances(query, signs)
    return numbers[np.argpartition(distances, limit)[:limit]]
