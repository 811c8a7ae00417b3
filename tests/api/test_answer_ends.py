"""How a model server's answer ends is how the run ends: for who polls, and for who streams."""

import pytest

from tests.api.model_runs import ModelRuns
from tests.api.shared import LOOP, ground, model_server_process, runs
from tests.model_servers.endings import BROKE, ERRORS, FAILURES, LENGTHS, SAID, WHOLE

__all__ = ["ground", "model_server_process", "runs"]

# None asks a model for which another has asked.
pytestmark = LOOP


@pytest.mark.parametrize(
    "model", [*(f"breaks-{form}" for form in ERRORS), *(f"fails-{name}" for name in FAILURES)]
)
async def test_an_answer_that_breaks_fails_the_run_and_keeps_its_text(
    runs: ModelRuns, model: str
) -> None:
    for ended in (await runs.streamed(model), await runs.polled(model)):
        assert (ended.run["status"], ended.run["last_error"]["code"]) == ("failed", "server_error")
        said = BROKE if model.startswith("breaks-") else model.removeprefix("fails-")
        assert said in ended.run["last_error"]["message"]
        assert ended.message == ("incomplete", "Hello from ")
        assert ended.told in ("", "Hello from ")
        assert ended.run["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("reason", LENGTHS)
async def test_an_answer_that_was_cut_leaves_the_run_incomplete_under_any_name(
    runs: ModelRuns, reason: str
) -> None:
    for ended in (await runs.streamed(f"cut-{reason}"), await runs.polled(f"cut-{reason}")):
        assert ended.run["status"] == "incomplete"
        assert ended.run["incomplete_details"] == {"reason": "max_completion_tokens"}
        assert ended.message == ("incomplete", "Hello from ")


@pytest.mark.parametrize("form", WHOLE)
async def test_an_answer_that_is_whole_completes_the_run_in_any_form(
    runs: ModelRuns, form: str
) -> None:
    streamed, polled = await runs.streamed(f"whole-{form}"), await runs.polled(f"whole-{form}")
    assert streamed.told == SAID
    for ended in (streamed, polled):
        assert (ended.run["status"], ended.message) == ("completed", ("completed", SAID))
        assert ended.run["usage"]["prompt_tokens"] > 0
        assert ended.run["usage"]["completion_tokens"] > 0
        assert ended.run["usage"]["total_tokens"] == sum(
            ended.run["usage"][name] for name in ("prompt_tokens", "completion_tokens")
        )


@pytest.mark.parametrize("model", ["no-choices", "no-calls", "empty-choices", "nothing-at-all"])
async def test_an_answer_of_which_nothing_was_read_fails_the_run(
    runs: ModelRuns, model: str
) -> None:
    for ended in (await runs.streamed(model), await runs.polled(model)):
        assert (ended.run["status"], ended.message) == ("failed", None)


@pytest.mark.parametrize("model", ["function-call", "function-call-in-message", "calls-in-message"])
async def test_a_call_is_one_in_any_form(runs: ModelRuns, model: str) -> None:
    for ended in (await runs.streamed(model), await runs.polled(model)):
        assert ended.run["status"] == "requires_action"
        (call,) = ended.run["required_action"]["submit_tool_outputs"]["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert call["function"]["arguments"].replace(" ", "") == '{"city":"Paris"}'
