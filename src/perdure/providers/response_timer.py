"""Limits on the time of a model server's response, with one timer for all of it.

aiohttp would start a timer with each read, and enter a context with each wait.
"""

import asyncio
from types import TracebackType
from typing import Self

import aiohttp


class ResponseTimer:
    """Ends a response that is silent for `idle_seconds`, or not complete after `total_seconds`:
    who reads its content gets a `TimeoutError`. Silence counts only while all that came is read.
    """

    def __init__(
        self, content: aiohttp.StreamReader, *, idle_seconds: float, total_seconds: float
    ) -> None:
        self._content = content
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + total_seconds
        self._read_at, self._read_bytes = self._loop.time(), 0
        self._timer = self._loop.call_later(min(idle_seconds, total_seconds), self._look)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def note_read(self) -> None:
        """Notes that all that came was read. Once a token."""
        self._read_at, self._read_bytes = self._loop.time(), self._content.total_bytes

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._end:
            self._content.set_exception(TimeoutError("The response takes too long"))
            return
        silent_at = self._read_at + self._idle_seconds
        if self._content.total_bytes > self._read_bytes:
            silent_at = now + self._idle_seconds  # it is the reader who is slow
        elif now >= silent_at:
            self._content.set_exception(aiohttp.SocketTimeoutError("The response is silent"))
            return
        self._timer = self._loop.call_at(min(silent_at, self._end), self._look)
