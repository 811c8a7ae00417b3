"""Ranking by words: BM25 with the statistics of the one vector store (Robertson and Zaragoza,
2009).

A score is the share of the query that the chunk answers. Each word of the query counts as much as
it is rare in the vector store. A word that no chunk has counts as much as the rarest; all of those
together, as much as the others at most, so that a question with words that no file has keeps half
of its score. A chunk gets of each word between nothing and all, more the more often it has the word
and the shorter the chunk is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec
import numpy as np

from perdure.retrieval import postings, stems, words
from perdure.retrieval.languages import DEFAULT
from perdure.retrieval.postings import Floats, Integers, Layout, Packed, Shares
from perdure.retrieval.searchable_chunks import ChunkKey, SearchableChunks
from perdure.storage.database import Row, Transaction

# Of a query; what comes behind is not looked at. No question is as long.
_MOST_CHARACTERS = 8_000
_MOST_WORDS = 64

# Of all words of a query together, in a large vector store.
MOST_POSTINGS = 200_000

# The best are looked for among so many chunks at a time.
_BLOCK = 64


class Scored(NamedTuple):
    """A chunk and its score, from 0 to 1."""

    key: ChunkKey
    score: float


class Term(NamedTuple):
    """A word of the query: how often it is there, its words by the first rules, its stems in the
    languages of the vector store, and the classes of its forms, a bit for each.
    """

    times: int
    by_first: frozenset[str]
    by_stem: frozenset[str]
    forms: int

    def by(self, *, stems: bool) -> frozenset[str]:
        """Returns the words that segments of the first rules have, or those with stems."""
        return self.by_stem if stems else self.by_first


def layout(rules: int) -> Layout:
    """Returns the layout of the postings of a segment."""
    return postings.LAYOUTS.get(rules, postings.LAYOUTS[stems.RULES])


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
    terms = _terms(query, scope.languages)
    if not terms:
        return []
    # In a smaller vector store there is nothing to be won.
    is_large = scope.size > most_postings // 4
    shares = {rules: Shares(scope.statistics, layout(rules)) for rules in {*scope.rules.values()}}
    scores = np.zeros(-(-scope.size // _BLOCK) * _BLOCK, dtype=np.float32)
    had, lacking = 0.0, 0.0
    for group in _groups(tx, store, scope, terms, most_postings) if is_large else [terms]:
        for term, found in zip(group, _found(tx, store, scope, group), strict=True):
            count = sum(
                len(numbers) if scope.live is None else int(np.count_nonzero(scope.live[numbers]))
                for _, numbers, _ in found
            )
            weight = term.times * postings.rarity(count, scope.statistics)
            if count:
                had += weight
            else:
                lacking += weight
            for rules, numbers, packed in found:
                # Each chunk is there once, so that nothing is lost by adding to all at once.
                scores[numbers] += np.float32(weight) * shares[rules].of(packed, term.forms)
        if scope.allowed is not None:
            scores[: scope.size] *= scope.allowed
        if np.count_nonzero(scores) >= least:
            break
    return _best(scope, scores, limit, attainable=had + min(had, lacking))


def _terms(query: str, languages: Collection[str]) -> list[Term]:
    """Returns the words of a query, the most frequent ones if there are too many. Forms of one word
    are one term.
    """
    counts = Counter(words.tokens(query[:_MOST_CHARACTERS])).most_common(_MOST_WORDS)
    found: dict[frozenset[str], Term] = {}
    for word, times in counts:
        made = [stems.stem(word, language) for language in languages or [DEFAULT]]
        # The postings of one stem hold the classes of its forms, which may be others by language.
        forms = 0
        for _, form in made:
            forms |= 1 << form
        by_stem = frozenset(stem for stem, _ in made)
        had = found.get(by_stem, Term(0, frozenset(), by_stem, 0))
        by_first = had.by_first | {words.without_plural(word)}
        found[by_stem] = Term(had.times + times, by_first, by_stem, had.forms | forms)
    return [*found.values()]


def _groups(
    tx: Transaction, store: int, scope: SearchableChunks, terms: Sequence[Term], most: int
) -> Iterator[Sequence[Term]]:
    """Yields the terms in the order in which they are read: the rarest together, as many as can be
    read in a few milliseconds and at least one that some chunk has; then the others, one by one.

    Words that a large part of a large vector store has are worth next to nothing beside rare ones.
    """
    sizes = [0] * len(terms)
    rows = tx.all("searches.sizes", vector_store=store, words=_json(_words(scope, terms)))
    for place, row in _matched(scope, terms, rows):
        sizes[place] += row["chunks"]
    ordered = sorted(range(len(terms)), key=lambda place: (sizes[place], min(terms[place].by_stem)))
    read = accumulate(sizes[place] for place in ordered)
    fitting = sum(each <= most for each in read)
    nowhere = sum(not size for size in sizes)
    first = max(fitting, nowhere + 1)
    yield [terms[place] for place in ordered[:first]]
    for place in ordered[first:]:
        yield [terms[place]]


def _found(
    tx: Transaction, store: int, scope: SearchableChunks, terms: Sequence[Term]
) -> list[list[tuple[int, Integers, Packed]]]:
    """Returns for each term the number of the rules, the numbers of the chunks that have it, and
    their postings.
    """
    found: list[defaultdict[int, list[tuple[int, bytes]]]] = [defaultdict(list) for _ in terms]
    rows = tx.all("searches.postings", vector_store=store, words=_json(_words(scope, terms)))
    for place, row in _matched(scope, terms, rows):
        segment = row["segment"]
        found[place][scope.rules[segment]].append((scope.segments[segment], row["packed"]))
    return [[(rules, *_joined(each)) for rules, each in rows.items()] for rows in found]


def _words(scope: SearchableChunks, terms: Sequence[Term]) -> list[str]:
    """Returns the words of all terms by all rules that the segments are of."""
    made = {rules > 1 for rules in scope.rules.values()}
    return sorted({word for term in terms for each in made for word in term.by(stems=each)})


def _matched(
    scope: SearchableChunks, terms: Sequence[Term], rows: Iterable[Row]
) -> Iterator[tuple[int, Row]]:
    """Yields each row with the places of the terms that have its word by its segment's rules."""
    places: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for place, term in enumerate(terms):
        for by_stem in (False, True):
            for word in term.by(stems=by_stem):
                places[by_stem, word].append(place)
    for row in rows:
        for place in places.get((scope.rules[row["segment"]] > 1, row["word"]), ()):
            yield place, row


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
