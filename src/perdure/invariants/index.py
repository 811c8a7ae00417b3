"""Invariants of the index: chunks, and the segments that list the places of their words.

Every chunk of an ingestion that is not dropped exists once and stands in one place of the index.
Dropped ingestions are deleted little by little, so the only rule for them is that they refer to
nothing else.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from perdure.invariants import damage
from perdure.invariants.pages import SHOWN, pages
from perdure.invariants.run_history import Violation
from perdure.lifecycle import VectorStoreFileStatus
from perdure.retrieval import postings, vectors
from perdure.retrieval.postings import Layout
from perdure.storage.database import Row, Transaction

_HALF_BYTES = 2


class _Indexed(NamedTuple):
    """The rows that an ingestion wrote: its chunks taken together (None: it has none), and its
    pieces.
    """

    chunks: Row | None
    pieces: list[Row]


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields the violations of chunks, pieces, segments and postings."""
    for rows in pages(tx, "invariants_of_vector_stores.attempts"):
        found = _indexed(tx, first=rows[0]["seq"], last=rows[-1]["seq"])
        for row in rows:
            label = f"attempt {row['seq']}"
            yield from damage.guard(label, _ingestion(row))
            yield from damage.guard(label, _written(row, found[row["seq"]]))
    for rows in pages(tx, "invariants_of_vector_stores.segments"):
        for row in rows:
            yield from damage.guard(f"segment {row['seq']}", _segment(tx, row))
    for row in tx.all("invariants_of_vector_stores.strays", limit=SHOWN):
        yield Violation(f"{row['lacks']} {row['missing']}", f"is not there, and has {row['has']}")


def _indexed(tx: Transaction, *, first: int, last: int) -> defaultdict[int, _Indexed]:
    bounds = {"first": first, "last": last}
    found: defaultdict[int, _Indexed] = defaultdict(lambda: _Indexed(None, []))
    for row in tx.all("invariants_of_vector_stores.chunks", **bounds):
        found[row["ingestion"]] = _Indexed(row, [])
    for row in tx.all("invariants_of_vector_stores.pieces", **bounds):
        found[row["ingestion"]].pieces.append(row)
    return found


def _ingestion(row: Row) -> Iterator[str]:
    """Checks that an ingestion which is not dropped belongs to a file that is in progress, or is
    the one that the file names.
    """
    if row["status"] is None:
        yield f"is at the file {row['file_id']} of {row['vector_store_id']}, which is not there"
    elif row["status"] != VectorStoreFileStatus.IN_PROGRESS and row["ingestion"] != row["seq"]:
        yield f"is not dropped, and its file is {row['status']} with {row['ingestion']}"


def _written(row: Row, found: _Indexed) -> Iterator[str]:
    chunks, count = found.chunks, 0
    for piece in found.pieces:
        if piece["first"] != count:
            yield f"has a piece at chunk {piece['first']}, where chunk {count} should follow"
        count = piece["first"] + piece["chunks"]
        if piece["vector_store"] not in (None, row["store"]):
            yield f"is indexed in the store number {piece['vector_store']}, not {row['store']}"
    if chunks is None:
        if count:
            yield f"has pieces of {count} chunks, and no chunk"
        return
    if not chunks["chunks"] == chunks["last"] + 1 == count:
        yield f"has {chunks['chunks']} chunks up to {chunks['last']}, and pieces of {count}"
    yield from _vectors(chunks, found.pieces)
    if row["ingestion"] == row["seq"] and row["usage_bytes"] < chunks["size"]:
        yield f"has texts of {chunks['size']} bytes, and its file takes {row['usage_bytes']}"


def _vectors(chunks: Row, pieces: list[Row]) -> Iterator[str]:
    """Checks that all chunks have vectors of one length and their pieces the signs, or none has
    any.
    """
    if chunks["vectors"] not in (0, chunks["chunks"]) or chunks["shortest"] != chunks["longest"]:
        yield (
            f"has {chunks['vectors']} vectors of {chunks['shortest']} to {chunks['longest']} bytes "
            f"for {chunks['chunks']} chunks"
        )
        return
    width = vectors.width(chunks["longest"] // _HALF_BYTES) if chunks["vectors"] else None
    for piece in pieces:
        expected = None if width is None else width * piece["chunks"]
        if piece["signs"] != expected:
            yield f"has a piece with {piece['signs']} bytes of signs, not {expected}"


def _segment(tx: Transaction, row: Row) -> Iterator[str]:
    """Checks that its pieces are beside each other, and have the chunks that are not removed."""
    size, end, live = row["chunks"], 0, 0
    placed = []
    for piece in tx.all("invariants_of_vector_stores.pieces_of_segment", segment=row["seq"]):
        live += piece["chunks"]
        if piece["base"] < end or piece["base"] + piece["chunks"] > size:
            yield f"has a piece of {piece['chunks']} chunks at {piece['base']} of {size}"
            continue
        end = piece["base"] + piece["chunks"]
        placed.append(piece)
    if live != row["live"] or not live:
        yield f"counts {row['live']} chunks that are not removed, and its pieces {live}"
    yield from _postings(tx, row, placed)


def _postings(tx: Transaction, row: Row, pieces: list[Row]) -> Iterator[str]:
    """Checks that they are of the segment's chunks, in order, and list as many words as the pieces
    have.
    """
    size = row["chunks"]
    layout = postings.LAYOUTS.get(row["rules"])
    if layout is None:
        yield f"is of rules number {row['rules']}, which there are not"
        return
    words = np.zeros(size, dtype=np.int64)
    often = np.zeros(size, dtype=np.bool_)
    whole = True
    for stored in tx.all("segments.postings", segment=row["seq"]):
        found = _counted(stored, size, layout)
        if found is None:
            whole = False
            yield f"has postings of {stored['word']!r} that are not of its {size} chunks in order"
            continue
        numbers, times = found
        words[numbers] += times
        often[numbers] |= times == layout.often
    for piece in pieces if whole else ():
        place = slice(piece["base"], piece["base"] + piece["chunks"])
        counted = int(words[place].sum())
        # A word that stands in a chunk very often is not counted to its end.
        if counted != piece["words"] and not (often[place].any() and counted < piece["words"]):
            yield (
                f"has postings of {counted} words for the {piece['chunks']} chunks at "
                f"{piece['base']}, which have {piece['words']}"
            )


def _counted(
    stored: Row, size: int, layout: Layout
) -> tuple[postings.Integers, postings.Integers] | None:
    """Returns the postings of a word; None where they do not fit a segment of so many chunks."""
    try:
        numbers, times = postings.unpack_counts(stored["packed"], layout)
    except damage.UNREADABLE:
        return None
    if not len(numbers) or numbers[-1] >= size or (np.diff(numbers) <= 0).any():
        return None
    return numbers, times
