"""Blocking work in threads. Its caller waits for its end even when cancelled."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


async def run(work: Callable[[], T], threads: Executor | None = None) -> T:
    """Does the work in a thread and waits for its end, however often the caller is cancelled
    meanwhile. A caller that closes a file which a thread still uses may close another file with the
    same number.

    `threads` is the executor; by default the event loop's own.
    """
    working = asyncio.get_running_loop().run_in_executor(threads, work)
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return working.result()
    working.exception()  # read, so that the event loop does not report it
    raise cancelled


@asynccontextmanager
async def acquire(
    take: Callable[[], T], give_back: Callable[[T], object], threads: Executor | None = None
) -> AsyncGenerator[T, None]:
    """Acquires an object in a thread, such as an open file, until the block ends. It is released in
    a thread too, also where the caller was cancelled while it was being acquired.
    """
    taken: list[T] = []

    def note() -> None:
        taken.append(take())

    try:
        await run(note, threads)
        yield taken[0]
    finally:
        if taken:
            await run(lambda: give_back(taken[0]), threads)
