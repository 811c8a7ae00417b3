"""Any server that answers `/v1/chat/completions` the way OpenAI does."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import aiohttp
import msgspec
import stamina
from msgspec.structs import replace

from perdure.errors import ProviderError
from perdure.providers import (
    adjustments,
    faults,
    kinds,
    model_list,
    refusals,
    relay_headers,
    told_windows,
    usage,
)
from perdure.providers.adjustment_memory import AdjustmentMemory, ProcessAdjustmentMemory
from perdure.providers.adjustments import Body
from perdure.providers.answers import AnswerReader
from perdure.providers.endpoint import Endpoint
from perdure.providers.faults import AnsweringServer
from perdure.providers.patience import STRANGER_SECONDS, NotReadyError, Patience, Waits
from perdure.providers.provider import Relayed, ToldWindow
from perdure.providers.refusals import Refusal
from perdure.providers.told_windows import ToldWindows
from perdure.settings.models import Kind
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


class _Passing(Exception):
    """A fault that may pass: worth another attempt."""

    def __init__(self, error: ProviderError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


class _Accepted(NamedTuple):
    """A request that a server takes: its answer, what was sent, what that was before it was
    adjusted, the names of all its adjustments, and of those that were called for just now.
    """

    response: aiohttp.ClientResponse
    body: Body
    plain: Body
    known: frozenset[str]
    new: frozenset[str]

    def called_for_by(self, answer: AnswerReader) -> frozenset[str]:
        """What a refusal calls for that came in the place of the answer: some servers have sent
        their status before the chat template is asked. Raises the answer's failure where it is
        another.
        """
        assert answer.failure is not None  # noqa: S101 # the answer has failed
        refusal = answer.failure.refusal
        if isinstance(refusal, Refusal) and not answer.written:
            refusal = refusal if refusal.status else refusal._replace(status=400)
            if more := adjustments.called_for(refusal, self.plain, self.known):
                return self.new | more
        raise answer.failure


class OpenAIProvider:
    """One model server; see `Provider`.

    `idle_seconds` bounds the silence between two pieces of an answer. `memory` keeps what is learnt
    from refusals. Raises `ConfigurationError` for a key that cannot be sent, or not with this base
    URL.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        kind: Kind | None = None,
        idle_seconds: float = 120.0,
        patience: Patience | None = None,
        memory: AdjustmentMemory | None = None,
    ) -> None:
        self._endpoint = Endpoint(base_url, api_key=api_key, kind=kind)
        # What messages call the server: without a password.
        self.where = self._endpoint.where
        self._api_key = self._endpoint.key
        self._kind = kind or ("azure" if self._endpoint.is_azure else kinds.of_host(self.where))
        self._timeout = aiohttp.ClientTimeout(
            total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS, sock_read=idle_seconds
        )
        self._waits = Waits(patience or Patience(), self.where)
        self._memory = memory or ProcessAdjustmentMemory()
        self._session: aiohttp.ClientSession | None = None
        self._windows = ToldWindows(self._endpoint.models_url, self._endpoint.root, self._told)
        self._models: tuple[float, list[Model]] | None = None
        # whether the server has ever answered, whatever it said
        self._has_answered = False
        self._was_looked_at = False

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        called_for: frozenset[str] = frozenset()
        while True:
            accepted = await self._accepted(request, called_for)
            response = accepted.response
            answer = AnswerReader(AnsweringServer(self.where, request.model, self._api_key))
            ids = adjustments.called_ids(accepted.plain, accepted.known)
            feed = adjustments.with_own_ids(answer.feed, ids) if ids else answer.feed
            broken, left = None, b""
            try:
                async for received in response.content.iter_any():
                    for chunk in feed(received):
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
            for chunk in (*feed(left), *answer.end(broken)):
                yield chunk
            if answer.failure is None:
                break
            called_for = accepted.called_for_by(answer)
        if answer.extras is not None or not answer.ends_with_usage:
            sent = request if "tools" in accepted.body else replace(request, tools=None)
            yield ChatChunk(usage=await _usage(answer, sent), extras=answer.extras)

    async def kind(self) -> Kind | None:
        """What program it is, as far as that is set, known or can be seen."""
        if self._kind is None and not self._was_looked_at:
            self._was_looked_at = True
            self._kind = await kinds.guess(self._http(), self._endpoint.origin)
        return self._kind

    async def models(self) -> list[Model]:
        now = time.monotonic()
        if self._models is None or now - self._models[0] > _MODELS_SECONDS:
            self._models = (now, await self._fetch_models())
        return self._models[1]

    async def told_window(self, model: str) -> ToldWindow | None:
        # Azure has none of what tells it.
        return None if self._endpoint.is_azure else await self._windows.of(model)

    @asynccontextmanager
    async def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Relayed]:
        try:
            response = await self._http().post(
                self._endpoint.url(path),
                data=body,
                headers={**relay_headers.kept(headers), **self._endpoint.headers},
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error
        del body  # it may be large, and the answer long
        self._has_answered = True
        async with response:
            yield Relayed(
                response.status, relay_headers.kept(response.headers), self._relayed(response)
            )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _accepted(self, request: ChatRequest, new: frozenset[str]) -> _Accepted:
        """The response of a server that takes the request, changed as its refusals call for; what
        they call for is remembered where it was of use. `new` is what was called for before.
        """
        plain = adjustments.plain(request, self.where)
        known = new | await self._memory.of(self.where, request.model)
        if self._kind is not None:
            known |= kinds.KNOWN.get(self._kind, frozenset())
        said, of_use = "", frozenset[str]()
        while True:
            body = adjustments.adjusted(plain, known)
            outcome = await self._post(body)
            if not isinstance(outcome, Refusal):
                await self._learn(request.model, new)
                return _Accepted(outcome, body, plain, known, new)
            if outcome.text != said:
                # It had another fault to find.
                said, of_use = outcome.text, new
            more = adjustments.called_for(outcome, plain, known)
            error = faults.explained(outcome, body, where=self.where)
            if error is None and not more:
                error = self._error(outcome, request.model)
            if error is not None:
                await self._learn(request.model, of_use)
                raise error
            new |= more
            # One refusal is likely not the only one, and its kind may tell of the others.
            kind = await self.kind()
            known |= new | (kinds.KNOWN.get(kind, frozenset()) if kind else frozenset())

    async def _learn(self, model: str, names: frozenset[str]) -> None:
        if names:
            await self._memory.learn(self.where, model, names)

    async def _post(self, body: Body) -> aiohttp.ClientResponse | Refusal:
        """Sends a request: a response that is an answer, or what was refused. A server that is not
        ready is waited for.
        """
        encoded, model = msgspec.json.encode(body), str(body["model"])
        wait = self._waits.new()
        while True:
            try:
                outcome = await self._attempts(encoded, model)
            except NotReadyError as fault:
                await wait.rest(fault)
                continue
            wait.end()
            return outcome

    async def _attempts(self, body: bytes, model: str) -> aiohttp.ClientResponse | Refusal:
        """Passing faults are tried again until one attempt ends otherwise."""
        try:
            async for attempt in stamina.retry_context(
                on=_wait, attempts=_ATTEMPTS, timeout=None, wait_max=8.0
            ):
                with attempt:
                    return await self._attempt(body, model)
        except _Passing as passing:
            raise passing.error from passing
        raise AssertionError("a retry without an outcome")

    async def _attempt(self, body: bytes, model: str) -> aiohttp.ClientResponse | Refusal:
        try:
            response = await self._http().post(
                self._endpoint.url("chat/completions"),
                data=body,
                headers={**self._endpoint.headers, "content-type": "application/json"},
                # Followed, a POST would become a GET, or take the prompt somewhere else.
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            if _is_away(error):
                raise self._away() from error
            broken = self._broken(error)
            raise (_Passing(broken) if _may_pass(error) else broken) from error
        self._has_answered = True
        if response.status == 200:
            return response
        refusal = await self._refusal(response)
        if refusal.is_loading:
            raise NotReadyError(
                faults.loading(refusal, where=self.where, seconds=self._waits.seconds),
                refusal.message,
                retry_after=refusal.retry_after,
            )
        if refusal.passing:
            error_ = self._error(refusal, model)
            if (refusal.retry_after or 0) <= _LONGEST_WAIT:
                raise _Passing(error_, refusal.retry_after)
            raise error_
        return refusal

    def _away(self) -> NotReadyError:
        """For a server that nothing of listens."""
        if self._has_answered:
            error = faults.away(where=self.where, seconds=self._waits.seconds)
            return NotReadyError(error, "it cannot be reached")
        error = faults.never_there(where=self.where)
        return NotReadyError(error, "it cannot be reached", limit=STRANGER_SECONDS)

    async def _fetch_models(self) -> list[Model]:
        try:
            async with self._http().get(
                self._endpoint.models_url, headers=self._endpoint.headers, timeout=_LISTING
            ) as response:
                self._has_answered = True
                if response.status == 404:
                    raise ProviderError(f"The model server at {self.where} does not list models.")
                if response.status != 200:
                    raise self._error(await self._refusal(response), "")
                models = model_list.read(await _read(response, _MAX_LIST_BYTES))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise faults.unreadable(AnsweringServer(self.where, "", self._api_key)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._broken(error) from error
        if (deployment := self._endpoint.deployment) is None:
            return models
        return [Model(id=deployment, created=0, owned_by="azure")]

    async def _told(self, url: str, body: JsonObject | None) -> JsonObject | None:
        """A JSON object that the server has at a URL, beside the API."""
        method = "GET" if body is None else "POST"
        try:
            async with self._http().request(
                method, url, json=body, headers=self._endpoint.headers, allow_redirects=False
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
        return refusals.read(response.status, response.headers, body, secret=self._api_key)

    async def _error_body(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await _read(response, _MAX_ERROR_BYTES)
        except (aiohttp.ClientError, TimeoutError):
            # The status has come, and says enough.
            return b""

    def _error(self, refusal: Refusal, model: str) -> ProviderError:
        return faults.to_error(refusal, where=self.where, model=model)

    def _broken(self, error: Exception) -> ProviderError:
        where = f"The model server at {self.where}"
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
                return ProviderError(f"The connection to the model server at {self.where} broke.")

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


def _is_away(error: Exception) -> bool:
    """Whether nothing listens where the server should be: its name is known, and TLS was not
    reached.
    """
    return isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error, aiohttp.ClientConnectorDNSError | aiohttp.ClientSSLError
    )


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


async def _usage(answer: AnswerReader, request: ChatRequest) -> ChatUsage:
    """What the server told; counted here where it did not."""
    told = answer.usage
    if told is not None and usage.is_whole(told, written=bool(answer.written)):
        return told
    # In a thread: a prompt can be long.
    return await asyncio.to_thread(usage.completed, told, request, answer.written)
