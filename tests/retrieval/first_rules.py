"""An index as the first rules wrote it, which knew no stemmer, no languages and no names."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from perdure.retrieval import postings, words
from perdure.storage.database import Transaction
from tests.retrieval.filled_stores import Chunk, begin

_INVISIBLE = re.compile("[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_PACKED = np.dtype("<u4")


def made(text: str, *, singles: bool) -> list[str]:
    """The words of a text. What invisible characters part was not there as a whole."""
    parted = _INVISIBLE.sub(" ", text)
    return [words.without_plural(word) for word in words.tokens(parted, singles=singles)]


def write(tx: Transaction, store_id: str, file_id: str, cut: Sequence[Chunk]) -> int:
    """An ingestion with all of its chunks in one segment. Its statements are the earlier ones."""
    store = tx.one("searches.store", vector_store_id=store_id)
    assert store is not None
    ingestion = begin(tx, store_id, file_id)
    found: defaultdict[str, list[int]] = defaultdict(list)
    total = 0
    for place, chunk in enumerate(cut):
        counts = Counter(made(chunk.text, singles=True))
        length = counts.total()
        total += length
        low = place << 16 | min(1023, round(72.0 * math.log2(1 + length)))
        for word, times in counts.items():
            found[word].append(low | min(times, 63) << 10)
    joined = postings.join({word: np.array(each, _PACKED) for word, each in found.items()})
    row = tx.one(
        "segments.insert",
        vector_store=store["seq"],
        level=min(4, (len(cut).bit_length() - 1) // 3),
        chunks=len(cut),
        live=len(cut),
        rules=1,
        stemmer=0,
        languages="",
    )
    assert row is not None
    tx.run(
        "segments.insert_postings",
        segment=row["id"],
        words=joined.directory,
        packed=joined.packed,
    )
    tx.run(
        "chunks.insert_piece",
        ingestion=ingestion,
        segment=row["id"],
        first=0,
        chunks=len(cut),
        words=total,
        signs=None,
    )
    tx.many(
        "chunks.insert",
        (
            {
                "ingestion": ingestion,
                "position": place,
                "start": chunk.start,
                "tokens": chunk.tokens,
                "heading": chunk.heading,
                "text": chunk.text.replace("\x00", " "),
                "vector": None,
            }
            for place, chunk in enumerate(cut)
        ),
    )
    return ingestion
