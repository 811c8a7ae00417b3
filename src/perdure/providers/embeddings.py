"""Client of any server that answers `/v1/embeddings` the way OpenAI does."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from perdure.errors import PromptTooLong, ProviderAway, ProviderError
from perdure.providers import faults, refusals, retries
from perdure.providers.provider import Provider, Relayed
from perdure.providers.retries import TransientError
from perdure.wire.base import JsonObject, Object, decode, encode

# The smallest limit among common servers.
_TEXTS_A_REQUEST = 32
# Requests of one call that are under way at once.
_AT_ONCE = 4
# A text that is too long for the model is halved so often, at most.
_HALVINGS = 4
_HEADERS = {"content-type": "application/json"}
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class _Embedding(Object):
    index: int
    embedding: Annotated[list[float], Meta(min_length=1, max_length=16_384)]


class _Answer(Object):
    data: list[_Embedding]


class EmbeddingModel:
    """One model of one server, called through a provider; see `retrieval.embedder.Embedder`.

    `dimensions` is asked of the server; None takes the model's own. `secret` is the API key, which
    error messages must not hold.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        model: str,
        dimensions: int | None = None,
        secret: str | None = None,
    ) -> None:
        self._provider = provider
        self._model = model
        self._dimensions = dimensions
        self._secret = secret

    @property
    def name(self) -> str:
        """The model and its dimensions, as vector stores note them."""
        return self._model if self._dimensions is None else f"{self._model}@{self._dimensions}"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns a vector for each text, all of one length. A text that is too long for the model
        is cut. Transient errors are retried for some seconds.

        Raises `ProviderError`, which is a `ProviderAway` where a later call may succeed.
        """
        slots = asyncio.Semaphore(_AT_ONCE)

        async def batch(first: int) -> list[list[float]]:
            async with slots:
                return await self._fitting(texts[first : first + _TEXTS_A_REQUEST])

        firsts = range(0, len(texts), _TEXTS_A_REQUEST)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(batch(first)) for first in firsts]
        except* ProviderError as errors:
            raise _first(errors) from errors
        found = [vector for task in tasks for vector in task.result()]
        if len({len(vector) for vector in found}) > 1:
            raise ProviderError(
                f"The embedding model '{self._model}' sent vectors of several lengths."
            )
        return found

    async def close(self) -> None:
        """Closes pooled connections."""
        await self._provider.close()

    async def _fitting(self, texts: Sequence[str]) -> list[list[float]]:
        longest = max(map(len, texts))
        for _ in range(_HALVINGS):
            try:
                return await self._post(texts)
            except PromptTooLong:
                longest //= 2
                texts = [text[:longest] for text in texts]
        return await self._post(texts)

    async def _post(self, texts: Sequence[str]) -> list[list[float]]:
        body: JsonObject = {"model": self._model, "input": [text or " " for text in texts]}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        received = await retries.run(partial(self._attempt, encode(body)))
        # A megabyte of numbers is for no event loop.
        return await asyncio.to_thread(self._read, received, len(texts))

    async def _attempt(self, body: bytes) -> bytes:
        try:
            async with self._provider.relay("embeddings", body, _HEADERS) as answer:
                received = await _whole(answer.body)
        except ProviderError as error:  # no connection, or one that broke
            raise TransientError(ProviderAway(error.message, code=error.code)) from error
        if received is None:
            raise self._unreadable("an answer that has no end")
        if answer.status == 200:
            return received
        raise self._refused(answer, received)

    def _refused(self, answer: Relayed, received: bytes) -> Exception:
        refusal = refusals.read(answer.status, answer.headers, received, secret=self._secret)
        error = faults.to_error(refusal, where="embedding_base_url", model=self._model)
        if refusal.status in (401, 403, 404):
            # The usual words are about chat models.
            error = ProviderError(
                f"The server at embedding_base_url refused the model '{self._model}' (HTTP "
                f"{refusal.status}). Check embedding_base_url, embedding_model and "
                f"embedding_api_key. It said: {refusal.message or 'nothing'}"
            )
        if not refusal.is_transient:
            return error
        return retries.error_of(refusal, ProviderAway(error.message, code=error.code))

    def _read(self, received: bytes, count: int) -> list[list[float]]:
        try:
            answer = decode(received, _Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._unreadable("what cannot be read as vectors") from error
        vectors = {each.index: each.embedding for each in answer.data}
        if sorted(vectors) != list(range(count)) or len(answer.data) != count:
            raise self._unreadable(f"{len(answer.data)} vectors for {count} texts")
        if not all(map(math.isfinite, (value for vector in vectors.values() for value in vector))):
            raise self._unreadable("what is no number")
        return [vectors[place] for place in range(count)]

    def _unreadable(self, what: str) -> ProviderError:
        return ProviderError(f"The embedding model '{self._model}' sent {what}.")


async def _whole(body: AsyncIterator[bytes]) -> bytes | None:
    """Reads a body to its end; None if it is longer than any response should be."""
    received = bytearray()
    async for data in body:
        received += data
        if len(received) > _MAX_ANSWER_BYTES:
            return None
    return bytes(received)


def _first(errors: BaseExceptionGroup[ProviderError]) -> ProviderError:
    """Returns one of the errors: the other requests will have failed in the same way."""
    first = errors.exceptions[0]
    return first if isinstance(first, ProviderError) else _first(first)
