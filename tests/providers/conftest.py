"""The model server, providers that are closed, retries that take no time."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from perdure.providers.openai import OpenAIProvider
from tests.model_servers.fixture import ModelServer, model_server, model_server_process
from tests.patience import PATIENCE_SECONDS

__all__ = ["model_server", "model_server_process"]

KEY = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Retries come at once, as many as in earnest."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
async def openai(model_server: ModelServer) -> AsyncIterator[OpenAIProvider]:
    """A provider that calls the model server with a key."""
    provider = OpenAIProvider(
        model_server.base_url, api_key=KEY, idle_seconds=10 * PATIENCE_SECONDS
    )
    yield provider
    await provider.close()
