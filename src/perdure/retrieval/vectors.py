"""Vectors as bytes, and the search for the nearest of many.

A vector is stored twice. Its signs, one bit a dimension, are scanned: that takes 32 bytes a chunk
at 256 dimensions, so a large vector store is read in milliseconds. The half floats of the nearest
by signs are then compared exactly. All of a small vector store's chunks are among those nearest, so
there the search is exact.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

# One row a vector.
Vectors: TypeAlias = NDArray[np.float32]

_HALF = np.dtype("<f2")
# Signs are compared eight bytes at a time.
_WORD = np.dtype("<u8")


class PackedVectors(NamedTuple):
    """The vectors of a piece's chunks, as they are stored."""

    vectors: list[bytes]
    signs: bytes

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.signs) + sum(map(len, self.vectors))


def normalize(vectors: Vectors) -> Vectors:
    """Returns the vectors at length 1; those of length 0, or with an entry that is no number, as
    zeros.
    """
    finite = np.nan_to_num(vectors.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    # First to at most 1 in each dimension, where squares cannot overflow.
    largest = np.abs(finite).max(axis=1, keepdims=True, initial=0)
    scaled = finite / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    units: Vectors = (scaled / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return units


def pack(vectors: Vectors) -> PackedVectors:
    """Returns the bytes to store."""
    units = normalize(vectors)
    return PackedVectors([row.tobytes() for row in units.astype(_HALF)], _signs(units).tobytes())


def cosines(query: Vectors, packed: list[bytes]) -> Vectors:
    """Returns the cosine of each stored vector with a query, 1 to -1."""
    stored = np.frombuffer(b"".join(packed), _HALF).reshape(len(packed), -1).astype(np.float32)
    found: Vectors = stored @ normalize(query[None])[0]
    return found


def width(dimensions: int) -> int:
    """Returns the number of bytes of one vector's signs."""
    return -(-dimensions // 64) * 8


def distances(query: Vectors, signs: bytes) -> NDArray[np.int64]:
    """Returns for each stored vector the number of dimensions in which its sign differs from the
    query's.
    """
    asked = _signs(query[None]).view(_WORD)
    stored = np.frombuffer(signs, _WORD).reshape(-1, asked.shape[1])
    found: NDArray[np.int64] = np.bitwise_count(stored ^ asked).sum(axis=1, dtype=np.int64)
    return found


def _signs(vectors: Vectors) -> NDArray[np.uint8]:
    count, dimensions = vectors.shape
    bits = np.zeros((count, width(dimensions) * 8), dtype=np.bool_)
    bits[:, :dimensions] = vectors > 0
    return np.packbits(bits, axis=1)
