"""Fusion of two rankings of the same chunks into one, by reciprocal rank.

Scores of words and of vectors do not compare; ranks do. A chunk gets 1 / (60 + rank) from each
ranking that has it (Cormack, Clarke and Büttcher, 2009), as a share of what the first of all
rankings would get: 1 is the first of both, and up to a half is what one ranking alone can give.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

_DAMPING = 60


def fuse(rankings: Sequence[Sequence[K]]) -> list[tuple[K, float]]:
    """Returns the members of all rankings with their scores from 0 to 1, best first. Equals keep
    the order of the first ranking.
    """
    scores: dict[K, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (_DAMPING + rank)
    most = len(rankings) / (_DAMPING + 1)
    return sorted(
        ((key, min(1.0, score / most)) for key, score in scores.items()),
        key=lambda scored: -scored[1],
    )
