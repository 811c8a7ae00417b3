"""The small HTTP client of the command line, for Perdure's own API only."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import aiohttp

from perdure import settings, urls
from perdure.cli.address import url_of
from perdure.cli.terminal import line
from perdure.errors import ConfigurationError, PerdureError
from perdure.settings import Settings
from perdure.tls import trust
from perdure.wire.base import decode, encode
from perdure.wire.lists import ErrorEnvelope

T = TypeVar("T")

_NO_API = "The server answered with something that is no object of the API: is its URL right?"
# A silent event stream is kept alive by comment lines: only connecting may take too long.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)


class ServerEvent(NamedTuple):
    """An event of a stream. The id is the place to go on behind, if it has one."""

    id: str
    name: str
    data: bytes


class RequestFailed(PerdureError):
    """The server refused the request, or cannot be reached. The message is for the user."""


class RequestRefused(RequestFailed):
    """The server answered, and refused this one request with an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Calls one server. Every method raises `RequestFailed`."""

    def __init__(self, url: str, api_key: str, trusted: ssl.SSLContext | None = None) -> None:
        """Makes a client. `trusted` are the certificates that it trusts; by default those that this
        machine trusts.
        """
        self._trusted = trusted
        self._base = url.rstrip("/").removesuffix("/v1") + "/v1"
        self._api_key = api_key
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "OpenAI-Beta": "assistants=v2",
        }
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, kind: type[T]) -> T:
        async with self._answer("GET", path, None) as answer:
            return read(await answer.read(), kind)

    async def post(self, path: str, body: object, kind: type[T]) -> T:
        async with self._answer("POST", path, _json(body)) as answer:
            return read(await answer.read(), kind)

    async def upload(
        self,
        path: str,
        filename: str,
        content: AsyncIterable[bytes],
        fields: Mapping[str, str],
        kind: type[T],
    ) -> T:
        """Sends a form with the field `file`, and the other fields before it."""
        # names go as they are, in UTF-8: servers do not decode what browsers do not encode
        form = aiohttp.FormData(fields, quote_fields=False)
        try:
            form.add_field(
                "file", content, filename=filename, content_type="application/octet-stream"
            )
        except ValueError:
            raise RequestFailed(f"No file can be sent with the name '{line(filename)}'.") from None
        async with self._answer("POST", path, form) as answer:
            return read(await answer.read(), kind)

    async def delete(self, path: str) -> None:
        async with self._answer("DELETE", path, None) as answer:
            await answer.read()

    async def stream(self, path: str, body: object) -> AsyncGenerator[tuple[str, bytes], None]:
        """Yields the events of a run: names and data (spec 04 §1), up to and without `done`."""
        async with self._answer("POST", path, _json(body)) as answer:
            async for event in _events(answer.content):
                yield event.name, event.data

    async def events(self, path: str) -> AsyncGenerator[ServerEvent, None]:
        """Yields the events of a stream that is asked for by its path, up to and without `done`."""
        async with self._answer("GET", path, None) as answer:
            if answer.content_type != "text/event-stream":
                raise RequestFailed(_NO_API)
            async for event in _events(answer.content):
                yield event

    async def blocks(self, path: str) -> AsyncGenerator[bytes, None]:
        """Yields the body of an answer as it comes."""
        async with self._answer("GET", path, None) as answer:
            async for block in answer.content.iter_any():
                yield block

    async def send(self, path: str, content: AsyncIterable[bytes], kind: type[T]) -> T:
        """Sends a body as it comes."""
        payload = aiohttp.AsyncIterablePayload(content, content_type="application/octet-stream")
        async with self._answer("POST", path, payload) as answer:
            return read(await answer.read(), kind)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, data: aiohttp.Payload | aiohttp.FormData | None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=_TIMEOUT,
                connector=aiohttp.TCPConnector(ssl=self._trusted or True),
            )
        try:
            async with self._session.request(method, self._base + path, data=data) as answer:
                if answer.status >= 400:
                    said = _message(await answer.read(), answer.status)
                    raise RequestRefused(self._harmless(said), answer.status)
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            why = self._harmless(str(error.certificate_error))
            raise RequestFailed(
                f"The certificate of the server at {self._base} is not trusted: {why} "
                "Name the file of one that you trust with --ca-cert."
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            why = self._harmless(str(error))
            raise RequestFailed(f"The server at {self._base} cannot be reached: {why}") from None

    def _harmless(self, said: str) -> str:
        """Returns a server's text on one line and without the API key, which some servers repeat
        when they refuse it.
        """
        return line(said).replace(self._api_key, "***")


async def _events(content: aiohttp.StreamReader) -> AsyncGenerator[ServerEvent, None]:
    event_id = name = ""
    rest = b""
    async for block in content.iter_any():
        *lines, rest = (rest + block).split(b"\n")
        for each in lines:
            if each.startswith(b"id: "):
                event_id = each[4:].decode(errors="replace")
            elif each.startswith(b"event: "):
                name = each[7:].decode(errors="replace")
            elif each.startswith(b"data: ") and name != "done":
                yield ServerEvent(event_id, name, each[6:])


def connect(
    config: Path | None, url: str | None, api_key: str | None, ca_cert: Path | None = None
) -> Client:
    """Returns a client of the server at the URL, or else of the server that is configured here,
    whose own certificate is trusted then. `ca_cert`: the file of a certificate that is trusted as
    well.
    """
    chosen = settings.load(config=config)
    if api_key is None:
        # a server that needs no key takes any
        api_key = chosen.api_keys[0].get_secret_value() if chosen.api_keys else "perdure"
    return _client(chosen, url, api_key, ca_cert)


def connect_as_admin(
    config: Path | None, url: str | None, admin_key: str | None, ca_cert: Path | None = None
) -> Client:
    """Returns a client with an admin key: the one given, or else that of the settings. Raises
    `ConfigurationError` where there is none.
    """
    chosen = settings.load(config=config)
    if admin_key is None and chosen.admin_key:
        admin_key = chosen.admin_key.get_secret_value()
    if admin_key is None:
        raise ConfigurationError(
            "This needs an admin key: name it with PERDURE_ADMIN_KEY or --admin-key. The first one "
            "is made by perdure keys create --admin, while the server is stopped."
        )
    return _client(chosen, url, admin_key, ca_cert)


def connect_as_operator(
    config: Path | None, url: str | None, admin_key: str | None, ca_cert: Path | None = None
) -> Client:
    """Returns a client with an admin key, as far as there is one: a server without any API key
    takes everybody on its machine for its operator.
    """
    chosen = settings.load(config=config)
    if admin_key is None and chosen.admin_key:
        admin_key = chosen.admin_key.get_secret_value()
    return _client(chosen, url, admin_key or "perdure", ca_cert)


def _client(chosen: Settings, url: str | None, api_key: str, ca_cert: Path | None) -> Client:
    try:
        has_user = "@" in urls.split(url or "").netloc
    except ValueError as error:
        raise ConfigurationError(f"The URL from the flag --url is wrong: {error}.") from None
    if has_user:
        raise ConfigurationError("The URL from the flag --url holds a user: use --api-key instead.")
    trusted = trust.also(ca_cert) if ca_cert else None
    if url is None:
        url = url_of(chosen.host, chosen.port, tls=chosen.tls_cert is not None)
        if chosen.tls_cert and not ca_cert:
            trusted = trust.only(chosen.tls_cert)
    return Client(url, api_key, trusted)


def run(asked: Coroutine[Any, Any, T]) -> T:
    """Runs the requests of a command. Raises `ConfigurationError` instead of `RequestFailed`."""
    try:
        return asyncio.run(asked)
    except RequestFailed as error:
        raise ConfigurationError(str(error)) from None


def read(data: bytes, kind: type[T]) -> T:
    """Returns an object of the API. Raises `RequestFailed` where a server sends something else."""
    try:
        return decode(data, kind)
    except (ValueError, RecursionError):  # no JSON, none of the API, nested too deep
        raise RequestFailed(_NO_API) from None


def _json(body: object) -> aiohttp.BytesPayload | None:
    if body is None:
        return None
    return aiohttp.BytesPayload(encode(body), content_type="application/json")


def _message(body: bytes, status: int) -> str:
    try:
        return read(body, ErrorEnvelope).error.message
    except RequestFailed:
        return f"The server answered with HTTP status {status}."
