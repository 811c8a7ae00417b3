"""Ranking by words: BM25 with the statistics of the one vector store (Robertson and Zaragoza,
2009).

A score is the share of the query that the chunk answers. Each word of the query counts as much as
it is rare in the vector store, a word that no chunk has as much as the rarest. A chunk gets of each
between nothing and all, more the more often it has the word and the shorter the chunk is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec
import numpy as np

from perdure.retrieval import postings, words
from perdure.retrieval.postings import Floats, Integers, Packed
from perdure.retrieval.searchable_chunks import ChunkKey, SearchableChunks
from perdure.storage.database import Transaction

# Of a query; what comes behind is not looked at. No question is as long.
_MOST_CHARACTERS = 8_000
_MOST_WORDS = 64

# Of all words of a query together, in a large vector store.
MOST_POSTINGS = 200_000

# The best are looked for among so many chunks at a time.
_BLOCK = 64
_NOWHERE = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32))


class Scored(NamedTuple):
    """A chunk and its score, from 0 to 1."""

    key: ChunkKey
    score: float


def rank(
    tx: Transaction,
    store: int,
    scope: SearchableChunks,
    query: str,
    *,
    limit: int,
    least: int,
    most_postings: int = MOST_POSTINGS,
) -> list[Scored]:
    """Returns the chunks that have most of the query's words, best first. Any text is a query.

    In a large vector store the most common words are left out when the others find `least` chunks.
    """
    asked = dict(Counter(words.split(query[:_MOST_CHARACTERS])).most_common(_MOST_WORDS))
    if not asked:
        return []
    # In a smaller vector store there is nothing to be won.
    is_large = scope.size > most_postings // 4
    shares = postings.shares(scope.statistics)
    scores = np.zeros(-(-scope.size // _BLOCK) * _BLOCK, dtype=np.float32)
    attainable = 0.0
    for group in _groups(tx, store, asked, most_postings) if is_large else [list(asked)]:
        found = _found(tx, store, scope, group)
        for word in group:
            numbers, packed = found.get(word, _NOWHERE)
            count = len(numbers) if scope.live is None else np.count_nonzero(scope.live[numbers])
            weight = asked[word] * postings.rarity(int(count), scope.statistics)
            attainable += weight
            # Each chunk is there once, so that nothing is lost by adding to all at once.
            scores[numbers] += np.float32(weight) * shares[packed & np.uint32(0xFFFF)]
        if scope.allowed is not None:
            scores[: scope.size] *= scope.allowed
        if np.count_nonzero(scores) >= least:
            break
    return _best(scope, scores, limit, attainable=attainable)


def _groups(
    tx: Transaction, store: int, asked: Iterable[str], most: int
) -> Iterator[Sequence[str]]:
    """Yields the words in the order in which they are read: the rarest together, as many as can be
    read in a few milliseconds and at least one that some chunk has; then the others, one by one.

    Words that a large part of a large vector store has are worth next to nothing beside rare ones.
    """
    sizes: Counter[str] = Counter()
    for row in tx.all("searches.sizes", vector_store=store, words=_json(asked)):
        sizes[row["word"]] += row["chunks"]
    ordered = sorted(asked, key=lambda word: (sizes[word], word))
    read = accumulate(sizes[word] for word in ordered)
    fitting = sum(each <= most for each in read)
    nowhere = sum(not sizes[word] for word in ordered)
    first = max(fitting, nowhere + 1)
    yield ordered[:first]
    for word in ordered[first:]:
        yield [word]


def _found(
    tx: Transaction, store: int, scope: SearchableChunks, asked: Iterable[str]
) -> dict[str, tuple[Integers, Packed]]:
    """Returns the numbers of the chunks that have a word, with their postings, by word."""
    found: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for row in tx.all("searches.postings", vector_store=store, words=_json(asked)):
        found[row["word"]].append((scope.segments[row["segment"]], row["packed"]))
    return {word: _joined(rows) for word, rows in found.items()}


def _json(asked: Iterable[str]) -> str:
    return msgspec.json.encode(list(asked)).decode()


def _joined(rows: Sequence[tuple[int, bytes]]) -> tuple[Integers, Packed]:
    packed = postings.unpack(b"".join(each for _, each in rows))
    starts = np.array([start for start, _ in rows], dtype=np.int64)
    sizes = np.array([len(each) // packed.itemsize for _, each in rows])
    return np.repeat(starts, sizes) + postings.chunk_numbers(packed), packed


def _best(
    scope: SearchableChunks, scores: Floats, limit: int, *, attainable: float
) -> list[Scored]:
    """Returns the best of the chunks that have a score, as a share of what is attainable. Of
    equals, the one that was written first comes first.
    """
    numbers = _contenders(scores, limit)
    if len(numbers) > limit:
        # Equals of the last one are kept too, so that equals have an order.
        found = scores[numbers]
        numbers = numbers[found >= _last_of_best(found, limit)]
    numbers = numbers[np.argsort(-scores[numbers], kind="stable")][:limit]
    keys = scope.keys(numbers)
    return [
        Scored(key, min(1.0, score / attainable))
        for key, score in zip(keys, scores[numbers].tolist(), strict=True)
    ]


def _contenders(scores: Floats, limit: int) -> Integers:
    """Returns the chunks that can be among the best: few, even in a large vector store."""
    blocks = scores.reshape(-1, _BLOCK)
    best = blocks.max(axis=1)
    # At least so many chunks are as good as the best of that block.
    least = _last_of_best(best, limit) if len(best) > limit else 0.0
    places = np.flatnonzero((best >= least) & (best > 0))
    chosen = blocks[places]
    rows, columns = np.nonzero((chosen >= least) & (chosen > 0))
    numbers: Integers = places[rows] * _BLOCK + columns
    return numbers


def _last_of_best(values: Floats, limit: int) -> float:
    return float(np.partition(values, len(values) - limit)[len(values) - limit])
