"""A clock that stands still until it is moved, so that ten minutes take no time at all."""


class ManualClock:
    """A clock for tests: it moves only by `advance`."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the time forward."""
        self._now += seconds
