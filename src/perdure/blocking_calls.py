"""Work that blocks, in a thread that nobody runs away from."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


async def run(work: Callable[[], T], threads: Executor | None = None) -> T:
    """Does the work in a thread, and waits for its end, however often the caller is cancelled
    meanwhile: who closes a file that a thread still uses may close another one's number.

    `threads`: whose; by default the event loop's own.
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
    working.exception()  # taken, so that nobody is told of it
    raise cancelled


@asynccontextmanager
async def held(
    take: Callable[[], T], give_back: Callable[[T], object], threads: Executor | None = None
) -> AsyncGenerator[T, None]:
    """What a thread takes, such as an open file, until the block ends. It is given back in a thread
    too, also where the caller was cancelled while it was being taken.
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
