"""The sliding minute that limits of requests and tokens hold for.

Counts are kept by minute of the clock. What counts against a limit is the count of this minute and
as much of the last minute's as still lies within the last sixty seconds, as though it were spread
evenly. So no two minutes can be filled within a second.
"""

import math
from typing import NamedTuple

MINUTE = 60


class MinuteCounts(NamedTuple):
    """Requests and tokens of a minute."""

    requests: int = 0
    tokens: int = 0

    def plus(self, requests: int, tokens: int) -> "MinuteCounts":
        return MinuteCounts(self.requests + requests, self.tokens + tokens)


class SlidingCount(NamedTuple):
    """A count at a time: what was counted in this minute and in the one before. `passed` is the
    part of this minute that has passed, from 0 to 1.
    """

    this: int
    last: int
    passed: float

    @property
    def used(self) -> int:
        """The number that counts against a limit now."""
        return self.this + math.ceil(self.last * (1 - self.passed))

    @property
    def reset_seconds(self) -> float:
        """The seconds until nothing counts any more, if nothing is added."""
        left = (1 - self.passed) * MINUTE
        return left + MINUTE if self.this else left if self.last else 0.0

    def seconds_until(self, most: int) -> float:
        """Returns the seconds until no more than `most` counts, if nothing is added."""
        if self.used <= most:
            return 0.0
        if most < 0:
            return self.reset_seconds or MINUTE
        left = (1 - self.passed) * MINUTE
        if self.this <= most:
            # as much of the last minute as may still count
            return left - (most - self.this) / self.last * MINUTE
        return left + (1 - most / self.this) * MINUTE


class MinuteLog:
    """Requests and tokens by name, of this minute and the one before."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[tuple[str, str], MinuteCounts]] = {}

    def add(self, project: str, model: str, *, requests: int, tokens: int, now: float) -> None:
        minute = int(now) // MINUTE
        if minute not in self._minutes:
            self._minutes = {
                kept: counts for kept, counts in self._minutes.items() if kept >= minute - 1
            }
        counts = self._minutes.setdefault(minute, {})
        key = (project, model)
        counts[key] = counts.get(key, MinuteCounts()).plus(requests, tokens)

    def of_minute(self, minute: int, project: str) -> dict[str, MinuteCounts]:
        """Returns the counts of a project in a minute, by model."""
        found = self._minutes.get(minute, {})
        return {model: counts for (owner, model), counts in found.items() if owner == project}


def duration(seconds: float) -> str:
    """Returns a duration as the headers of the original tell it: `120ms`, `7.66s`, `1m20s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = round(seconds, 2)
    minutes, rest = divmod(whole, MINUTE)
    return f"{minutes:.0f}m{round(rest, 2):g}s" if minutes else f"{whole:g}s"
