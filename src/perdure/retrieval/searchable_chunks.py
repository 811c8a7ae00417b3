"""What of a store a search may find: the pieces of its live attempts, in one numbering.

All chunks of a store's index are numbered from 0, segment by segment, so that rankings are
arrays. Numbers of chunks that were removed stay empty.
"""

from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from perdure.retrieval import filters as rules
from perdure.retrieval.postings import Integers, Statistics
from perdure.storage.database import Transaction
from perdure.wire.base import decode
from perdure.wire.search import Filter, Value

Mask: TypeAlias = NDArray[np.bool_]


class ChunkKey(NamedTuple):
    """A chunk: the attempt that wrote it, and its position in the file."""

    ingestion: int
    position: int


class SearchableChunks(NamedTuple):
    """`segments` has the number of each segment's first chunk; the other arrays have an entry
    for each piece, in the order of `starts`, the numbers of their first chunks. `live` says of
    each number whether it is in one of the pieces, `allowed` whether in one of a file that the
    filter accepts; None: all are.
    """

    size: int
    segments: dict[int, int]
    starts: Integers
    counts: Integers
    ingestions: Integers
    firsts: Integers
    statistics: Statistics
    live: Mask | None
    allowed: Mask | None

    def keys(self, numbers: Integers) -> list[ChunkKey]:
        """The chunks with these numbers."""
        places = np.searchsorted(self.starts, numbers, side="right") - 1
        positions = self.firsts[places] + numbers - self.starts[places]
        return [
            ChunkKey(*key)
            for key in zip(self.ingestions[places].tolist(), positions.tolist(), strict=True)
        ]


def read(
    tx: Transaction, vector_store_id: str, vector_store: int, filters: Filter | None
) -> SearchableChunks | None:
    """The scope of a search; None if there is nothing to be found."""
    row = tx.one("searches.pieces", vector_store_id=vector_store_id)
    ingestions = _numbers(row["ingestions"] if row is not None else None)
    if row is None or not len(ingestions):
        return None
    size, segments = 0, {}
    for segment in tx.all("searches.segments", vector_store=vector_store):
        segments[segment["id"]] = size
        size += segment["chunks"]
    offsets = np.array([segments[segment] for segment in _numbers(row["segments"]).tolist()])
    starts, counts = offsets + _numbers(row["bases"]), _numbers(row["chunks"])
    statistics = Statistics(int(counts.sum()), row["words"])
    live = None if statistics.chunks == size else _mask(size, starts, counts)
    allowed = live
    if filters is not None:
        accepted = _accepted(tx, vector_store_id, filters)
        chosen = np.isin(ingestions, accepted)
        if not chosen.any():
            return None
        allowed = _mask(size, starts[chosen], counts[chosen])
    firsts = _numbers(row["firsts"])
    return SearchableChunks(
        size, segments, starts, counts, ingestions, firsts, statistics, live, allowed
    )


def runs(starts: Integers, counts: Integers) -> Integers:
    """The numbers from each start on, as many as are counted."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    numbers: Integers = np.repeat(starts, counts) + within
    return numbers


def _mask(size: int, starts: Integers, counts: Integers) -> Mask:
    # Where pieces begin and end; the sum so far says whether one is going on.
    edges = np.zeros(size + 1, dtype=np.int8)
    edges[starts] += 1
    edges[starts + counts] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8).view(np.bool_)


def _accepted(tx: Transaction, vector_store_id: str, filters: Filter) -> Integers:
    """The attempts whose files the filter accepts."""
    row = tx.one("searches.attributes", vector_store_id=vector_store_id)
    ingestions = _numbers(row["ingestions"] if row is not None else None)
    if row is None or not len(ingestions):
        return ingestions
    attributes = decode(row["attributes"], list[dict[str, Value]])
    accepts = rules.test(filters)
    accepted: Integers = ingestions[np.array([accepts(each) for each in attributes])]
    return accepted


def _numbers(array: str | None) -> Integers:
    """The numbers of a JSON array. PostgreSQL has null for an empty one."""
    return np.array(msgspec.json.decode(array or "[]", type=list[int]), dtype=np.int64)
