"""Provider for any server that answers `/v1/chat/completions` the way OpenAI does.

Requests are adjusted to what a server refuses, and its responses are read as chunks.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import aiohttp
from msgspec.structs import replace

from perdure.providers import adjustments, faults, kinds, usage
from perdure.providers.adjustment_memory import AdjustmentMemory, ProcessAdjustmentMemory
from perdure.providers.adjustments import Body
from perdure.providers.answers import AnswerReader
from perdure.providers.call_log import CallLog
from perdure.providers.endpoint import Endpoint
from perdure.providers.faults import AnsweringServer
from perdure.providers.patience import Patience
from perdure.providers.provider import Relayed, ToldWindow
from perdure.providers.refusals import Refusal
from perdure.providers.server_client import ServerClient, arrived, read_to_end
from perdure.providers.told_windows import ToldWindows
from perdure.settings.models import Kind
from perdure.wire.chat import ChatChunk, ChatRequest, ChatUsage
from perdure.wire.lists import Model

# The time for which a list of models is used again.
_MODELS_SECONDS = 30.0


class _Accepted(NamedTuple):
    """A request that a server took: its response, the body that was sent, the body before
    adjustments, the names of all its adjustments, and of those that were called for just now.
    """

    response: aiohttp.ClientResponse
    body: Body
    plain: Body
    known: frozenset[str]
    new: frozenset[str]

    def needed_for(self, answer: AnswerReader) -> frozenset[str]:
        """Returns the adjustments that are called for by a refusal in the place of the response:
        some servers send their status before they apply the chat template. Raises the failure of
        the response if it is another one.
        """
        assert answer.failure is not None  # noqa: S101 # the answer has failed
        refusal = answer.failure.refusal
        if isinstance(refusal, Refusal) and not answer.written:
            refusal = refusal if refusal.status else refusal._replace(status=400)
            if more := adjustments.needed_for(refusal, self.plain, self.known):
                return self.new | more
        raise answer.failure


class OpenAIProvider:
    """One model server; see `Provider`. `server_client.py` has the HTTP of it.

    `idle_seconds` bounds the silence within a response. `memory` stores the adjustments that are
    learnt from refusals. Raises `ConfigurationError` for a key that cannot be sent, or not with
    this base URL.
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
        # The server's name in messages: its URL without a password.
        self.where = self._endpoint.where
        self._api_key = self._endpoint.key
        self._kind = kind or ("azure" if self._endpoint.is_azure else kinds.of_host(self.where))
        self._client = ServerClient(
            self._endpoint, idle_seconds=idle_seconds, patience=patience or Patience()
        )
        self._memory = memory or ProcessAdjustmentMemory()
        self._windows = ToldWindows(
            self._endpoint.models_url, self._endpoint.root, self._client.fetch_object
        )
        self._models: tuple[float, list[Model]] | None = None
        self._was_looked_at = False

    async def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        needed: frozenset[str] = frozenset()
        log = log or CallLog()
        while True:
            accepted = await self._accepted(request, needed, log)
            response = accepted.response
            answer = AnswerReader(AnsweringServer(self.where, request.model, self._api_key))
            ids = adjustments.original_call_ids(accepted.plain, accepted.known)
            feed = adjustments.with_original_call_ids(answer.feed, ids) if ids else answer.feed
            broken, left = None, b""
            try:
                with self._client.limit(response) as timer:
                    while received := await response.content.readany():
                        timer.note_read()
                        for chunk in feed(received):
                            yield chunk
                        if answer.has_ended:
                            break
                if answer.failure is None:
                    await read_to_end(response)
            except (aiohttp.ClientError, TimeoutError) as error:
                broken, left = self._client.connection_error(error), arrived(response.content)
            finally:
                # Closes the connection when the answer was not read to its end.
                response.close()
            for chunk in (*feed(left), *answer.end(broken)):
                yield chunk
            if answer.failure is None:
                break
            log.note_failure("refused_in_answer", 200)
            needed = accepted.needed_for(answer)
            log.note_adjusted(needed)
        if answer.extras is not None or not answer.ends_with_usage:
            sent = request if "tools" in accepted.body else replace(request, tools=None)
            yield ChatChunk(usage=await _usage(answer, sent), extras=answer.extras)

    async def kind(self) -> Kind | None:
        """Returns the kind of the server, if it is configured, known or can be probed."""
        if self._kind is None and not self._was_looked_at:
            self._was_looked_at = True
            self._kind = await self._client.guess_kind()
        return self._kind

    async def models(self) -> list[Model]:
        now = time.monotonic()
        if self._models is None or now - self._models[0] > _MODELS_SECONDS:
            self._models = (now, await self._client.fetch_models())
        return self._models[1]

    async def told_window(self, model: str) -> ToldWindow | None:
        # Azure has none of what tells it.
        return None if self._endpoint.is_azure else await self._windows.of(model)

    def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Relayed]:
        return self._client.relay(path, body, headers)

    async def close(self) -> None:
        await self._client.close()

    async def _accepted(self, request: ChatRequest, new: frozenset[str], log: CallLog) -> _Accepted:
        """Sends the request, adjusted as refusals call for, until the server takes it. The
        adjustments are remembered if they were of use. `new` are those called for before.
        """
        plain = adjustments.plain_body(request, self.where)
        known = new | await self._memory.of(self.where, request.model)
        if self._kind is not None:
            known |= kinds.KNOWN.get(self._kind, frozenset())
        said, of_use = "", frozenset[str]()
        while True:
            body = adjustments.adjust(plain, known)
            log.note_server(self.where, request.model, known)
            outcome = await self._client.post_chat(body, log)
            if not isinstance(outcome, Refusal):
                await self._learn(request.model, new)
                return _Accepted(outcome, body, plain, known, new)
            if outcome.text != said:
                # It had another fault to find.
                said, of_use = outcome.text, new
            more = adjustments.needed_for(outcome, plain, known)
            error = faults.final_error(outcome, body, where=self.where)
            if error is None and not more:
                error = self._client.refusal_error(outcome, request.model)
            if error is not None:
                await self._learn(request.model, of_use)
                raise error
            log.note_adjusted(more)
            new |= more
            # One refusal is likely not the only one, and its kind may tell of the others.
            kind = await self.kind()
            known |= new | (kinds.KNOWN.get(kind, frozenset()) if kind else frozenset())

    async def _learn(self, model: str, names: frozenset[str]) -> None:
        if names:
            await self._memory.learn(self.where, model, names)


async def _usage(answer: AnswerReader, request: ChatRequest) -> ChatUsage:
    """Returns the server's usage, with our own counts where it has none."""
    told = answer.usage
    if told is not None and usage.is_whole(told, written=bool(answer.written)):
        return told
    # In a thread: a prompt can be long.
    return await asyncio.to_thread(usage.completed, told, request, answer.written)
