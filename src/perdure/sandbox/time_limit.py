"""Time limit of an execution."""

import asyncio


class TimeLimit:
    """A limit of `seconds` in all, followed by some grace to stop in."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_up = False
        self._until = _now() + seconds

    @property
    def left(self) -> float:
        """The seconds left, at least 0."""
        return max(self._until - _now(), 0)

    def end(self, *, grace: float) -> None:
        """Notes that the time is up; `grace` seconds remain to stop in."""
        self.is_up = True
        self._until = _now() + grace

    @property
    def excess(self) -> str:
        """The reason why a session ends whose code did not stop."""
        return (
            f"The code ran for {self.seconds:g} seconds, and did not stop when it was interrupted."
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
