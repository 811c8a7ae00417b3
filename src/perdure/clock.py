"""Time, injected once.

Everything that needs the time takes a `Clock`. The program runs on `SystemClock`; tests
run on `ManualClock`, which stands still until it is told to move, so that ten minutes
take no time at all.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """The time in Unix seconds (UTC), with fractions."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock for tests: it moves only by `advance`."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the time forward."""
        self._now += seconds
