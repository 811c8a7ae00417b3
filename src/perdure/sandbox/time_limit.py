"""How long an execution may still go on."""

import asyncio


class TimeLimit:
    """`seconds` in all, and then some grace to stop in."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_up = False
        self._until = _now() + seconds

    @property
    def left(self) -> float:
        """Seconds, never less than none."""
        return max(self._until - _now(), 0)

    def end(self, *, grace: float) -> None:
        """The time is up; so many seconds remain to stop in."""
        self.is_up = True
        self._until = _now() + grace

    @property
    def excess(self) -> str:
        """Why a session ends whose code did not stop."""
        return (
            f"The code ran for {self.seconds:g} seconds, and did not stop when it was interrupted."
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
