"""Thinking in a model's text, as clients see it: streamed, polled, and over a lost connection."""

from typing import Any

import httpx2
import pytest

from tests.api.model_runs import ModelRuns
from tests.api.sse import Told, events
from tests.model_servers.fixture import ModelServer, model_server, model_server_process
from tests.model_servers.thoughts import answer, script

__all__ = ["model_server", "model_server_process"]

THINKS = ("<thi", "nk>\nHm.\n</think>", "\n\nYe", "s.")
LONE = ("Hm", ".\n</thi", "nk>\n\nYe", "s.")


@pytest.fixture
def chosen(model_server: ModelServer) -> dict[str, object]:
    """The server calls the model server."""
    return {"model_base_url": model_server.base_url}


@pytest.fixture
def runs(http: httpx2.AsyncClient) -> ModelRuns:
    return ModelRuns(http)


async def test_thinking_is_neither_told_nor_stored(runs: ModelRuns) -> None:
    said = script(answer(*THINKS))
    streamed, polled = await runs.streamed("thinks", said), await runs.polled("thinks", said)
    assert streamed.told == "Yes."
    for ended in (streamed, polled):
        assert ended.message == ("completed", "Yes.")
        assert ended.run["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
        assert "Hm." not in str(ended) + await runs.steps(ended)


async def test_thinking_that_is_cut_leaves_an_empty_message(runs: ModelRuns) -> None:
    said = script(answer("<think>Hm.", ends="length"))
    for ended in (await runs.streamed("thinks", said), await runs.polled("thinks", said)):
        assert (ended.run["status"], ended.message) == ("incomplete", ("incomplete", ""))
        assert ended.told == ""


async def test_after_the_first_lone_end_nothing_of_thinking_is_told(runs: ModelRuns) -> None:
    said = script(answer(*LONE))
    first, later = await runs.streamed("thinks", said), await runs.streamed("thinks", said)
    assert (first.told, first.message) == ("".join(LONE), ("completed", "Yes."))
    assert (later.told, later.message) == ("Yes.", ("completed", "Yes."))


async def test_who_comes_back_to_an_answer_with_a_lone_end_hears_the_answer_or_no_more(
    http: httpx2.AsyncClient, runs: ModelRuns
) -> None:
    """From wherever it was told: who heard some of the thinking finds the answer in the message."""
    ended, whole = await runs.streamed_in_full("thinks", script(answer(*LONE)))
    end = [each.name for each in whole].index("thread.message.completed")
    for place, told in enumerate(whole[:-1]):
        heard = _said(whole[: place + 1])
        rest = await _again(http, ended.run, told.id)
        names = [each.name for each in (*whole[: place + 1], *rest) if "delta" not in each.name]
        assert names == [each.name for each in whole if "delta" not in each.name]
        assert _said(rest) == ("Yes." if place < end and not heard else "")
    assert _said(await _again(http, ended.run, "")) == "Yes."


async def _again(http: httpx2.AsyncClient, run: dict[str, Any], after: str) -> list[Told]:
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/stream"
    response = await http.get(path, headers={"last-event-id": after} if after else {})
    return events(response.text)


def _said(told: list[Told]) -> str:
    deltas = [each.data for each in told if each.name == "thread.message.delta"]
    return "".join(part["text"]["value"] for each in deltas for part in each["delta"]["content"])
