"""Programs that name models of OpenAI, on a server like Ollama that cuts prompts without a word."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api.sse import events
from tests.model_servers import ollama


@pytest.fixture
def database_url() -> None:
    """Models do not depend on the database."""


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """A server like Ollama, which has loaded nothing yet."""
    async with ollama.serving() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def chosen(origin: str, request: pytest.FixtureRequest) -> dict[str, object]:
    return {"model_base_url": f"{origin}/v1", **getattr(request, "param", {})}


async def run(http: httpx2.AsyncClient, model: str, *texts: str) -> dict[str, Any]:
    """The run as it ended, and its text as `text`."""
    assistant = (await http.post("/assistants", json={"model": model})).json()
    messages = [{"role": "user", "content": text} for text in texts]
    body = {"assistant_id": assistant["id"], "thread": {"messages": messages}, "stream": True}
    told = events((await http.post("/threads/runs", json=body)).text)
    text = "".join(
        part["text"]["value"]
        for event in told
        if event.name == "thread.message.delta"
        for part in event.data["delta"]["content"]
    )
    ended: dict[str, Any] = next(
        event.data for event in reversed(told) if event.name.startswith("thread.run.")
    )
    return {**ended, "text": text}


async def seen(origin: str) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient() as client:
        found: list[dict[str, Any]] = (await client.get(f"{origin}/_seen")).json()
        return found


async def test_without_a_word_about_names_a_run_fails_and_says_so(http: httpx2.AsyncClient) -> None:
    ended = await run(http, "gpt-4o", "Hello")
    assert ended["status"] == "failed"
    assert "gpt-4o" in ended["last_error"]["message"]


@pytest.mark.parametrize(
    "chosen",
    [{"default_model": "qwen3:8b"}, {"model_aliases": {"gpt-4*": "qwen3:8b"}}],
    indirect=True,
)
async def test_the_default_model_and_an_alias_answer_for_what_nobody_serves(
    http: httpx2.AsyncClient,
) -> None:
    ended = await run(http, "gpt-4o", "Hello")
    assert (ended["status"], ended["model"]) == ("completed", "gpt-4o")
    assert ended["text"].startswith("qwen3:8b saw 1 words")
    # what is served keeps its name, with a tag or without
    for model in ("llama3.2", "llama3.2:latest", "default/llama3.2"):
        ended = await run(http, model, "Hello")
        assert ended["text"].startswith("llama3.2:latest saw 1 words")


@pytest.mark.parametrize("model", ["qwen3:8b", "llama3.2", "tiny"])
async def test_no_prompt_is_cut_by_the_server(
    http: httpx2.AsyncClient, origin: str, model: str
) -> None:
    """The oldest messages are left out before; what was asked last is always there."""
    texts = [f"Message {number} " + "word " * 400 for number in range(30)]
    ended = await run(http, model, *texts)
    assert ended["status"] == "completed"
    ended = await run(http, model, *texts)
    assert ended["status"] == "completed"
    prompts = await seen(origin)
    assert len(prompts) == 2
    for prompt in prompts:
        assert 1000 < prompt["came"] == prompt["kept"]
