"""Renewal of outdated segments: their words are made anew from the stored chunks, by the rules of
this version.

The pieces of a segment move to new segments, some at a time, so that nothing waits long; merging
makes these large again. Until then a search makes its words by the rules of each segment. What is
computed is written at once or not at all, so a renewal may be killed at any point and is gone on
with later. A lease lets one server of a database do it at a time.
"""

from collections.abc import Mapping
from typing import NamedTuple

from perdure.retrieval import postings, segments, stems
from perdure.retrieval.postings import Words
from perdure.storage.database import Row, Transaction

# Chunks of one renewal, unless one piece has more.
_AT_ONCE = 200
_LEASE_SECONDS = 60.0


class Renewal(NamedTuple):
    """A renewal that has been computed: the old segment, the new words, and the moved pieces with
    their places and numbers of words.
    """

    vector_store: int
    was: int
    words: Words
    chunks: int
    pieces: list[dict[str, int]]


class _Text(NamedTuple):
    text: str
    heading: int


def lease(tx: Transaction, *, now: float) -> float | None:
    """Takes the lease. Returns the time until which it holds; None if nothing is outdated, or
    another server has it.
    """
    if _outdated(tx) is None:
        return None
    until = now + _LEASE_SECONDS
    return until if tx.run("segments.lease_renewal", until=until, now=now) else None


def release(tx: Transaction, *, until: float) -> None:
    """Gives the lease back."""
    tx.run("segments.release_renewal", until=until)


def plan(tx: Transaction) -> Renewal | None:
    """Computes the next renewal; None if there is none to make now."""
    row = _outdated(tx)
    if row is None:
        return None
    counted: list[Mapping[str, int]] = []
    spoken: list[str] = []
    pieces: list[dict[str, int]] = []
    for piece in tx.all("segments.renewed_pieces", segment=row["id"], limit=_AT_ONCE):
        if pieces and len(counted) + piece["chunks"] > _AT_ONCE:
            break
        found = postings.count(_chunks(tx, piece), name=piece["filename"] or "")
        total = sum(sum(counts.values()) for counts, _ in found)
        pieces.append({"id": piece["id"], "base": len(counted), "words": total})
        counted += [counts for counts, _ in found]
        spoken += [language for _, language in found]
    if not pieces:
        return None
    words = postings.pack_counts(counted, spoken)
    return Renewal(row["vector_store"], row["id"], words, len(counted), pieces)


def apply(tx: Transaction, renewed: Renewal) -> bool:
    """Moves the pieces. Returns False if the old segment is gone."""
    if tx.one("segments.lock", segment=renewed.was) is None:
        return False
    segment = segments.add(tx, renewed.vector_store, renewed.words, chunks=renewed.chunks)
    moved = sum(
        row["chunks"]
        for row in tx.many(
            "segments.renew_piece",
            ({**piece, "segment": segment, "was": renewed.was} for piece in renewed.pieces),
        )
    )
    if moved < renewed.chunks:
        tx.run("segments.thin", segment=segment, chunks=renewed.chunks - moved)
    if moved:
        tx.run("segments.thin", segment=renewed.was, chunks=moved)
    return True


def _outdated(tx: Transaction) -> Row | None:
    return tx.one("segments.outdated", rules=stems.RULES, stemmer=stems.STEMMER)


def _chunks(tx: Transaction, piece: Row) -> list[_Text]:
    rows = tx.all(
        "segments.texts_of_piece",
        ingestion=piece["ingestion"],
        low=piece["first"],
        high=piece["first"] + piece["chunks"],
    )
    found = {row["position"] - piece["first"]: _Text(row["text"], row["heading"]) for row in rows}
    # One that is not there, which the invariants tell of, has no words.
    return [found.get(place, _Text("", 0)) for place in range(piece["chunks"])]
