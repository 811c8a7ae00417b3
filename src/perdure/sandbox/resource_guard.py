"""Watch over the resources of a living session."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import random

from perdure.sandbox import resource_usage
from perdure.sandbox.enclosure import Enclosure
from perdure.sandbox.sandbox import SessionLimits

_LOOK_BUSY_SECONDS = 0.2
_LOOK_IDLE_SECONDS = 2.0
# A look takes as long as the code makes it take: this much of the time at most is spent on looking.
_SHARE = 0.1
# in a thread that the kernel does not let go on
_LOOK_MOST_SECONDS = 30.0
_ENDED = "The Python process ended unexpectedly."


class Guard:
    """Measures an enclosure from time to time until there is a reason to end it, and reports that
    once.
    """

    def __init__(
        self, enclosure: Enclosure, limits: SessionLimits, report: Callable[[str], object]
    ) -> None:
        self._enclosure = enclosure
        self._limits = limits
        self._report = report
        self._busy = asyncio.Event()
        self._rests = 0
        # CPU time at the first look of this rest
        self._rested_at: float | None = None
        self._watching = asyncio.create_task(self._watch(), name="watch")
        self._watching.add_done_callback(self._watched)

    def set_busy(self) -> None:
        """Notes that code runs from now on."""
        self._busy.set()

    def set_idle(self) -> None:
        """Notes that no code should run any more."""
        self._busy.clear()
        self._rests += 1
        self._rested_at = None

    def stop(self) -> None:
        self._watching.cancel()

    def _watched(self, watching: asyncio.Task[str]) -> None:
        if watching.cancelled():
            return
        # what cannot be watched does not go on
        self._report(resource_usage.NOT_MEASURED if watching.exception() else watching.result())
        watching.result()

    async def _watch(self) -> str:
        """Returns the reason why the session has to end, once there is one."""
        while True:
            effort, why = await self._look()
            if why is not None:
                return why
            await asyncio.sleep(max(_LOOK_BUSY_SECONDS, effort / _SHARE))
            with suppress(TimeoutError):
                # at no time that code could foresee
                async with asyncio.timeout(_LOOK_IDLE_SECONDS * 2 * random()):  # noqa: S311
                    await self._busy.wait()

    async def _look(self) -> tuple[float, str | None]:
        """Returns the seconds that a measurement cost, and the reason why the session has to end,
        if there is one.
        """
        if self._enclosure.is_gone:
            return 0, _ENDED
        rest = None if self._busy.is_set() else self._rests
        try:
            async with asyncio.timeout(_LOOK_MOST_SECONDS):
                usage = await self._enclosure.usage()
        except TimeoutError:
            return 0, resource_usage.NOT_MEASURED
        why = resource_usage.excess(usage, self._limits)
        if why is None and rest == self._rests and not self._busy.is_set():
            why = self._idling(usage.cpu_seconds)
        return usage.effort_seconds, why

    def _idling(self, cpu_seconds: float) -> str | None:
        if self._rested_at is None:
            self._rested_at = cpu_seconds
        if cpu_seconds - self._rested_at > self._limits.idle_cpu_seconds:
            return "It went on computing after its code had ended."
        return None
