"""What of a store a search may find: the pieces of its live attempts, in one numbering.

All chunks of a store are numbered from 0, piece by piece, so that rankings are arrays.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from perdure.retrieval import filters as rules
from perdure.retrieval.postings import Integers, Statistics
from perdure.store.database import Transaction
from perdure.wire.base import decode
from perdure.wire.search import Filter, Value


class Key(NamedTuple):
    """A chunk: the attempt that wrote it, and its position in the file."""

    ingestion: int
    position: int


class Scope(NamedTuple):
    """`offsets` has the number of each piece's first chunk, and behind them how many there are.
    `allowed` says of each piece whether the filter accepts its file; None: there is no filter.
    """

    ids: Integers
    ingestions: Integers
    firsts: Integers
    offsets: Integers
    words: int
    allowed: NDArray[np.bool_] | None

    @property
    def statistics(self) -> Statistics:
        return Statistics(int(self.offsets[-1]), self.words)

    def known(self, pieces: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """The places of pieces in this scope, by their ids, and which of them are in it at all."""
        places = np.searchsorted(self.ids, pieces)
        places[places == len(self.ids)] = 0
        return places, self.ids[places] == pieces

    def keys(self, numbers: Integers) -> list[Key]:
        """The chunks with these numbers."""
        places = np.searchsorted(self.offsets, numbers, side="right") - 1
        positions = self.firsts[places] + numbers - self.offsets[places]
        return [
            Key(*key)
            for key in zip(self.ingestions[places].tolist(), positions.tolist(), strict=True)
        ]


def read(tx: Transaction, vector_store_id: str, filters: Filter | None) -> Scope | None:
    """The scope of a search; None if there is nothing to be found."""
    row = tx.one("searches.pieces", vector_store_id=vector_store_id)
    ids = _numbers(row["ids"]) if row is not None else _numbers(None)
    if row is None or not len(ids):
        return None
    ingestions = _numbers(row["ingestions"])
    allowed = None
    if filters is not None:
        accepted = _accepted(tx, vector_store_id, filters)
        allowed = np.isin(ingestions, np.array(accepted, dtype=np.int64))
        if not allowed.any():
            return None
    offsets = np.concatenate(([0], np.cumsum(_numbers(row["chunks"]))))
    return Scope(ids, ingestions, _numbers(row["firsts"]), offsets, row["words"], allowed)


def _accepted(tx: Transaction, vector_store_id: str, filters: Filter) -> Sequence[int]:
    rows = tx.all("searches.attributes", vector_store_id=vector_store_id)
    return [
        row["ingestion"]
        for row in rows
        if rules.accepts(filters, decode(row["attributes"], dict[str, Value]))
    ]


def _numbers(array: str | None) -> Integers:
    """The numbers of a JSON array. PostgreSQL has null for an empty one."""
    return np.array(msgspec.json.decode(array or "[]", type=list[int]), dtype=np.int64)
