"""Old SDKs are told of an incomplete run in words that they know (spec 04 §9, 07 §4)."""

import httpx2
import pytest

from perdure.api.dialects import dialect
from tests.api.sse import events

OLD = ["OpenAI/JS 4.69.0", "OpenAI/JS 4.104.0", "OpenAI/Python 1.21.0", "AsyncOpenAI/Python 1.26.0",
       "AzureOpenAI/Python 1.21.0", "AsyncAzureOpenAI/Python 1.26.0"]  # fmt: skip
NEW = ["OpenAI/JS 5.23.2", "OpenAI/JS 7.57.0", "OpenAI/Python 1.54.0", "OpenAI/Python 1.109.1",
       "AsyncOpenAI/Python 3.54.0", "curl/8.0", ""]  # fmt: skip


async def incomplete(http: httpx2.AsyncClient, agent: str) -> list[str]:
    """The names that end the stream of an incomplete run."""
    assistant = (await http.post("/assistants", json={"model": "scripted"})).json()
    thread = {"messages": [{"role": "user", "content": "say: one two\nstop after 1 token"}]}
    body = {"assistant_id": assistant["id"], "thread": thread, "stream": True}
    response = await http.post("/threads/runs", json=body, headers={"user-agent": agent})
    told = events(response.text)
    assert told[-2].data["status"] == "incomplete"
    run = told[-2].data
    polled = await http.get(
        f"/threads/{run['thread_id']}/runs/{run['id']}",
        headers={"user-agent": agent, "x-stainless-poll-helper": "true"},
    )
    plain = await http.get(
        f"/threads/{run['thread_id']}/runs/{run['id']}", headers={"user-agent": agent}
    )
    assert plain.json()["status"] == "incomplete"
    assert polled.json()["incomplete_details"] == {"reason": "max_completion_tokens"}
    return [told[-2].name, polled.json()["status"]]


@pytest.mark.parametrize("agent", OLD)
async def test_an_old_sdk_hears_the_old_name(http: httpx2.AsyncClient, agent: str) -> None:
    status = "completed" if "Python" in agent else "incomplete"
    assert await incomplete(http, agent) == ["thread.run.completed", status]


@pytest.mark.parametrize("agent", NEW)
async def test_any_other_client_hears_the_documented_name(
    http: httpx2.AsyncClient, agent: str
) -> None:
    assert await incomplete(http, agent) == ["thread.run.incomplete", "incomplete"]
    assert dialect({"user-agent": agent}).renamed == {}
