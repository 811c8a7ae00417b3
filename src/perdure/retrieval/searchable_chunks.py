"""The chunks of a vector store that a search may find: the pieces of its live ingestions, in one
numbering.

All chunks of a vector store's index are numbered from 0, segment by segment, so that rankings are
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
    """A chunk: the ingestion that wrote it, and its position in the file."""

    ingestion: int
    position: int


class SearchableChunks(NamedTuple):
    """The search scope of one vector store.

    `segments` has the number of each segment's first chunk, `rules` the number of the rules that
    its words were made by; `languages` are those of all chunks' stems. The other arrays have an
    entry for each piece, in the order of `starts`, the numbers of their first chunks. `live` is
    true for each number in one of the pieces, `allowed` for each in one of a file that the filter
    accepts; None: all are.
    """

    size: int
    segments: dict[int, int]
    rules: dict[int, int]
    languages: frozenset[str]
    starts: Integers
    counts: Integers
    ingestions: Integers
    firsts: Integers
    statistics: Statistics
    live: Mask | None
    allowed: Mask | None

    def keys(self, numbers: Integers) -> list[ChunkKey]:
        """Returns the chunks with these numbers."""
        places = np.searchsorted(self.starts, numbers, side="right") - 1
        positions = self.firsts[places] + numbers - self.starts[places]
        return [
            ChunkKey(*key)
            for key in zip(self.ingestions[places].tolist(), positions.tolist(), strict=True)
        ]


def read(
    tx: Transaction, vector_store_id: str, vector_store: int, filters: Filter | None
) -> SearchableChunks | None:
    """Reads the search scope of a vector store; None if there is nothing to be found."""
    row = tx.one("searches.pieces", vector_store_id=vector_store_id)
    ingestions = _numbers(row["ingestions"] if row is not None else None)
    if row is None or not len(ingestions):
        return None
    size, segments, written, spoken = 0, {}, {}, set[str]()
    for segment in tx.all("searches.segments", vector_store=vector_store):
        segments[segment["id"]] = size
        written[segment["id"]] = segment["rules"]
        spoken.update(segment["languages"].split(","))
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
        size,
        segments,
        written,
        frozenset(filter(None, spoken)),
        starts,
        counts,
        ingestions,
        firsts,
        statistics,
        live,
        allowed,
    )


def ranges(starts: Integers, counts: Integers) -> Integers:
    """Returns the numbers from each start on, as many as its count."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    numbers: Integers = np.repeat(starts, counts) + within
    return numbers


def _mask(size: int, starts: Integers, counts: Integers) -> Mask:
    # 1 where a piece begins and -1 where it ends: the sum so far is 1 within a piece.
    edges = np.zeros(size + 1, dtype=np.int8)
    edges[starts] += 1
    edges[starts + counts] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8).view(np.bool_)


def _accepted(tx: Transaction, vector_store_id: str, filters: Filter) -> Integers:
    """Returns the ingestions of the files that the filter accepts."""
    row = tx.one("searches.attributes", vector_store_id=vector_store_id)
    ingestions = _numbers(row["ingestions"] if row is not None else None)
    if row is None or not len(ingestions):
        return ingestions
    attributes = decode(row["attributes"], list[dict[str, Value]])
    accepts = rules.predicate(filters)
    accepted: Integers = ingestions[np.array([accepts(each) for each in attributes])]
    return accepted


def _numbers(array: str | None) -> Integers:
    """Returns the numbers of a JSON array. PostgreSQL has null for an empty one."""
    return np.array(msgspec.json.decode(array or "[]", type=list[int]), dtype=np.int64)
