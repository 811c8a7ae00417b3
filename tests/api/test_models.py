"""One base_url serves a whole program: models, chat completions, embeddings (spec 02 §12)."""

import json

import httpx2
import pytest


async def test_models_are_listed_and_found(http: httpx2.AsyncClient) -> None:
    models = (await http.get("/models")).json()
    assert [model["id"] for model in models["data"]] == ["scripted"]
    assert (await http.get("/models/scripted")).json() == models["data"][0]


async def test_a_model_cannot_be_deleted_here(http: httpx2.AsyncClient) -> None:
    response = await http.delete("/models/scripted")
    assert response.status_code == 403
    assert "'scripted'" in response.json()["error"]["message"]
    assert (await http.delete("/models/org/none")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/openai/deployments/gpt-4/chat/completions?api-version=1"]
)
async def test_chat_completions_are_answered(http: httpx2.AsyncClient, path: str) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "say: Hello there"}]}
    response = await http.post(f"http://127.0.0.1{path}", json=body)
    assert response.status_code == 200
    answer = response.json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "Hello there"
    assert answer["choices"][0]["finish_reason"] == "stop"


async def test_chat_completions_are_streamed(http: httpx2.AsyncClient) -> None:
    body = {
        "model": "any",
        "messages": [{"role": "user", "content": "say: Hello there"}],
        "stream": True,
    }
    response = await http.post("/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    payloads = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert payloads.pop() == "[DONE]"
    chunks = [json.loads(payload) for payload in payloads]
    deltas = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas) == "Hello there"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/completions",
        "/openai/deployments/gpt-4/completions",
    ],
)
async def test_what_the_scripted_model_does_not_have_is_refused_with_what_to_do(
    http: httpx2.AsyncClient, path: str
) -> None:
    response = await http.post(f"http://127.0.0.1{path}", json={"model": "any", "input": "x"})
    assert response.status_code == 400
    assert "--model-base-url" in response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/openai/deployments/gpt-4/embeddings"])
async def test_embeddings_are_passed_through(http: httpx2.AsyncClient, path: str) -> None:
    body = {"model": "any", "input": ["a rose", "a rose", "the rent"]}
    response = await http.post(f"http://127.0.0.1{path}", json=body)
    first, same, other = (each["embedding"] for each in response.json()["data"])
    assert first == same != other


async def test_passing_through_needs_no_beta_header(http: httpx2.AsyncClient) -> None:
    response = await http.get("/models", headers={"openai-beta": ""})
    assert response.status_code == 200
