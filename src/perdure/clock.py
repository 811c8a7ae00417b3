"""The clock, which is injected once.

Everything that needs the time takes a `Clock`. The program runs on `SystemClock`; tests run on
`testing.manual_clock.ManualClock`.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of the time."""

    def now(self) -> float:
        """Returns the time in Unix seconds (UTC), with fractions."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()
