"""Connections to model servers. The HTTP client is imported with the first model server. It reads
the machine's certificates meanwhile, which takes longer than all else at the start of a server.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perdure.providers import endpoint
from perdure.providers.adjustment_memory import AdjustmentMemory
from perdure.providers.embeddings import EmbeddingModel
from perdure.providers.patience import Patience
from perdure.providers.provider import Provider
from perdure.providers.router import NamedProvider, Router
from perdure.settings.models import SCRIPTED, Kind
from perdure.testing.scripted_model import ScriptedProvider

# A batch of texts on a slow machine without a GPU.
_EMBEDDING_SECONDS = 120.0


class ModelServerSettings(NamedTuple):
    """A model server as configured. `models` None: it takes any name. `window`: its models' context
    window in tokens. `kind`: the program it is, where that is configured.
    """

    name: str
    base_url: str
    api_key: str | None = None
    models: tuple[str, ...] | None = None
    window: int | None = None
    kind: Kind | None = None


def connect(
    servers: Iterable[ModelServerSettings],
    aliases: Mapping[str, str],
    *,
    windows: Mapping[str, int] | None = None,
    default: str | None = None,
    idle_seconds: float = 120.0,
    patience: Patience | None = None,
    memory: AdjustmentMemory | None = None,
) -> Router:
    """Returns all configured model servers as one provider; no request is sent yet. `memory` keeps
    the adjustments that are learnt of them.
    """
    return Router(
        [
            NamedProvider(
                server.name,
                _provider(server, idle_seconds, patience, memory),
                server.models,
                server.window,
                where=endpoint.display_url(server.base_url, server.kind),
            )
            for server in servers
        ],
        aliases,
        windows,
        default,
    )


def connect_embeddings(
    base_url: str, *, model: str, dimensions: int | None = None, api_key: str | None = None
) -> EmbeddingModel:
    """Returns the embedding model at a base URL; no request is sent yet."""
    server = ModelServerSettings("embeddings", base_url, api_key)
    provider = _provider(server, idle_seconds=_EMBEDDING_SECONDS)
    return EmbeddingModel(provider, model=model, dimensions=dimensions, secret=api_key)


def _provider(
    server: ModelServerSettings,
    idle_seconds: float,
    patience: Patience | None = None,
    memory: AdjustmentMemory | None = None,
) -> Provider:
    if server.base_url == SCRIPTED:
        return ScriptedProvider()
    from perdure.providers import retries
    from perdure.providers.openai import OpenAIProvider

    retries.configure_logging()
    return OpenAIProvider(
        server.base_url,
        api_key=server.api_key,
        kind=server.kind,
        idle_seconds=idle_seconds,
        patience=patience,
        memory=memory,
    )
