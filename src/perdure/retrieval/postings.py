"""Postings of the inverted index as packed numbers, and BM25 over them.

A posting is one chunk that has a word, in 32 bits: 16 for the chunk's number in its segment, 6 for
the number of times that it has the word (63 means that or more), 10 for the logarithm of the
chunk's length in words. So a score needs nothing but the postings of the words of the query.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from perdure.retrieval import words

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Packed: TypeAlias = NDArray[np.uint32]

# Chunks of one segment.
MOST_CHUNKS = 1 << 16

_PACKED = np.dtype("<u4")
# So often or more.
OFTEN = (1 << 6) - 1
# Steps of the logarithm of a length: 1 % each, up to lengths far beyond any chunk's.
_STEPS = 72.0
_LONGEST = (1 << 10) - 1

# The usual constants of BM25: how soon a word's repetition stops to count, and how much of a
# chunk's length is held against it.
_K1 = 1.2
_B = 0.75


class Words(NamedTuple):
    """The words of a segment and their postings, as the database takes them.

    `directory` is JSON: for each word the word, the place where its postings begin in `packed`, in
    bytes from 1 on, and the number of their bytes. `total` is the length of all chunks together.
    """

    directory: str
    packed: bytes
    total: int


def pack(texts: Sequence[str]) -> Words:
    """Returns the postings of neighbouring chunks. Raises `ValueError` for more than
    `MOST_CHUNKS`.
    """
    if len(texts) > MOST_CHUNKS:
        raise ValueError(f"a segment has at most {MOST_CHUNKS} chunks, not {len(texts)}")
    total = 0
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        counts = Counter(words.split(text, singles=True))
        length = counts.total()
        total += length
        low = place << 16 | min(_LONGEST, round(_STEPS * math.log2(1 + length)))
        for word, times in counts.items():
            found[word].append(low | min(times, OFTEN) << 10)
    return join({word: np.array(each, _PACKED) for word, each in found.items()}, total)


def join(found: Mapping[str, Packed], total: int = 0) -> Words:
    """Returns postings by word, as the database takes them."""
    # In the order of the index, which takes them faster so.
    ordered = sorted(found)
    sizes = [found[word].nbytes for word in ordered]
    starts = accumulate(sizes, initial=1)
    return Words(
        msgspec.json.encode(list(zip(ordered, starts, sizes, strict=False))).decode(),
        b"".join(found[word].tobytes() for word in ordered),
        total,
    )


def unpack(postings: bytes) -> Packed:
    """Returns the packed postings of a row as an array."""
    return np.frombuffer(postings, _PACKED)


def chunk_numbers(packed: Packed) -> Integers:
    """Returns the chunks' numbers in their segment."""
    return (packed >> np.uint32(16)).astype(np.int64)


def unpack_counts(postings: bytes) -> tuple[Integers, Integers]:
    """Returns the chunks' numbers in their segment, and the number of times that each has the word,
    up to `OFTEN`.
    """
    packed = unpack(postings)
    return chunk_numbers(packed), (packed >> np.uint32(10) & np.uint32(OFTEN)).astype(np.int64)


def renumber(rows: Sequence[bytes], numbers: Integers) -> list[Packed]:
    """Returns the postings of some words in another segment, where the chunks have these numbers.
    Those with a number below 0 are left out.
    """
    # All at once: there are thousands of words, most of them with a posting or two.
    packed = unpack(b"".join(rows))
    moved = numbers[chunk_numbers(packed)]
    kept = moved >= 0
    ends = np.cumsum([len(row) // packed.itemsize for row in rows], dtype=np.int64)
    bounds = np.concatenate(([0], np.cumsum(kept)))[ends]
    high = moved[kept].astype(_PACKED) << np.uint32(16)
    renumbered = high | packed[kept] & np.uint32(0xFFFF)
    starts = np.concatenate(([0], bounds[:-1]))
    return [
        renumbered[start:end] for start, end in zip(starts.tolist(), bounds.tolist(), strict=True)
    ]


class Statistics(NamedTuple):
    """The statistics of a vector store that BM25 needs: its numbers of chunks and words."""

    chunks: int
    words: int


def rarity(chunks_with_word: int, statistics: Statistics) -> float:
    """Returns the weight of a word: BM25's inverse document frequency, always above 0."""
    rest = statistics.chunks - chunks_with_word
    return math.log1p((rest + 0.5) / (chunks_with_word + 0.5))


def shares(statistics: Statistics) -> Floats:
    """Returns for the low 16 bits of a posting the share of its word's rarity that the chunk gets,
    from 0 to 1. It is 1 only for a word that the chunk has endlessly often.
    """
    average = max(1.0, statistics.words / max(1, statistics.chunks))
    lengths = np.exp2(np.arange(_LONGEST + 1) / _STEPS) - 1
    slowness = _K1 * (1 - _B + _B * lengths / average)
    times = np.arange(OFTEN + 1)[:, None]
    return (times / (times + slowness)).astype(np.float32).ravel()
