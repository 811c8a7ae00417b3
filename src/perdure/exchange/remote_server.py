"""A server of this API, or of its like, that objects are fetched from.

It may be slow, refuse for a while, break off bodies, and change its lists meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from perdure.errors import PerdureError
from perdure.wire.base import decode

T = TypeVar("T")

_TRIES = 10
_LONGEST_PAUSE = 600.0
_PAGE = 100
_MOST_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=120)

Headers = Callable[[bool], Awaitable[Mapping[str, str]]]


class FetchFailed(PerdureError):
    """An object cannot be fetched. `status` is that of the answer, if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Broken(Exception):
    """An answer that is worth another try, after so many seconds where the server says so."""

    def __init__(self, reason: str, after: float | None = None, status: int | None = None) -> None:
        super().__init__(reason)
        self.after = after
        self.status = status


class RemoteServer:
    """Fetches from one server. `headers` returns those with the key, renewed if asked; `query` is
    sent with every request. At most `at_once` requests are under way.
    """

    def __init__(
        self,
        base_url: str,
        headers: Headers,
        query: Mapping[str, str],
        *,
        at_once: int = 8,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = headers
        self._query = query
        self._places = asyncio.Semaphore(at_once)
        self._pause = pause
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Returns an object. Raises `FetchFailed`."""

        async def read(answer: aiohttp.ClientResponse) -> dict[str, Any]:
            content = bytearray()
            async for block in answer.content.iter_chunked(_BLOCK_BYTES):
                content += block
                if len(content) > _MOST_BYTES:
                    raise FetchFailed(f"{path} is larger than {_MOST_BYTES} bytes.")
            try:
                found: dict[str, Any] = decode(bytes(content), dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                raise _Broken("the answer is no JSON object") from None
            return found

        return await self._retried(path, query, read)

    async def all(self, path: str) -> AsyncGenerator[dict[str, Any], None]:
        """Yields the objects of a list, the oldest first, each once. A list that changes meanwhile
        may have others at its end. Raises `FetchFailed`.
        """
        seen: set[str] = set()
        after: str | None = None
        while True:
            query = {"limit": str(_PAGE), "order": "asc"}
            try:
                page = await self.get(path, **(query | ({"after": after} if after else {})))
            except FetchFailed as error:
                if after is None or error.status not in (400, 404):
                    raise
                # The object that the page begins behind was deleted: from the start again.
                after = None
                continue
            found = [
                each
                for each in page.get("data") or ()
                if isinstance(each, dict) and isinstance(each.get("id"), str)
            ]
            new = [each for each in found if each["id"] not in seen]
            for each in new:
                seen.add(each["id"])
                yield each
            if not found or not page.get("has_more") or found[-1]["id"] == after:
                return
            after = found[-1]["id"]

    async def download(self, path: str, file: BinaryIO) -> int:
        """Writes a content to a file. Returns its size. Raises `FetchFailed`."""

        async def read(answer: aiohttp.ClientResponse) -> int:
            file.seek(0)
            file.truncate()
            async for block in answer.content.iter_chunked(_BLOCK_BYTES):
                file.write(block)
            return file.tell()

        return await self._retried(path, {}, read)

    async def _retried(
        self,
        path: str,
        query: Mapping[str, str],
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        for tried in range(1, _TRIES + 1):
            try:
                async with self._places, self._answer(path, query) as answer:
                    return await read(answer)
            except (aiohttp.ClientError, TimeoutError) as error:
                broken = _Broken(str(error) or type(error).__name__)
            except _Broken as error:
                broken = error
            if tried == _TRIES:
                raise FetchFailed(
                    f"{path} cannot be fetched: {broken}, {_TRIES} times.", broken.status
                )
            wait = broken.after if broken.after is not None else min(2.0**tried, 60.0)
            await self._pause(min(wait, _LONGEST_PAUSE))
        raise AssertionError("the last try raises")

    @asynccontextmanager
    async def _answer(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        assert self._session is not None  # noqa: S101 # within `async with`
        url, params = self._base + path, {**self._query, **query}
        for renewed in (False, True):
            headers = await self._headers(renewed)
            async with self._session.get(
                url, params=params, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status == 401 and not renewed:
                    continue  # a token may have run out
                _check(answer, path)
                yield answer
                return


def _check(answer: aiohttp.ClientResponse, path: str) -> None:
    if answer.status in _AGAIN:
        told = answer.headers.get("retry-after", "")
        after = float(told) if told.isascii() and told.isdigit() and len(told) < 6 else None
        raise _Broken(f"HTTP status {answer.status}", after, answer.status)
    if answer.status != 200:
        raise FetchFailed(f"{path} is answered with HTTP status {answer.status}.", answer.status)


def part(text: str) -> str:
    """Returns a text as a part of a path."""
    return quote(text, safe="")
