"""Ranking by words: BM25 with the statistics of the one store (Robertson and Zaragoza, 2009).

A score is the share of the query that the chunk answers: each word of the query counts as much
as it is rare in the store, a word that no chunk has as much as the rarest; a chunk gets of each
between nothing and all, more the more often it has the word and the shorter the chunk is.
"""

from collections import Counter
from typing import NamedTuple

import msgspec
import numpy as np

from perdure.retrieval import postings, words
from perdure.retrieval.postings import Floats, Integers, Packed
from perdure.retrieval.scope import Key, Scope
from perdure.store.database import Row, Transaction

# Of a query; what comes behind is not looked at. No question is as long.
_MOST_CHARACTERS = 8_000
_MOST_WORDS = 64


class Scored(NamedTuple):
    """A chunk and its score, from 0 to 1."""

    key: Key
    score: float


def rank(tx: Transaction, store: int, scope: Scope, query: str, *, limit: int) -> list[Scored]:
    """The chunks that have most of the query's words, best first. Any text will do."""
    asked = dict(Counter(words.split(query[:_MOST_CHARACTERS])).most_common(_MOST_WORDS))
    if not asked:
        return []
    statistics = scope.statistics
    shares = postings.shares(statistics)
    scores = np.zeros(statistics.chunks, dtype=np.float32)
    attainable = sum(asked.values()) * postings.rarity(0, statistics)
    names = msgspec.json.encode(list(asked)).decode()
    for row in tx.all("searches.postings", vector_store=store, words=names):
        numbers, packed, count = _found(scope, row)
        times = asked[row["word"]]
        rarity = postings.rarity(count, statistics)
        attainable += times * (rarity - postings.rarity(0, statistics))
        # Each chunk is there once, so that nothing is lost by adding to all at once.
        scores[numbers] += np.float32(times * rarity) * shares[packed & 0xFFFF]
    return _best(scope, scores / np.float32(attainable), limit)


def _found(scope: Scope, row: Row) -> tuple[Integers, Packed, int]:
    """The numbers of the chunks that have a word and may be found, with their postings; and how
    many have it, whether the filter lets them be found or not.
    """
    packed = postings.unpack(row["packed"])
    pieces = np.array(msgspec.json.decode(row["pieces"], type=list[int]), dtype=np.int64)
    sizes = np.array(msgspec.json.decode(row["sizes"], type=list[int]), dtype=np.int64) // 4
    places, found = scope.known(pieces)
    count = int(sizes[found].sum())
    if scope.allowed is not None:
        found &= scope.allowed[places]
    if not found.all():
        packed = packed[np.repeat(found, sizes)]
        places, sizes = places[found], sizes[found]
    starts = np.repeat(scope.offsets[places], sizes)
    return starts + postings.places(packed), packed, count


def _best(scope: Scope, scores: Floats, limit: int) -> list[Scored]:
    """The best of the chunks that have a score; of equals, that which was written first."""
    numbers = np.flatnonzero(scores)
    if len(numbers) > limit:
        # All that are as good as the last that is let in, so that equals have an order.
        found = scores[numbers]
        least = np.partition(found, len(found) - limit)[len(found) - limit]
        numbers = numbers[found >= least]
    numbers = numbers[np.argsort(-scores[numbers], kind="stable")][:limit]
    keys = scope.keys(numbers)
    return [
        Scored(key, min(1.0, score))
        for key, score in zip(keys, scores[numbers].tolist(), strict=True)
    ]
