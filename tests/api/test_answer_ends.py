"""How a model server's answer ends is how the run ends: for who polls, and for who streams."""

from typing import Any, NamedTuple

import httpx2
import pytest

from tests.api.sse import events
from tests.model_servers.endings import BROKE, ERRORS, FAILURES, LENGTHS, SAID, WHOLE
from tests.model_servers.fixture import ModelServer, model_server, model_server_process

__all__ = ["model_server", "model_server_process"]

TOOL = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture
def chosen(model_server: ModelServer) -> dict[str, object]:
    """The server calls the model server."""
    return {"model_base_url": model_server.base_url}


class Ended(NamedTuple):
    """A run at its rest, its message in full, and what was told of its text in pieces."""

    run: dict[str, Any]
    message: tuple[str, str] | None
    told: str


class Runs:
    """Runs on models of the model server, from outside."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def streamed(self, model: str) -> Ended:
        response = await self._http.post("/threads/runs", json=await self._body(model, stream=True))
        told = events(response.text)
        pieces = [each.data["delta"]["content"] for each in told if each.name.endswith(".delta")
                  and each.data["object"] == "thread.message.delta"]  # fmt: skip
        said = "".join(part["text"]["value"] for content in pieces for part in content)
        return await self._ended(told[-2].data, said)

    async def polled(self, model: str) -> Ended:
        run = (await self._http.post("/threads/runs", json=await self._body(model))).json()
        while run["status"] in ("queued", "in_progress"):
            path = f"/threads/{run['thread_id']}/runs/{run['id']}"
            run = (await self._http.get(path)).json()
        return await self._ended(run, "")

    async def _body(self, model: str, **fields: object) -> dict[str, object]:
        body = {"model": model, "tools": [TOOL]}
        assistant = (await self._http.post("/assistants", json=body)).json()
        thread = {"messages": [{"role": "user", "content": "Hello"}]}
        return {"assistant_id": assistant["id"], "thread": thread, **fields}

    async def _ended(self, run: dict[str, Any], told: str) -> Ended:
        listed = (await self._http.get(f"/threads/{run['thread_id']}/messages")).json()["data"]
        messages = [
            (each["status"], "".join(part["text"]["value"] for part in each["content"]))
            for each in listed
            if each["role"] == "assistant"
        ]
        assert len(messages) <= 1
        return Ended(run, messages[0] if messages else None, told)


@pytest.fixture
def runs(http: httpx2.AsyncClient) -> Runs:
    return Runs(http)


@pytest.mark.parametrize(
    "model", [*(f"breaks-{form}" for form in ERRORS), *(f"fails-{name}" for name in FAILURES)]
)
async def test_an_answer_that_breaks_fails_the_run_and_keeps_its_text(
    runs: Runs, model: str
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
    runs: Runs, reason: str
) -> None:
    for ended in (await runs.streamed(f"cut-{reason}"), await runs.polled(f"cut-{reason}")):
        assert ended.run["status"] == "incomplete"
        assert ended.run["incomplete_details"] == {"reason": "max_completion_tokens"}
        assert ended.message == ("incomplete", "Hello from ")


@pytest.mark.parametrize("form", WHOLE)
async def test_an_answer_that_is_whole_completes_the_run_in_any_form(runs: Runs, form: str) -> None:
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
async def test_an_answer_of_which_nothing_was_read_fails_the_run(runs: Runs, model: str) -> None:
    for ended in (await runs.streamed(model), await runs.polled(model)):
        assert (ended.run["status"], ended.message) == ("failed", None)


@pytest.mark.parametrize("model", ["function-call", "function-call-in-message", "calls-in-message"])
async def test_a_call_is_one_in_any_form(runs: Runs, model: str) -> None:
    for ended in (await runs.streamed(model), await runs.polled(model)):
        assert ended.run["status"] == "requires_action"
        (call,) = ended.run["required_action"]["submit_tool_outputs"]["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert call["function"]["arguments"].replace(" ", "") == '{"city":"Paris"}'
