"""How often a search finds the right document first, beside BM25 with Porter's stemmer: the
questions and documents of `questions.py`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import bm25s
import Stemmer
from tests.retrieval.filled_stores import FilledStore

from bench import questions
from bench.report import Row
from perdure.bus.memory import MemoryBus
from perdure.parsing.chunks import Chunk, chunks
from perdure.storage import connect

# Passages that are looked at; a document is as good as its best one.
_DEPTH = 50


class Found(NamedTuple):
    """The share of questions whose document is among the first, and the mean reciprocal rank."""

    first: float
    of_three: float
    of_five: float
    mean: float

    def __str__(self) -> str:
        return (
            f"first {self.first:.3f}, of three {self.of_three:.3f}, of five {self.of_five:.3f}, "
            f"MRR {self.mean:.3f}"
        )


async def measure(databases: dict[str, str | None]) -> list[Row]:
    """The rows of all rankings; `databases` are URLs by name, None for SQLite."""
    documents = questions.load()
    cut = {name: [*chunks(text)] for name, text in documents.items()}
    reference = _mean(_reference(cut, stemmer="porter"))
    asked = f"{len(questions.QUESTIONS)} questions, {len(documents)} documents"
    rows = [
        Row("questions about Django", asked),
        Row("BM25 (bm25s, English stop words)", str(_mean(_reference(cut, stemmer=None)))),
        Row("the same with Porter's stemmer", str(reference)),
    ]
    for label, url in databases.items():
        ours = _mean(await _ours(cut, url))
        met = all(our >= other for our, other in zip(ours, reference, strict=True))
        rows.append(Row(f"{label}: words", str(ours), "≥ stemmed BM25", met))
    return rows


async def _ours(cut: dict[str, list[Chunk]], url: str | None) -> list[int | None]:
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
        database = connect(url, Path(folder), bus=MemoryBus())
        await database.open()
        filled = FilledStore(database)
        await filled.store()
        for name, pieces in cut.items():
            await filled.named("vs_1", name, f"{name.rpartition('/')[2]}.txt", *pieces)
        ranks = []
        for question, document in questions.QUESTIONS.items():
            found = await filled.search(question, limit=_DEPTH)
            ranks.append(_rank([passage.file_id for passage in found], document))
        await database.close()
    return ranks


def _reference(cut: dict[str, list[Chunk]], *, stemmer: str | None) -> list[int | None]:
    """What bm25s finds among the same chunks."""
    stem = stemmer and Stemmer.Stemmer(stemmer)
    names = [name for name, pieces in cut.items() for _ in pieces]
    texts = [piece.text for pieces in cut.values() for piece in pieces]
    how = {"stopwords": "en", "stemmer": stem, "show_progress": False}
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, **how), show_progress=False)
    asked = bm25s.tokenize([*questions.QUESTIONS], **how)
    found, _ = index.retrieve(asked, k=_DEPTH, show_progress=False)
    return [
        _rank([names[place] for place in places], document)
        for places, document in zip(found.tolist(), questions.QUESTIONS.values(), strict=True)
    ]


def _rank(found: Sequence[str], document: str) -> int | None:
    """The rank of a document, from 1, among the documents of the passages."""
    documents = [*dict.fromkeys(found)]
    return documents.index(document) + 1 if document in documents else None


def _mean(ranks: Sequence[int | None]) -> Found:
    def within(most: int) -> float:
        return sum(rank is not None and rank <= most for rank in ranks) / len(ranks)

    mean = sum(1 / rank for rank in ranks if rank is not None) / len(ranks)
    return Found(within(1), within(3), within(5), mean)
