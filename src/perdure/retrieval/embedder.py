"""The seam to embedding models, which turn texts into vectors.

The vectors of a vector store all come from one model. The vector store notes it when it is made, so
that changing the setting never mixes vectors. It keeps its own model as long as that is configured,
and is searched by words alone if it is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import structlog

from perdure.errors import ProviderError

if TYPE_CHECKING:
    from perdure.retrieval.vectors import Vectors

_log = structlog.get_logger(__name__)

# Somebody waits for a search.
_PATIENCE_SECONDS = 10.0


class Embedder(Protocol):
    """An embedding model."""

    @property
    def name(self) -> str:
        """The model and its dimensions, as vector stores note them:
        `text-embedding-3-small@256`.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns a vector for each text, all of one length. Raises `ProviderError`: a
        `ProviderAway` where a later call may succeed.
        """
        ...


# The configured models by name.
Embedders: TypeAlias = Mapping[str, Embedder]


async def embed_chunks(
    embedders: Embedders, noted: str | None, texts: Sequence[str]
) -> "Vectors | None":
    """Returns the vectors of a vector store's new chunks; None if there are none or its model is
    not configured.

    Raises `ProviderError`: a file without its vectors would be found by its words alone for ever.
    """
    embedder = embedders.get(noted) if noted is not None else None
    if embedder is None or not texts:
        return None
    # A megabyte of numbers is for no event loop.
    return await asyncio.to_thread(_vectors, await embedder.embed(texts))


async def embed_queries(embedder: Embedder, queries: Sequence[str]) -> "Vectors | None":
    """Returns the vectors of queries; None if the model cannot be reached now, and words must
    do.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.to_thread(_vectors, await embedder.embed(queries))
    except ProviderError as error:
        reason = error.message
    except TimeoutError:
        reason = f"no answer within {_PATIENCE_SECONDS:g} seconds"
    _log.warning("search_without_vectors", model=embedder.name, reason=reason)
    return None


def _vectors(numbers: list[list[float]]) -> "Vectors":
    """Makes an array. It runs in a thread: numpy, which only searches need, is imported with the
    first.
    """
    import numpy as np

    return np.array(numbers, dtype=np.float32)
