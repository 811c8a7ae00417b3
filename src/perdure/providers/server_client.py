"""HTTP client of one model server: retries of transient errors, and waits for a server that starts.

It knows the wire and nothing of what is sent: `openai.py` shapes the requests and reads the
responses.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp
import msgspec

from perdure.errors import ProviderError
from perdure.providers import (
    adjustments,
    faults,
    kinds,
    model_list,
    refusals,
    relay_headers,
    retries,
    told_windows,
    too_long,
)
from perdure.providers.adjustments import Body
from perdure.providers.call_log import CallLog
from perdure.providers.endpoint import Endpoint
from perdure.providers.faults import AnsweringServer
from perdure.providers.patience import STRANGER_SECONDS, NotReadyError, Patience, Waits
from perdure.providers.provider import Relayed
from perdure.providers.refusals import Refusal
from perdure.providers.response_timer import ResponseTimer
from perdure.providers.retries import TransientError
from perdure.settings.models import Kind
from perdure.wire.base import JsonObject
from perdure.wire.lists import Model

_CONNECT_SECONDS = 10.0
# An answer that takes longer than this is given up; runs expire long before.
_TOTAL_SECONDS = 3600.0
# A list of models is asked for while somebody looks on.
_LISTING = aiohttp.ClientTimeout(total=10.0)
# The time that the end of a response may lag behind `[DONE]` before its connection is given up.
_END_SECONDS = 1.0
_MAX_ERROR_BYTES = 64 * 1024
_MAX_TOLD_BYTES = 8 * 1024 * 1024
_MAX_LIST_BYTES = 64 * 1024 * 1024


class ServerClient:
    """Client of the model server at an endpoint. Its connections are made when they are needed.

    `idle_seconds` bounds the silence within a response.
    """

    def __init__(self, endpoint: Endpoint, *, idle_seconds: float, patience: Patience) -> None:
        self._endpoint = endpoint
        self._where = endpoint.where
        self._api_key = endpoint.key
        self._timeout = aiohttp.ClientTimeout(
            total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS, sock_read=idle_seconds
        )
        # A response that is streamed has a timer of its own for its body.
        self._head_timeout = aiohttp.ClientTimeout(
            total=None, connect=_CONNECT_SECONDS, sock_read=idle_seconds
        )
        self._idle_seconds = idle_seconds
        self._waits = Waits(patience, self._where)
        self._session: aiohttp.ClientSession | None = None
        # True once the server has answered, whatever it said.
        self._has_answered = False

    async def post_chat(self, body: Body, log: CallLog) -> aiohttp.ClientResponse | Refusal:
        """Sends a request of chat completions. Returns the response, or the refusal.

        Waits for a server that is not ready, and retries transient errors. Raises `ProviderError`.
        """
        encoded, model = adjustments.encoded(body), str(body["model"])
        await log.note_body(encoded)
        wait = self._waits.new_wait()
        while True:
            try:
                outcome = await retries.run(partial(self._attempt, encoded, model, log))
            except NotReadyError as fault:
                await wait.rest(fault)
                continue
            wait.end()
            return outcome

    def limit(self, response: aiohttp.ClientResponse) -> ResponseTimer:
        """Returns the timer of a response of `post_chat`, for as long as it is read."""
        connection = response.connection
        if connection is not None and connection.protocol is not None:
            # The timer that runs now is the last one, and is stopped by the next data.
            connection.protocol.read_timeout = None
        return ResponseTimer(
            response.content, idle_seconds=self._idle_seconds, total_seconds=_TOTAL_SECONDS
        )

    async def fetch_models(self) -> list[Model]:
        """Returns the models that the server lists. Raises `ProviderError`."""
        try:
            async with self._http().get(
                self._endpoint.models_url, headers=self._endpoint.headers, timeout=_LISTING
            ) as response:
                self._has_answered = True
                if response.status == 404:
                    raise ProviderError(f"The model server at {self._where} does not list models.")
                if response.status != 200:
                    raise self.refusal_error(await self._refusal(response), "")
                models = model_list.read(await _read(response, _MAX_LIST_BYTES))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise faults.unreadable(AnsweringServer(self._where, "", self._api_key)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.connection_error(error) from error
        if (deployment := self._endpoint.deployment) is None:
            return models
        return [Model(id=deployment, created=0, owned_by="azure")]

    async def fetch_object(self, url: str, body: JsonObject | None) -> JsonObject | None:
        """Fetches a JSON object from a URL of the server beside the API."""
        method = "GET" if body is None else "POST"
        try:
            async with self._http().request(
                method, url, json=body, headers=self._endpoint.headers, allow_redirects=False
            ) as response:
                if response.status != 200:
                    return None
                return told_windows.read(await _read(response, _MAX_TOLD_BYTES))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.connection_error(error) from error

    async def guess_kind(self) -> Kind | None:
        """Returns the kind of the server by probing it, if its address is private."""
        return await kinds.guess(self._http(), self._endpoint.origin)

    @asynccontextmanager
    async def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Relayed]:
        try:
            response = await self._http().post(
                self._endpoint.url(path),
                data=body,
                headers={**relay_headers.forwarded(headers), **self._endpoint.headers},
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.connection_error(error) from error
        del body  # it may be large, and the answer long
        self._has_answered = True
        async with response:
            yield Relayed(
                response.status,
                relay_headers.forwarded(response.headers),
                self._relay_body(response),
            )

    async def close(self) -> None:
        """Closes pooled connections."""
        if self._session is not None:
            await self._session.close()

    def refusal_error(self, refusal: Refusal, model: str) -> ProviderError:
        """Returns the run's error for a refusal."""
        return faults.to_error(refusal, where=self._where, model=model)

    def connection_error(self, error: Exception) -> ProviderError:
        """Returns the run's error for a connection that failed."""
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

    async def _attempt(
        self, body: bytes, model: str, log: CallLog
    ) -> aiohttp.ClientResponse | Refusal:
        headers = {**self._endpoint.headers, "content-type": "application/json"}
        if log.traceparent:
            headers["traceparent"] = log.traceparent
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                response = await self._http().post(
                    self._endpoint.url("chat/completions"),
                    data=body,
                    headers=headers,
                    # Followed, a POST would become a GET, or take the prompt somewhere else.
                    allow_redirects=False,
                    timeout=self._head_timeout,
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            log.note_failure(_code_of(error))
            if _is_away(error):
                raise self._away() from error
            broken = self.connection_error(error)
            raise (TransientError(broken) if _may_pass(error) else broken) from error
        self._has_answered = True
        if response.status == 200:
            return response
        refusal = await self._refusal(response)
        log.note_failure(_code_of_refusal(refusal), refusal.status)
        if refusal.is_loading:
            raise NotReadyError(
                faults.still_loading(refusal, where=self._where, seconds=self._waits.seconds),
                refusal.message,
                retry_after=refusal.retry_after,
            )
        if refusal.is_transient:
            raise retries.error_of(refusal, self.refusal_error(refusal, model))
        return refusal

    def _away(self) -> NotReadyError:
        """Returns the error for a server that cannot be reached."""
        if self._has_answered:
            error = faults.unreachable(where=self._where, seconds=self._waits.seconds)
            return NotReadyError(error, "it cannot be reached")
        error = faults.never_reached(where=self._where)
        return NotReadyError(error, "it cannot be reached", limit=STRANGER_SECONDS)

    async def _relay_body(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yields the body without our key: some servers repeat it when they refuse it."""
        if response.status >= 400 and self._api_key:
            body = await self._error_body(response)
            yield body.replace(self._api_key.encode(), b"***")
            return
        try:
            async for data in response.content.iter_any():
                yield data
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.connection_error(error) from error

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

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As many connections as there are runs: a run must not wait for another's answer.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session


def _may_pass(error: Exception) -> bool:
    """Returns true if a connection that failed may be retried."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return True
    # A server that is slow has the request already: the same again would double its work.
    return not isinstance(error, TimeoutError | aiohttp.ClientSSLError | aiohttp.InvalidURL)


def _is_away(error: Exception) -> bool:
    """Returns true if nothing listens at the server's address: its name is known, and TLS was not
    reached.
    """
    return isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error, aiohttp.ClientConnectorDNSError | aiohttp.ClientSSLError
    )


def _code_of(error: Exception) -> str:
    """Returns the word for a connection that failed, as a trace has it."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, aiohttp.ClientConnectorError) else "connection_broke"


def _code_of_refusal(refusal: Refusal) -> str:
    """Returns the word for a refusal, as a trace has it."""
    if refusal.is_loading:
        return "loading"
    if too_long.says_so(refusal.text, refusal.code):
        return "prompt_too_long"
    if refusal.status == 429:
        return "rate_limited"
    return "failed" if refusal.status >= 500 else "refused"


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Reads the body, up to a limit of bytes."""
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > limit:
            break
    return bytes(body[:limit])


def arrived(content: aiohttp.StreamReader) -> bytes:
    """Returns the bytes that arrived before the connection broke and were not read yet."""
    with suppress(TimeoutError):
        # It stands behind the error, which would be raised first.
        content.set_exception(None)  # type: ignore[arg-type] # as it is at the beginning
        return content.read_nowait()
    return b""


async def read_to_end(response: aiohttp.ClientResponse) -> None:
    """Reads what follows `[DONE]`, so that the connection can be used again."""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in response.content.iter_any():
                pass
