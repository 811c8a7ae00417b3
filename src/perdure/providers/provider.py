"""The seam to model servers: what a provider must do.

`tests/providers/test_conformance.py` runs against every implementation.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from perdure.wire.chat import ChatChunk, ChatRequest
from perdure.wire.lists import Model


class Relayed(NamedTuple):
    """A model server's own answer to a passed-through request, as it came."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class ToldWindow(NamedTuple):
    """The context window of a model as its server tells it, in tokens.

    `most`: what the model could take, where that is known. `cuts_in_silence`: longer prompts are
    not refused. `is_loaded`: whether it is what holds now, and not what will likely hold.
    """

    tokens: int
    most: int | None = None
    cuts_in_silence: bool = False
    is_loaded: bool = True


class Provider(Protocol):
    """Where model calls go."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Streams one answer; the last chunk carries `usage`.

        Closing the generator, or cancelling the task that reads it, aborts the request to the
        model server. Raises `ProviderError`; before the first token, passing faults (429, 5xx,
        no connection) are tried again first. `PromptTooLong` says that less context may do.
        """
        ...

    async def models(self) -> list[Model]:
        """The models that can be named. Raises `ProviderError` when the server cannot say."""
        ...

    async def told_window(self, model: str) -> ToldWindow | None:
        """The context window of a model, where the server tells it; it raises nothing."""
        ...

    def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Relayed]:
        """Passes a request such as `chat/completions` or `embeddings` through, bytes for bytes.

        `path` stands behind `/v1/`; `headers` holds what the client may set (content type).
        Raises `ProviderError` when the server cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Ends pooled connections."""
        ...
