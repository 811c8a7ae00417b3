"""Any server that answers `/v1/chat/completions` the way OpenAI does."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec
import stamina

from perdure import urls
from perdure.errors import ConfigurationError, ProviderError
from perdure.providers import extras, faults, model_list, told_windows, usage
from perdure.providers.answers import AnswerReader
from perdure.providers.faults import Origin, Refusal
from perdure.providers.provider import Relayed, ToldWindow
from perdure.providers.told_windows import ToldWindows
from perdure.wire.base import JsonObject
from perdure.wire.chat import ChatChunk, ChatRequest, ChatUsage
from perdure.wire.lists import Model

_CONNECT_SECONDS = 10.0
# An answer that takes longer than this is given up; runs expire long before.
_TOTAL_SECONDS = 3600.0
# A list of models is asked for while somebody looks on.
_LISTING = aiohttp.ClientTimeout(total=10.0)
_MODELS_SECONDS = 30.0
# How long the end of a response may lag behind `[DONE]` before its connection is given up.
_END_SECONDS = 1.0
_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
_MAX_ERROR_BYTES = 64 * 1024
_MAX_TOLD_BYTES = 8 * 1024 * 1024
_MAX_LIST_BYTES = 64 * 1024 * 1024
# Not every server knows these; a run can do without them.
_OPTIONAL = (
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "temperature",
    "top_p",
)
_DROPPED_HEADERS = frozenset({"api-key", "authorization", "connection", "content-encoding",
                              "content-length", "cookie", "date", "host", "keep-alive",
                              "proxy-authenticate", "proxy-authorization", "server", "set-cookie",
                              "te", "trailer", "transfer-encoding", "upgrade",
                              "www-authenticate"})  # fmt: skip


class _Passing(Exception):
    """A fault that may pass: worth another attempt."""

    def __init__(self, error: ProviderError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


class OpenAIProvider:
    """One model server; see `Provider`.

    `idle_seconds` bounds the silence between two pieces of an answer. Raises
    `ConfigurationError` for a key that cannot be sent, or not with this base URL.
    """

    def __init__(
        self, base_url: str, *, api_key: str | None = None, idle_seconds: float = 120.0
    ) -> None:
        self._base_url = base_url.rstrip("/")
        # What messages call the server: without a password.
        self._where = urls.without_login(base_url)
        if api_key and self._where != self._base_url:
            raise ConfigurationError(
                f"The model server at {self._where} has both an API key and a password in its "
                "base_url; it can be sent one of them."
            )
        # A key from a file ends in a line end, which no header takes.
        self._api_key = api_key.strip() if api_key else None
        if self._api_key and not (self._api_key.isascii() and self._api_key.isprintable()):
            raise ConfigurationError(
                f"The API key of the model server at {self._where} holds a character that no "
                "HTTP header takes."
            )
        self._timeout = aiohttp.ClientTimeout(
            total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS, sock_read=idle_seconds
        )
        self._session: aiohttp.ClientSession | None = None
        self._windows = ToldWindows(self._base_url, self._told)
        self._models: tuple[float, list[Model]] | None = None
        # What this server does not know, by model: learnt from its refusals.
        self._unknown: dict[str, set[str]] = {}

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        response = await self._accepted(request)
        answer = AnswerReader(Origin(self._where, request.model, self._api_key))
        broken, left = None, b""
        try:
            async for received in response.content.iter_any():
                for chunk in answer.feed(received):
                    yield chunk
                if answer.has_ended:
                    break
            if answer.failure is None:
                await _read_to_end(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            broken, left = self._broken(error), _arrived(response.content)
        finally:
            # Closes the connection when the answer was not read to its end.
            response.close()
        for chunk in (*answer.feed(left), *answer.end(broken)):
            yield chunk
        if answer.failure is not None:
            raise answer.failure
        if answer.extras is not None or not answer.ends_with_usage:
            yield ChatChunk(usage=await _usage(answer, request), extras=answer.extras)

    async def models(self) -> list[Model]:
        now = time.monotonic()
        if self._models is None or now - self._models[0] > _MODELS_SECONDS:
            self._models = (now, await self._fetch_models())
        return self._models[1]

    async def told_window(self, model: str) -> ToldWindow | None:
        return await self._windows.of(model)

    @asynccontextmanager
    async def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Relayed]:
        try:
            response = await self._http().post(
                f"{self._base_url}/{path}",
                data=body,
                headers={**_kept(headers), **self._headers()},
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error
        del body  # it may be large, and the answer long
        async with response:
            yield Relayed(response.status, _kept(response.headers), self._relayed(response))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _accepted(self, request: ChatRequest) -> aiohttp.ClientResponse:
        """The response of a server that takes the request; parameters that it does not know are
        left out, now and later.
        """
        unknown = set(self._unknown.get(request.model, ()))
        while True:
            body = _body(request, unknown, self._where)
            response = await self._post(body)
            if response.status == 200:
                if unknown:
                    # Another request may have learnt something else meanwhile.
                    self._unknown.setdefault(request.model, set()).update(unknown)
                return response
            refusal = await self._refusal(response)
            named = {name for name in _OPTIONAL if name in body and refusal.names(name)}
            sent = extras.names_in(body["messages"])  # type: ignore[arg-type] # see `_body`
            named |= {name for name in sent if refusal.bars(name)}
            if "max_tokens" in body and refusal.prefers("max_completion_tokens"):
                named.add("max_tokens")
            wanted = body.get("response_format")
            if isinstance(wanted, dict) and refusal.lacks_format:
                # Not left out: text in another form would look like an answer.
                raise faults.lacking_format(refusal, where=self._where, kind=str(wanted["type"]))
            if not named:
                raise self._error(refusal, request.model)
            unknown |= named

    async def _post(self, body: JsonObject) -> aiohttp.ClientResponse:
        """Sends a request; passing faults are tried again until one answers otherwise."""
        encoded, model = msgspec.json.encode(body), str(body["model"])
        try:
            async for attempt in stamina.retry_context(
                on=_wait, attempts=_ATTEMPTS, timeout=None, wait_max=8.0
            ):
                with attempt:
                    return await self._attempt(encoded, model)
        except _Passing as passing:
            raise passing.error from passing
        raise AssertionError("a retry without an outcome")

    async def _attempt(self, body: bytes, model: str) -> aiohttp.ClientResponse:
        try:
            response = await self._http().post(
                f"{self._base_url}/chat/completions",
                data=body,
                headers={**self._headers(), "content-type": "application/json"},
                # Followed, a POST would become a GET, or take the prompt somewhere else.
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            broken = self._broken(error)
            raise (_Passing(broken) if _may_pass(error) else broken) from error
        if response.status in (200, 400, 401, 403, 404, 422):
            return response
        refusal = await self._refusal(response)
        error_ = self._error(refusal, model)
        if refusal.passing and (refusal.retry_after or 0) <= _LONGEST_WAIT:
            raise _Passing(error_, refusal.retry_after)
        raise error_

    async def _fetch_models(self) -> list[Model]:
        try:
            async with self._http().get(
                f"{self._base_url}/models", headers=self._headers(), timeout=_LISTING
            ) as response:
                if response.status == 404:
                    raise ProviderError(f"The model server at {self._where} does not list models.")
                if response.status != 200:
                    raise self._error(await self._refusal(response), "")
                return model_list.read(await _read(response, _MAX_LIST_BYTES))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise faults.unreadable(Origin(self._where, "", self._api_key)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error

    async def _told(self, url: str, body: JsonObject | None) -> JsonObject | None:
        """A JSON object that the server has at a URL, beside the API."""
        method = "GET" if body is None else "POST"
        try:
            async with self._http().request(
                method, url, json=body, headers=self._headers(), allow_redirects=False
            ) as response:
                if response.status != 200:
                    return None
                return told_windows.read(await _read(response, _MAX_TOLD_BYTES))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error

    async def _relayed(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body as it is, but for our key: some servers repeat it when they refuse it."""
        if response.status >= 400 and self._api_key:
            body = await self._error_body(response)
            yield body.replace(self._api_key.encode(), b"***")
            return
        try:
            async for data in response.content.iter_any():
                yield data
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error

    async def _refusal(self, response: aiohttp.ClientResponse) -> Refusal:
        async with response:
            body = await self._error_body(response)
        return faults.read(response.status, response.headers, body, secret=self._api_key)

    async def _error_body(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await _read(response, _MAX_ERROR_BYTES)
        except (aiohttp.ClientError, TimeoutError):
            # The status has come, and says enough.
            return b""

    def _error(self, refusal: Refusal, model: str) -> ProviderError:
        return faults.to_error(refusal, where=self._where, model=model)

    def _broken(self, error: Exception) -> ProviderError:
        where = f"The model server at {self._where}"
        match error:
            case TimeoutError():
                return ProviderError(f"{where} did not answer in time.")
            case aiohttp.ClientConnectorDNSError():
                return ProviderError(f"{where} cannot be reached: its host name is not known.")
            case aiohttp.ClientSSLError():
                return ProviderError(f"{where} cannot be reached: TLS failed, {error}")
            case aiohttp.ClientConnectorError():
                return ProviderError(f"{where} cannot be reached.")
            case _:
                return ProviderError(f"The connection to the model server at {self._where} broke.")

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As many connections as there are runs: a run must not wait for another's answer.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session


def _wait(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if the server said so."""
    if not isinstance(error, _Passing):
        return False
    return True if error.retry_after is None else error.retry_after


def _may_pass(error: Exception) -> bool:
    """Whether a connection that failed is worth another attempt."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return True
    # A server that is slow has the request already: the same again would double its work.
    return not isinstance(error, TimeoutError | aiohttp.ClientSSLError | aiohttp.InvalidURL)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or as much of it as the limit lets through."""
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > limit:
            break
    return bytes(body[:limit])


def _arrived(content: aiohttp.StreamReader) -> bytes:
    """What had arrived before the connection broke, and was not read yet."""
    with suppress(TimeoutError):
        # It stands behind the error, which would be raised first.
        content.set_exception(None)  # type: ignore[arg-type] # as it is at the beginning
        return content.read_nowait()
    return b""


async def _read_to_end(response: aiohttp.ClientResponse) -> None:
    """Reads what stands behind `[DONE]`, so that the connection can be used again."""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in response.content.iter_any():
                pass


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that concern the other side: no credentials, nothing of this connection."""
    return {name: v for name, v in headers.items() if name.lower() not in _DROPPED_HEADERS}


def _body(request: ChatRequest, unknown: set[str], server: str) -> JsonObject:
    """The request as this server understands it."""
    plain = msgspec.to_builtins(request)
    messages = extras.put_back(plain["messages"], request, server=server, unknown=unknown)
    body: JsonObject = {
        "stream": True,
        "stream_options": {"include_usage": True},
        **plain,
        "messages": messages,
    }
    if "max_tokens" in body and "max_tokens" in unknown:
        body["max_completion_tokens"] = body["max_tokens"]
    return {name: value for name, value in body.items() if name not in unknown}


async def _usage(answer: AnswerReader, request: ChatRequest) -> ChatUsage:
    """What the server told; counted here where it did not."""
    told = answer.usage
    if told is not None and usage.is_whole(told, written=bool(answer.written)):
        return told
    # In a thread: a prompt can be long.
    return await asyncio.to_thread(usage.completed, told, request, answer.written)
