"""What a model server needs back with its calls goes back to it, and no client sees it."""

import pytest

from tests.api.model_runs import ModelRuns
from tests.api.shared import LOOP, ground, model_server_process, runs
from tests.model_servers.extras import EXTRAS

__all__ = ["ground", "model_server_process", "runs"]

pytestmark = LOOP

# `needs-of-code` is told of in the tests of the engine, which have a sandbox.
MODELS = [name for name in EXTRAS if name != "needs-of-code"]
# Of what is kept, in no other place.
SIGNS = ("c2ln", "ZW5j", "I need", "I think.", "Hm.")


@pytest.mark.parametrize("model", MODELS)
async def test_a_run_that_is_streamed_completes(runs: ModelRuns, model: str) -> None:
    ended = await runs.streamed(model)
    while ended.run["status"] == "requires_action":
        ended = await runs.streamed_on(ended, "sunny")
    assert (ended.run["status"], ended.told) == ("completed", "It is sunny.")


@pytest.mark.parametrize("model", MODELS)
async def test_a_run_that_is_polled_completes_and_shows_nothing_of_it(
    runs: ModelRuns, model: str
) -> None:
    # Under a name that the server has learnt nothing of.
    ended = await runs.polled(f"{model}-0")
    while ended.run["status"] == "requires_action":
        ended = await runs.polled_on(ended, "sunny")
    assert ended.run["status"] == "completed"
    assert ended.message == ("completed", "It is sunny.")
    shown = str(ended) + await runs.steps(ended)
    assert [sign for sign in SIGNS if sign in shown] == []
