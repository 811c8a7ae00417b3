"""Segments of a vector store's index, and the merging of small ones into large ones.

The chunks that are written at once become a segment; that is fast because nothing older is touched.
A search looks into each segment, so eight of one size are merged into one, up to some thousand
chunks. The chunks that were removed meanwhile are left out. Merging is computed outside of the
writer: `plan` in a read, then `merge` in a write, and a plan that was overtaken is thrown away.
"""

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from perdure.retrieval import stems
from perdure.storage.database import Row, Transaction

# It needs numpy, which is imported in the thread that merges, when there is something to merge.
if TYPE_CHECKING:
    from perdure.retrieval.postings import Packed, Words

# So many segments of one level are merged, which makes one of the next level.
_MANY = 8
# Of 8^4 chunks and more: large enough.
_FINAL = 4
# Of a merge, unless two segments have more: it is written at once, and others wait meanwhile.
_MOST_MERGED = 8_192
# Written anew once this part of it is removed: an eighth.
_THINNED = 8


class Merge(NamedTuple):
    """A merge that has been computed: the old segments, the words, and the pieces' new places."""

    vector_store: int
    was: list[int]
    words: "Words"
    chunks: int
    bases: dict[int, int]


def add(tx: Transaction, vector_store: int, words: "Words", *, chunks: int) -> int:
    """Adds a segment. Returns its id."""
    row = tx.one(
        "segments.insert",
        vector_store=vector_store,
        level=_level(chunks),
        chunks=chunks,
        live=chunks,
        rules=stems.RULES,
        stemmer=stems.STEMMER,
        languages=",".join(sorted(words.languages)),
    )
    assert row is not None  # noqa: S101 # it returns a row
    segment: int = row["id"]
    tx.run("segments.insert_postings", segment=segment, words=words.directory, packed=words.packed)
    return segment


def plan(tx: Transaction) -> Merge | None:
    """Computes the next merge; None if there is none to make."""
    # Those of other rules are never merged: `renewal.py` writes them anew.
    by = {"rules": stems.RULES, "stemmer": stems.STEMMER}
    rows = tx.all("segments.thinned", parts=_THINNED, **by)
    if rows:
        return _plan(tx, rows[0]["vector_store"], rows)
    for alike in tx.all("segments.alike", final=_FINAL, many=_MANY, **by):
        rows = tx.all(
            "segments.of_level",
            vector_store=alike["vector_store"],
            level=alike["level"],
            limit=_MANY,
            **by,
        )
        sizes = accumulate(row["chunks"] for row in rows)
        fitting = sum(size <= _MOST_MERGED for size in sizes)
        return _plan(tx, alike["vector_store"], rows[: max(2, fitting)])
    return None


def merge(tx: Transaction, merged: Merge) -> bool:
    """Puts the new segment in the place of the old ones. Returns false if another server was
    faster.
    """
    if not all(tx.one("segments.lock", segment=segment) for segment in merged.was):
        return False
    segment = add(tx, merged.vector_store, merged.words, chunks=merged.chunks)
    live = sum(
        row["chunks"]
        for row in tx.many(
            "segments.move_piece",
            ({"segment": segment, "id": id_, "base": base} for id_, base in merged.bases.items()),
        )
    )
    if live < merged.chunks:
        tx.run("segments.thin", segment=segment, chunks=merged.chunks - live)
    for old in merged.was:
        tx.run("segments.drop", segment=old)
    return True


def remove(tx: Transaction, *, limit: int) -> int:
    """Removes about `limit` rows of a segment that was dropped. Returns their number."""
    row = tx.one("segments.dropped")
    if row is None:
        return 0
    removed = tx.run("segments.drop_postings", segment=row["id"], limit=limit)
    if removed < limit:
        removed += tx.run("segments.delete", segment=row["id"])
    return removed


def _plan(tx: Transaction, vector_store: int, rows: list[Row]) -> Merge:
    import numpy as np

    from perdure.retrieval import postings

    found: defaultdict[str, list[Packed]] = defaultdict(list)
    bases: dict[int, int] = {}
    count = 0
    for row in rows:
        # For each chunk of the segment its new number, or that it is left out.
        numbers = np.full(row["chunks"], -1, dtype=np.int64)
        for piece in tx.all("segments.pieces", segment=row["id"]):
            bases[piece["id"]] = count
            numbers[piece["base"] : piece["base"] + piece["chunks"]] = np.arange(
                count, count + piece["chunks"]
            )
            count += piece["chunks"]
        stored = tx.all("segments.postings", segment=row["id"])
        moved = postings.renumber([each["packed"] for each in stored], numbers)
        for each, postings_ in zip(stored, moved, strict=True):
            if len(postings_):
                found[each["word"]].append(postings_)
    spoken = frozenset(each for row in rows for each in row["languages"].split(",") if each)
    words = postings.join(
        {
            word: np.concatenate(moved) if len(moved) > 1 else moved[0]
            for word, moved in found.items()
        },
        of_languages=spoken,
    )
    return Merge(vector_store, [row["id"] for row in rows], words, count, bases)


def _level(chunks: int) -> int:
    """Returns the power of 8 that the number of chunks has reached."""
    return min(_FINAL, (chunks.bit_length() - 1) // 3)
