"""The seam to model servers: the protocol of a provider.

`tests/providers/test_conformance.py` runs against every implementation.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from perdure.providers.call_log import CallLog
from perdure.wire.chat import ChatChunk, ChatRequest
from perdure.wire.lists import Model


class Relayed(NamedTuple):
    """A model server's own response to a request that was passed through. `model` is the name that
    the request asked for, where it was read.
    """

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    model: str = ""


class ToldWindow(NamedTuple):
    """The context window of a model as its server reports it, in tokens.

    `most`: the largest that the model could take, where that is known. `cuts_in_silence`: longer
    prompts are cut, not refused. `is_loaded`: it holds now; otherwise it will likely hold once the
    model is loaded.
    """

    tokens: int
    most: int | None = None
    cuts_in_silence: bool = False
    is_loaded: bool = True


class Provider(Protocol):
    """A destination of model calls."""

    def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        """Streams one response; the last chunk carries `usage`. `log` is told how it was asked for.

        Closing the generator, or cancelling the task that reads it, aborts the request to the model
        server. Raises `ProviderError`. Before the first token, transient errors (429, 5xx, no
        connection) are retried. Raises `PromptTooLong` if a shorter context may do.
        """
        ...

    async def models(self) -> list[Model]:
        """Returns the models of the server. Raises `ProviderError` if they cannot be listed."""
        ...

    async def told_window(self, model: str) -> ToldWindow | None:
        """Returns the context window of a model, if the server reports it. Raises nothing."""
        ...

    def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Relayed]:
        """Passes a request such as `chat/completions` or `embeddings` through, byte for byte.

        `path` is what follows `/v1/`; `headers` holds what the client may set (content type).
        Raises `ProviderError` when the server cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Closes pooled connections."""
        ...
