"""Background loops: a timer around one `step()`.

Tests call the step; only the program waits.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


async def loop(name: str, step: Callable[[], Awaitable[object]], *, every: float) -> None:
    """Runs the step every so many seconds, until cancelled. A step that fails is logged, and the
    next one runs all the same.
    """
    while True:
        await asyncio.sleep(every)
        try:
            await step()
        except Exception:
            _log.exception("loop_step_broke", loop=name)
