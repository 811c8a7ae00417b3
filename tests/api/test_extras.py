"""What a model server needs back with its calls goes back to it, and no client sees it."""

import httpx2
import pytest

from tests.api.model_runs import ModelRuns
from tests.model_servers.extras import EXTRAS
from tests.model_servers.fixture import ModelServer, model_server, model_server_process

__all__ = ["model_server", "model_server_process"]

# `needs-of-code` is told of in the tests of the engine, which have a sandbox.
MODELS = [name for name in EXTRAS if name != "needs-of-code"]
# Of what is kept, in no other place.
SIGNS = ("c2ln", "ZW5j", "I need", "I think.", "Hm.")


@pytest.fixture
def chosen(model_server: ModelServer) -> dict[str, object]:
    """The server calls the model server."""
    return {"model_base_url": model_server.base_url}


@pytest.mark.parametrize("model", MODELS)
async def test_a_run_that_is_streamed_completes(http: httpx2.AsyncClient, model: str) -> None:
    runs = ModelRuns(http)
    ended = await runs.streamed(model)
    while ended.run["status"] == "requires_action":
        ended = await runs.streamed_on(ended, "sunny")
    assert (ended.run["status"], ended.told) == ("completed", "It is sunny.")


@pytest.mark.parametrize("model", MODELS)
async def test_a_run_that_is_polled_completes_and_shows_nothing_of_it(
    http: httpx2.AsyncClient, model: str
) -> None:
    runs = ModelRuns(http)
    ended = await runs.polled(model)
    while ended.run["status"] == "requires_action":
        ended = await runs.polled_on(ended, "sunny")
    assert ended.run["status"] == "completed"
    assert ended.message == ("completed", "It is sunny.")
    shown = str(ended) + await runs.steps(ended)
    assert [sign for sign in SIGNS if sign in shown] == []
