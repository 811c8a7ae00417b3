"""Questions to the configured model servers, without starting anything."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perdure.errors import ProviderError
from perdure.providers.provider import Provider, ToldWindow
from perdure.settings.models import SCRIPTED, Kind, ModelServer

_TIMEOUT_SECONDS = 5
# Of a server with hundreds of models, nobody wants to read them all.
_MOST_WINDOWS = 20


class ProbeResult(NamedTuple):
    """The answer of one model server: the models that it lists or the reason why there are none,
    and its kind if it can be seen. The windows are those that it reports, where it was asked for
    them.
    """

    server: ModelServer
    models: tuple[str, ...]
    problem: str | None
    kind: Kind | None = None
    windows: Mapping[str, ToldWindow] = {}

    def has(self, model: str) -> bool:
        """Returns True if it lists a model; Ollama takes a name without its tag."""
        return model in self.models or f"{model}:latest" in self.models


async def ask_all(servers: Iterable[ModelServer], *, windows: bool = False) -> list[ProbeResult]:
    """Asks all servers at once. It takes at most five seconds, two for their kinds, and five for
    the windows of their models.
    """
    return list(await asyncio.gather(*(_ask(server, windows=windows) for server in servers)))


async def _ask(server: ModelServer, *, windows: bool) -> ProbeResult:
    if server.base_url == SCRIPTED:
        return ProbeResult(server, (), None)
    # the HTTP client takes long to import, and the scripted model needs none
    from perdure.providers.openai import OpenAIProvider

    key = server.key.get_secret_value() if server.key else None
    # the server itself, not the routing: that leaves out servers which do not answer
    provider = OpenAIProvider(server.base_url, api_key=key, kind=server.kind)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            models = tuple(model.id for model in await provider.models())
        kind = await provider.kind()
        found = await _windows(provider, models) if windows else {}
    except ProviderError as error:
        return ProbeResult(server, (), error.message)
    except TimeoutError:
        return ProbeResult(server, (), f"It did not answer within {_TIMEOUT_SECONDS} seconds.")
    finally:
        await provider.close()
    return ProbeResult(server, models, None, kind, found)


async def _windows(provider: Provider, models: Iterable[str]) -> dict[str, ToldWindow]:
    found: dict[str, ToldWindow] = {}
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            for model in list(models)[:_MOST_WINDOWS]:
                if window := await provider.told_window(model):
                    found[model] = window
    except TimeoutError:
        pass
    return found
