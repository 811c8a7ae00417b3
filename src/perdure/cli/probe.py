"""Asks the configured model servers what they can do, without starting anything."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from perdure.errors import ProviderError
from perdure.model_settings import SCRIPTED, Kind, ModelServer

_TIMEOUT_SECONDS = 5


class Answer(NamedTuple):
    """What one model server said: the models it lists, or why there are none; and what program it
    is, as far as that can be seen.
    """

    server: ModelServer
    models: tuple[str, ...]
    problem: str | None
    kind: Kind | None = None


async def ask_all(servers: Iterable[ModelServer]) -> list[Answer]:
    """Asks all servers at once; it takes no longer than five seconds, and two for their kinds."""
    return list(await asyncio.gather(*(_ask(server) for server in servers)))


async def _ask(server: ModelServer) -> Answer:
    if server.base_url == SCRIPTED:
        return Answer(server, (), None)
    # the HTTP client takes long to import, and the scripted model needs none
    from perdure.providers.openai import OpenAIProvider

    key = server.key.get_secret_value() if server.key else None
    # the server itself, not the routing: that leaves out servers which do not answer
    provider = OpenAIProvider(server.base_url, api_key=key, kind=server.kind)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            models = await provider.models()
        kind = await provider.kind()
    except ProviderError as error:
        return Answer(server, (), error.message)
    except TimeoutError:
        return Answer(server, (), f"It did not answer within {_TIMEOUT_SECONDS} seconds.")
    finally:
        await provider.close()
    return Answer(server, tuple(model.id for model in models), None, kind)
