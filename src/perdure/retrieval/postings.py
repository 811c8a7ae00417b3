"""Postings of the inverted index as packed numbers, and BM25 over them.

A posting is one chunk that has a stem, in 32 bits: 16 for the chunk's number in its segment, 4 for
the number of times that it has the stem (15 means that or more), 4 for the classes of forms in
which it has it (`stems.py`), 8 for the logarithm of the chunk's length in words. So a score needs
nothing but the postings of the words of the query. By the first rules a posting was one chunk that
has a word, with 6 bits for the number of times and 10 for the length.

The file's name and the chunk's headings count as though they stood in the text once more.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from perdure.retrieval import languages, stems, words

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Packed: TypeAlias = NDArray[np.uint32]

# Chunks of one segment.
MOST_CHUNKS = 1 << 16

_PACKED = np.dtype("<u4")
# Of the name of its file, so many for each chunk count as words of the text.
_NAMES = 1
# Of a longer name, the beginning.
_LONGEST_NAME = 512


class Layout(NamedTuple):
    """The low 16 bits of a posting: how many are for the times, for the forms and for the length,
    and how finely lengths are told, in steps for each doubling.
    """

    times: int
    forms: int
    length: int
    steps: float

    @property
    def often(self) -> int:
        """The most times that are told: so often or more."""
        return (1 << self.times) - 1

    @property
    def longest(self) -> int:
        """The most steps of a length."""
        return (1 << self.length) - 1


# By the number of the rules.
LAYOUTS = {1: Layout(6, 0, 10, 72.0), 2: Layout(4, 4, 8, 18.0)}
_LAYOUT = LAYOUTS[stems.RULES]

# The usual constants of BM25: how soon a word's repetition stops to count, and how much of a
# chunk's length is held against it.
_K1 = 1.2
_B = 0.75
# A word in another form than that of the query counts so much.
_OTHER_FORM = 0.9


class IndexedText(Protocol):
    """A chunk as far as its words are concerned: `heading` is the length of the heading that its
    text begins with.
    """

    @property
    def text(self) -> str: ...
    @property
    def heading(self) -> int: ...


class Words(NamedTuple):
    """The words of a segment and their postings, as the database takes them.

    `directory` is JSON: for each stem the stem, the place where its postings begin in `packed`, in
    bytes from 1 on, and the number of their bytes. `lengths` are those of the chunks in words;
    merging needs none. `languages` are those that the stems are of.
    """

    directory: str
    packed: bytes
    lengths: Sequence[int]
    languages: frozenset[str]

    @property
    def total(self) -> int:
        """The length of all chunks together."""
        return sum(self.lengths)


def pack(chunks: Sequence[IndexedText], *, name: str = "") -> Words:
    """Returns the postings of neighbouring chunks of the file with this name. Raises `ValueError`
    for more than `MOST_CHUNKS`.
    """
    counted = count(chunks, name=name)
    return pack_counts([counts for counts, _ in counted], [language for _, language in counted])


def count(chunks: Sequence[IndexedText], *, name: str = "") -> list[tuple[Counter[str], str]]:
    """Returns for each of neighbouring chunks how often it has each word, and its language."""
    named = words.tokens(name[:_LONGEST_NAME], singles=True) * _NAMES
    counted = [Counter(words.tokens(chunk.text, singles=True)) for chunk in chunks]
    spoken = languages.of_all(counted)
    for counts, chunk in zip(counted, chunks, strict=True):
        counts.update(named)
        if chunk.heading:
            counts.update(words.tokens(chunk.text[: chunk.heading], singles=True))
    return list(zip(counted, spoken, strict=True))


def pack_counts(counted: Sequence[Mapping[str, int]], spoken: Sequence[str]) -> Words:
    """Returns the postings of chunks by how often they have each word, and by their languages.
    Raises `ValueError` for more than `MOST_CHUNKS`.
    """
    if len(counted) > MOST_CHUNKS:
        raise ValueError(f"a segment has at most {MOST_CHUNKS} chunks, not {len(counted)}")
    found: defaultdict[str, list[int]] = defaultdict(list)
    lengths = []
    for place, (counts, language) in enumerate(zip(counted, spoken, strict=True)):
        length = sum(counts.values())
        lengths.append(length)
        steps = min(_LAYOUT.longest, round(_LAYOUT.steps * math.log2(1 + length)))
        of_chunk: dict[str, int] = {}
        for word, times in counts.items():
            stem, form = stems.stem(word, language)
            # The times stand above the forms, so that both are gathered in one number.
            of_chunk[stem] = (of_chunk.get(stem, 0) + (times << 4)) | 1 << form
        low = place << 16 | steps
        for stem, gathered in of_chunk.items():
            times = min(gathered >> 4, _LAYOUT.often)
            found[stem].append(low | times << 12 | (gathered & 15) << 8)
    return join(
        {stem: np.array(each, _PACKED) for stem, each in found.items()}, lengths, frozenset(spoken)
    )


def join(
    found: Mapping[str, Packed],
    lengths: Sequence[int] = (),
    of_languages: frozenset[str] = frozenset(),
) -> Words:
    """Returns postings by word, as the database takes them."""
    # In the order of the index, which takes them faster so.
    ordered = sorted(found)
    sizes = [found[word].nbytes for word in ordered]
    starts = accumulate(sizes, initial=1)
    return Words(
        msgspec.json.encode(list(zip(ordered, starts, sizes, strict=False))).decode(),
        b"".join(found[word].tobytes() for word in ordered),
        lengths,
        of_languages,
    )


def unpack(postings: bytes) -> Packed:
    """Returns the packed postings of a row as an array."""
    return np.frombuffer(postings, _PACKED)


def chunk_numbers(packed: Packed) -> Integers:
    """Returns the chunks' numbers in their segment."""
    return (packed >> np.uint32(16)).astype(np.int64)


def unpack_counts(postings: bytes, layout: Layout) -> tuple[Integers, Integers]:
    """Returns the chunks' numbers in their segment, and the number of times that each has the word,
    up to `often`.
    """
    packed = unpack(postings)
    times = packed >> np.uint32(16 - layout.times) & np.uint32(layout.often)
    return chunk_numbers(packed), times.astype(np.int64)


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
    rest = max(0, statistics.chunks - chunks_with_word)
    return math.log1p((rest + 0.5) / (chunks_with_word + 0.5))


class Shares:
    """The share of its word's rarity that a chunk gets, by its posting: from 0 to 1. It is 1 only
    for a word that the chunk has endlessly often.
    """

    def __init__(self, statistics: Statistics, layout: Layout) -> None:
        self._layout = layout
        average = max(1.0, statistics.words / max(1, statistics.chunks))
        lengths = np.exp2(np.arange(layout.longest + 1) / layout.steps) - 1
        slowness = _K1 * (1 - _B + _B * lengths / average)
        times = np.arange(layout.often + 1)[:, None]
        self._shares = (times / (times + slowness)).astype(np.float32).ravel()

    def of(self, packed: Packed, forms: int) -> Floats:
        """Returns the share for each posting. One whose forms (a bit for each class) are none of
        those asked for gets less.
        """
        layout = self._layout
        times = packed >> np.uint32(16 - layout.times) & np.uint32(layout.often)
        length = packed & np.uint32(layout.longest)
        shares: Floats = self._shares[times << np.uint32(layout.length) | length]
        if layout.forms:
            other = packed >> np.uint32(layout.length) & np.uint32(forms) == 0
            shares[other] *= np.float32(_OTHER_FORM)
        return shares
