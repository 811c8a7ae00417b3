"""Any server that answers `/v1/chat/completions` the way OpenAI does."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import msgspec
import stamina
from msgspec.structs import replace

from perdure.errors import ProviderError
from perdure.providers import faults, tokens
from perdure.providers.faults import Refusal
from perdure.providers.provider import Relayed
from perdure.providers.sse import SSEDecoder
from perdure.wire.base import JsonObject, Object, decode
from perdure.wire.chat import (
    ChatChunk,
    ChatRequest,
    ChatUsage,
    Choice,
    ChoiceDelta,
    ToolCallDelta,
)
from perdure.wire.lists import Model

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
_MODELS_SECONDS = 30.0
_MAX_ERROR_BYTES = 64 * 1024
# A stream without end is cut here: far beyond any context window.
_MAX_STREAM_BYTES = 64 * 1024 * 1024
# Not every server knows these; a run can do without them.
_OPTIONAL = (
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "temperature",
    "top_p",
)
_CAPS = ("max_tokens", "max_completion_tokens")
_SECRET_HEADERS = frozenset({"authorization", "api-key", "set-cookie", "www-authenticate"})
_HOP_HEADERS = frozenset({"connection", "content-length", "content-encoding", "keep-alive",
                          "transfer-encoding", "date", "server"})  # fmt: skip


class _Passing(Exception):
    """A fault that may pass: worth another attempt."""

    def __init__(self, error: ProviderError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


class OpenAIProvider:
    """One model server; see `Provider`.

    `idle_seconds` bounds the silence between two pieces of an answer.
    """

    def __init__(
        self, base_url: str, *, api_key: str | None = None, idle_seconds: float = 120.0
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=_CONNECT_SECONDS, sock_read=idle_seconds
        )
        self._session: aiohttp.ClientSession | None = None
        self._models: tuple[float, list[Model]] | None = None
        # What this server does not know, by model: learnt from its refusals.
        self._unknown: dict[str, set[str]] = {}

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        response = await self._accepted(request)
        written: list[str] = []
        usage = finished = False
        try:
            async for chunk in self._answer(response):
                if chunk.error is not None:
                    raise self._error(faults.in_stream(chunk.error), request.model)
                for choice in chunk.choices:
                    finished = finished or choice.finish_reason is not None
                    if not usage and choice.delta.content:
                        written.append(choice.delta.content)
                usage = usage or chunk.usage is not None
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error
        finally:
            # Closes the connection when the answer was not read to its end.
            response.close()
        if not finished:
            raise ProviderError(f"The model server at {self._base_url} ended its answer too early.")
        if not usage:
            yield ChatChunk(usage=await asyncio.to_thread(_count, request, "".join(written)))

    async def models(self) -> list[Model]:
        now = time.monotonic()
        if self._models is None or now - self._models[0] > _MODELS_SECONDS:
            self._models = (now, await self._fetch_models())
        return self._models[1]

    @asynccontextmanager
    async def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Relayed]:
        try:
            response = await self._http().post(
                f"{self._base_url}/{path}", data=body, headers={**self._headers(), **headers}
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error
        async with response:
            dropped = _SECRET_HEADERS | _HOP_HEADERS
            kept = {k: v for k, v in response.headers.items() if k.lower() not in dropped}
            yield Relayed(response.status, kept, response.content.iter_any())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _accepted(self, request: ChatRequest) -> aiohttp.ClientResponse:
        """The response of a server that takes the request; parameters that it does not know are
        left out, now and later.
        """
        unknown = self._unknown.setdefault(request.model, set())
        while True:
            body = _body(request, unknown)
            response = await self._post(body)
            if response.status == 200:
                return response
            refusal = await _read(response)
            refused = [name for name in (*_OPTIONAL, *_CAPS) if name in body]
            named = {name for name in refused if refusal.names(name)} - unknown
            if not named or unknown >= set(_CAPS):
                raise self._error(refusal, request.model)
            unknown |= named

    async def _post(self, body: JsonObject) -> aiohttp.ClientResponse:
        """Sends a request; passing faults are tried again until one answers otherwise."""
        try:
            async for attempt in stamina.retry_context(
                on=_wait, attempts=_ATTEMPTS, timeout=None, wait_max=8.0
            ):
                with attempt:
                    return await self._attempt(msgspec.json.encode(body), str(body["model"]))
        except _Passing as passing:
            raise passing.error from passing
        raise AssertionError("a retry without an outcome")

    async def _attempt(self, body: bytes, model: str) -> aiohttp.ClientResponse:
        try:
            response = await self._http().post(
                f"{self._base_url}/chat/completions",
                data=body,
                headers={**self._headers(), "content-type": "application/json"},
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Passing(self._broken(error)) from error
        if response.status in (200, 400, 401, 403, 404, 422):
            return response
        refusal = await _read(response)
        error_ = self._error(refusal, model)
        if refusal.passing and (refusal.retry_after or 0) <= _LONGEST_WAIT:
            raise _Passing(error_, refusal.retry_after)
        raise error_

    async def _answer(self, response: aiohttp.ClientResponse) -> AsyncIterator[ChatChunk]:
        """The chunks of a streamed answer, or the one of a server that does not stream."""
        if response.content_type == "application/json":
            yield self._decoded(await response.read(), _Whole).chunk()
            return
        decoder, received = SSEDecoder(), 0
        async for data in response.content.iter_any():
            received += len(data)
            if received > _MAX_STREAM_BYTES:
                raise ProviderError(f"The answer of {self._base_url} does not end.")
            for payload in decoder.feed(data):
                if payload == b"[DONE]":
                    return
                yield self._decoded(payload, ChatChunk)
        for payload in decoder.end():
            if payload != b"[DONE]":
                yield self._decoded(payload, ChatChunk)

    def _decoded(self, payload: bytes, kind: type[T]) -> T:
        try:
            return decode(payload, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ProviderError(
                f"The model server at {self._base_url} sent what cannot be read as an answer."
            ) from error

    async def _fetch_models(self) -> list[Model]:
        try:
            async with self._http().get(
                f"{self._base_url}/models", headers=self._headers()
            ) as response:
                if response.status != 200:
                    raise self._error(await _read(response), "")
                return self._decoded(await response.read(), _Listed).models()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error

    def _error(self, refusal: Refusal, model: str) -> ProviderError:
        if self._api_key:
            message = refusal.message.replace(self._api_key, "***")
            refusal = refusal._replace(message=message)
        return faults.to_error(refusal, where=self._base_url, model=model)

    def _broken(self, error: Exception) -> ProviderError:
        if isinstance(error, TimeoutError):
            return ProviderError(f"The model server at {self._base_url} did not answer in time.")
        if isinstance(error, aiohttp.ClientConnectorError):
            return ProviderError(f"The model server at {self._base_url} cannot be reached.")
        return ProviderError(f"The connection to the model server at {self._base_url} broke.")

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As many connections as there are runs: a run must not wait for another's answer.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session


class _ListedModel(Object):
    id: str
    created: int | float | None = None
    owned_by: str | None = None


class _Listed(Object):
    data: list[_ListedModel] = []

    def models(self) -> list[Model]:
        return [
            Model(id=model.id, created=int(model.created or 0), owned_by=model.owned_by or "")
            for model in self.data
        ]


class _WholeMessage(Object):
    """The answer of a server that does not stream, in one piece."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class _WholeChoice(Object):
    message: _WholeMessage
    finish_reason: str | None = None


class _Whole(Object):
    choices: list[_WholeChoice] = []
    usage: ChatUsage | None = None

    def chunk(self) -> ChatChunk:
        return ChatChunk(
            choices=[
                Choice(
                    delta=ChoiceDelta(
                        content=choice.message.content,
                        refusal=choice.message.refusal,
                        tool_calls=_numbered(choice.message.tool_calls),
                    ),
                    finish_reason=choice.finish_reason or "stop",
                )
                for choice in self.choices
            ],
            usage=self.usage,
        )


def _numbered(calls: list[ToolCallDelta] | None) -> list[ToolCallDelta] | None:
    return calls and [replace(call, index=index) for index, call in enumerate(calls)]


def _wait(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if the server said so."""
    if not isinstance(error, _Passing):
        return False
    return True if error.retry_after is None else error.retry_after


async def _read(response: aiohttp.ClientResponse) -> Refusal:
    async with response:
        body = await response.content.read(_MAX_ERROR_BYTES)
        return faults.read(response.status, response.headers, body)


def _body(request: ChatRequest, unknown: set[str]) -> JsonObject:
    """The request as this server understands it."""
    body: JsonObject = {
        "stream": True,
        "stream_options": {"include_usage": True},
        **msgspec.to_builtins(request),
    }
    if "max_tokens" in body and "max_tokens" in unknown:
        body["max_completion_tokens"] = body["max_tokens"]
    return {name: value for name, value in body.items() if name not in unknown}


def _count(request: ChatRequest, written: str) -> ChatUsage:
    prompt = tokens.count_messages(request.messages, request.tools)
    completion = tokens.count(written)
    return ChatUsage(
        prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
    )
