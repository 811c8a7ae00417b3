"""How tests wait: for a condition, and for no longer than a hang.

No test knows how fast its machine is. It waits until something is so, and moves clocks in place of
waiting for them. What does not come ends with `PATIENCE_SECONDS`, which nothing else comes to.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary, ref

# Long enough for the slowest machine; nothing waits for it when all is well. A test may wait
# several times: see `timeout` of pytest in pyproject.toml.
PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.02


async def until(is_so: Callable[[], object]) -> None:
    """Waits for what other threads or processes bring about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 # nothing here could set an event
            await asyncio.sleep(_LOOK_SECONDS)


def wait_until(is_so: Callable[[], object]) -> None:
    """The same, where there is no event loop."""
    latest = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > latest:
            raise TimeoutError
        time.sleep(_LOOK_SECONDS)


async def pause() -> None:
    """Lets others work between two looks that cost something, such as requests."""
    await asyncio.sleep(_LOOK_SECONDS)


_passed: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


def pass_time(seconds: float) -> None:
    """Moves the clock of the running event loop on: whatever was to be over by then is over now."""
    loop = asyncio.get_running_loop()
    if loop not in _passed:
        loop.time = partial(_later, loop.time, ref(loop))  # type: ignore[method-assign]
    _passed[loop] = _passed.get(loop, 0.0) + seconds


def _later(
    clock: Callable[[], float], loop: Callable[[], asyncio.AbstractEventLoop | None]
) -> float:
    running = loop()
    assert running is not None
    return clock() + _passed[running]
