"""The threads in which a database answers queries, so that the event loop does not wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from perdure.errors import Unavailable
from perdure.storage.database import Transaction

P = ParamSpec("P")
T = TypeVar("T")


def closed_error() -> Unavailable:
    """Returns the error of a call to a database that is not open."""
    return Unavailable("The database is closed.")


class Readers:
    """Threads that run queries. `read` runs one in a transaction of its own."""

    def __init__(self, read: Callable[[Callable[[Transaction], Any]], Any], *, count: int) -> None:
        self._run = read
        self._count = count
        self._threads: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Makes the threads; each starts when it is first needed."""
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="perdure-reader")

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.read`."""
        if self._threads is None:
            raise closed_error()

        def run() -> T:
            result: T = self._run(lambda transaction: query(transaction, *args, **kwargs))
            return result

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def close(self) -> None:
        """Waits for the queries that run, and takes no more."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
