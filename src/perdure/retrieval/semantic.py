"""Ranking by vectors: the cosine of query and chunk, as far as it is above 0."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from perdure.retrieval import vectors
from perdure.retrieval.lexical import Scored
from perdure.retrieval.postings import Integers
from perdure.retrieval.searchable_chunks import ChunkKey, SearchableChunks, ranges
from perdure.retrieval.vectors import Vectors
from perdure.storage.database import Transaction

# The numbers of nearest by signs that are compared exactly: for each passage asked for, and at
# least.
_COMPARED = 4
_LEAST_COMPARED = 400
_MOST_BYTES = 1 << 24


def rank(tx: Transaction, scope: SearchableChunks, query: Vectors, *, limit: int) -> list[Scored]:
    """Returns the chunks nearest to the query, best first. Chunks without a vector, or with one of
    another length than the query's, are not among them.
    """
    compared = max(_LEAST_COMPARED, limit * _COMPARED)
    keys = scope.keys(_nearest_by_signs(tx, scope, query, compared))
    rows = tx.all("searches.vectors", found=msgspec.json.encode(keys).decode())
    rows = [row for row in rows if len(row["vector"]) == 2 * len(query)]
    if not rows:
        return []
    cosines = vectors.cosines(query, [row["vector"] for row in rows]).tolist()
    scored = [
        Scored(ChunkKey(row["ingestion"], row["position"]), min(1.0, cosine))
        for row, cosine in zip(rows, cosines, strict=True)
        if cosine > 0
    ]
    return sorted(scored, key=lambda each: (-each.score, each.key))[:limit]


def _nearest_by_signs(
    tx: Transaction, scope: SearchableChunks, query: Vectors, limit: int
) -> Integers:
    """Returns the numbers of the chunks whose vectors' signs are most like the query's.

    A large vector store's signs are many megabytes, so they are read in several groups of segments.
    """
    nearest, nearness = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for segments in _groups(scope, vectors.width(len(query))):
        numbers, signs = _signs(tx, scope, query, segments)
        nearest = np.concatenate((nearest, numbers))
        nearness = np.concatenate((nearness, vectors.distances(query, signs)))
        if len(nearest) > limit:
            kept = np.argpartition(nearness, limit)[:limit]
            nearest, nearness = nearest[kept], nearness[kept]
    return nearest


def _groups(scope: SearchableChunks, width: int) -> Iterator[list[int]]:
    """Yields the segments in groups, as many together as may be in memory at once, and at least
    one.
    """
    bounds = [*scope.segments.values(), scope.size]
    group: list[int] = []
    begin = 0
    for segment, (start, end) in zip(scope.segments, pairwise(bounds), strict=True):
        if group and (end - begin) * width > _MOST_BYTES:
            yield group
            group, begin = [], start
        group.append(segment)
    yield group


def _signs(
    tx: Transaction, scope: SearchableChunks, query: Vectors, segments: Sequence[int]
) -> tuple[Integers, bytes]:
    """Returns the numbers of the chunks that may be found in some segments, and their signs."""
    rows = tx.all("searches.signs", segments=msgspec.json.encode(segments).decode())
    starts = np.array([scope.segments[row["segment"]] + row["base"] for row in rows], np.int64)
    places = np.minimum(np.searchsorted(scope.starts, starts), len(scope.starts) - 1)
    sizes = np.array([len(row["signs"]) for row in rows], dtype=np.int64)
    # Not those of ingestions that were dropped.
    good = scope.starts[places] == starts
    good &= sizes == scope.counts[places] * vectors.width(len(query))
    if scope.allowed is not None:
        good &= scope.allowed[starts]
    signs = b"".join(row["signs"] for row, each in zip(rows, good.tolist(), strict=True) if each)
    return ranges(starts[good], scope.counts[places[good]]), signs
