"""An HTTP client that expects its servers to die at any moment, and says so when one did."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import aiohttp

from tests.patience import PATIENCE_SECONDS

_HEADERS = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}
# A server that hangs is given up for another one; its answer may come to nobody. One that is only
# slow answers in the end: each time that none did, it gets twice as long.
_FIRST_PATIENCE_SECONDS = 4.0


class Lost(Exception):
    """No answer came. What was asked for may have been done, or be done yet."""


class Answer(NamedTuple):
    status: int
    body: Any


class Told(NamedTuple):
    """An event of a stream."""

    id: str
    name: str
    data: str


class Client:
    """Asks any of the servers."""

    def __init__(self, urls: Sequence[str], *, seed: int) -> None:
        self._urls = list(urls)
        self._random = random.Random(seed)
        # A connection for each request: none leads to a server that is gone.
        self._session = aiohttp.ClientSession(
            headers=_HEADERS, connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        self._seconds = _FIRST_PATIENCE_SECONDS
        self.broken: list[str] = []

    def add(self, url: str) -> None:
        """There is one more server to be asked."""
        if url not in self._urls:
            self._urls.append(url)

    def remove(self, url: str) -> None:
        """A server is asked no more."""
        self._urls.remove(url)

    async def close(self) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request to one of the servers. Raises `Lost`."""
        return await self._ask(method, path, json=body)

    async def upload(self, name: str, content: bytes) -> Answer:
        """A new file. Raises `Lost`."""
        form = aiohttp.FormData({"purpose": "assistants"})
        form.add_field("file", content, filename=name)
        return await self._ask("POST", "/files", data=form)

    async def content(self, path: str) -> tuple[int, bytes]:
        """The status and the bytes of what is not JSON. Raises `Lost`."""
        url = self._random.choice(self._urls) + path
        patience = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with self._session.get(url, timeout=patience) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._lost("GET", path, error) from None

    async def _ask(self, method: str, path: str, **body: Any) -> Answer:
        url = self._random.choice(self._urls) + path
        patience = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with self._session.request(method, url, timeout=patience, **body) as answer:
                content = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._lost(method, path, error) from None
        self._seconds = _FIRST_PATIENCE_SECONDS
        if answer.status == 503:
            raise Lost(f"{method} {path}: {content}")
        if answer.status >= 500:
            # A bug, whatever was killed: an answer of a living server is never this.
            self.broken.append(f"{method} {path} was answered {answer.status}: {content}")
            raise Lost(self.broken[-1])
        return Answer(answer.status, content)

    async def listen(
        self, method: str, path: str, body: object = None, *, after: str = ""
    ) -> AsyncIterator[Told]:
        """The events of a stream to its end. Raises `Lost` where it breaks before."""
        url = self._random.choice(self._urls) + path
        headers = {"Last-Event-ID": after} if after else {}
        patience = aiohttp.ClientTimeout(sock_connect=self._seconds, sock_read=self._seconds)
        try:
            async with self._session.request(
                method, url, json=body, headers=headers, timeout=patience
            ) as answer:
                if answer.status != 200:
                    raise Lost(f"{method} {path}: {answer.status} {await answer.text()}")
                fields: dict[str, str] = {}
                async for raw in answer.content:
                    line = raw.decode().rstrip("\n")
                    if line and not line.startswith(":"):
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif fields:
                        if fields["event"] == "error":
                            raise Lost(fields["data"])
                        yield Told(fields.get("id", ""), fields["event"], fields["data"])
                        if fields["event"] == "done":
                            return
                        fields = {}
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise self._lost(method, path, error) from None
        raise Lost(f"{method} {path}: the stream broke off")

    def _lost(self, method: str, path: str, error: Exception) -> Lost:
        """What to raise for an answer that did not come."""
        if isinstance(error, TimeoutError):
            self._seconds = min(2 * self._seconds, PATIENCE_SECONDS)
        return Lost(f"{method} {path}: {error!r}")


def decoded(told: Told) -> Any:
    """The object that an event tells."""
    return json.loads(told.data)
