"""Model servers tell their windows each in its own way, and some tell nonsense."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import ProviderError
from perdure.providers.openai import OpenAIProvider
from perdure.providers.provider import ToldWindow
from perdure.providers.told_windows import ToldWindows, read
from perdure.wire.base import JsonObject
from tests.model_servers import ollama

LISTS = {"data": [{"id": "other", "max_model_len": 1024}, {"id": "m"}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def asker(answers: dict[str, Any]) -> tuple[ToldWindows, Counter[str]]:
    """What a server tells that has these answers, by path, and how often it was asked."""
    asked: Counter[str] = Counter()

    async def ask(url: str, _body: JsonObject | None) -> JsonObject | None:
        path = url.removeprefix("http://server")
        asked[path] += 1
        found: JsonObject | None = answers.get(path)
        return found

    return ToldWindows("http://server/v1/models", "http://server", ask), asked


def listed(**fields: object) -> dict[str, Any]:
    return {"/v1/models": {"data": [{"id": "other", "max_model_len": 1024}, {"id": "m", **fields}]}}


def of_ollama(parameters: str = "", *, most: object = 40_960, loaded: object = None) -> Any:
    models = [] if loaded is None else [{"name": "m:latest", "context_length": loaded}]
    return {
        "/v1/models": LISTS,
        "/api/version": {"version": "0.12.6"},
        "/api/show": {"parameters": parameters, "model_info": {"qwen3.context_length": most}},
        "/api/ps": {"models": models},
    }


def of_llama_cpp(window: object) -> Any:
    return {"/v1/models": LISTS, "/props": {"default_generation_settings": {"n_ctx": window}}}


def of_studio(**fields: object) -> Any:
    return {"/v1/models": LISTS, "/api/v0/models": {"data": [{"id": "m", **fields}]}}


@pytest.mark.parametrize(
    ("answers", "window"),
    [
        (listed(max_model_len=32_768), ToldWindow(32_768)),
        (listed(context_length=200_000), ToldWindow(200_000)),
        (listed(context_window=131_072), ToldWindow(131_072)),
        (listed(max_context_length=32_000), ToldWindow(32_000)),
        (listed(), None),
        (listed(max_model_len="32768"), None),
        (listed(max_model_len=True), None),
        (listed(max_model_len=0), None),
        (listed(max_model_len=10**30), None),
        (of_ollama(loaded=16_384), ToldWindow(16_384, 40_960, cuts_in_silence=True)),
        (
            of_ollama("stop  x\nnum_ctx   8192\ntop_k  1"),
            ToldWindow(8192, 40_960, cuts_in_silence=True, is_loaded=False),
        ),
        (of_ollama(), ToldWindow(4096, 40_960, cuts_in_silence=True, is_loaded=False)),
        (of_ollama(most=2048), ToldWindow(2048, 2048, cuts_in_silence=True, is_loaded=False)),
        (of_ollama(most="x"), ToldWindow(4096, cuts_in_silence=True, is_loaded=False)),
        (
            of_ollama(f"num_ctx {'9' * 4000}", most=None),
            ToldWindow(2**31, cuts_in_silence=True, is_loaded=False),
        ),
        ({"/api/version": {"version": "1"}}, None),
        (of_llama_cpp(8192), ToldWindow(8192)),
        (of_llama_cpp(-1), None),
        (
            of_studio(loaded_context_length=4096, max_context_length=32_768),
            ToldWindow(4096, 32_768),
        ),
        (of_studio(max_context_length=32_768), None),
        ({}, None),
    ],
)
async def test_each_kind_of_server_is_understood(
    answers: dict[str, Any], window: ToldWindow | None
) -> None:
    windows, _ = asker(answers)
    assert await windows.of("m") == window


async def test_many_runs_ask_once_and_a_model_that_is_not_loaded_is_asked_for_again() -> None:
    windows, asked = asker(listed(max_model_len=32_768))
    await asyncio.gather(*(windows.of("m") for _ in range(50)))
    assert asked == {"/v1/models": 1}
    answers = of_ollama()
    windows, _ = asker(answers)
    assert await windows.of("m") == (4096, 40_960, True, False)
    answers |= of_ollama(loaded=32_768)
    assert await windows.of("m") == (32_768, 40_960, True, True)


async def test_a_server_that_tells_nothing_is_left_alone_and_one_that_is_away_is_not() -> None:
    windows, asked = asker({})
    assert [await windows.of("m"), await windows.of("m")] == [None, None]
    assert set(asked.values()) == {1}
    away = True

    async def ask(url: str, _body: JsonObject | None) -> JsonObject | None:
        if away:
            raise ProviderError("away")
        return listed(max_model_len=32_768).get(url.removeprefix("http://server"))

    windows = ToldWindows("http://server/v1/models", "http://server", ask)
    assert await windows.of("m") is None
    away = False
    assert await windows.of("m") == ToldWindow(32_768)


async def test_a_path_that_a_server_breaks_off_at_does_not_hide_the_others() -> None:
    answers = of_llama_cpp(8192)

    async def ask(url: str, _body: JsonObject | None) -> JsonObject | None:
        path = url.removeprefix("http://server")
        if path == "/api/version":
            raise ProviderError("broke")
        found: JsonObject | None = answers.get(path)
        return found

    assert await ToldWindows("http://server/v1/models", "http://server", ask).of("m") == ToldWindow(
        8192
    )


@given(
    body=JSON,
    key=st.sampled_from(
        ["data", "models", "version", "model_info", "parameters", "default_generation_settings"]
    ),
)
def test_no_answer_breaks_it(body: object, key: str) -> None:
    answer = {key: body, "version": "1"}
    paths = ("/v1/models", "/api/version", "/api/show", "/api/ps", "/props", "/api/v0/models")
    windows, _ = asker(dict.fromkeys(paths, answer))
    window = asyncio.run(windows.of("m"))
    assert window is None or 512 <= window.tokens <= 2**31


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 10_000, b"<html>"])
def test_what_is_no_object_is_nothing(body: bytes) -> None:
    assert read(body) is None


@pytest.fixture
async def like_ollama() -> AsyncIterator[str]:
    async with ollama.serving() as port:
        yield f"http://127.0.0.1:{port}/v1"


async def test_a_server_like_ollama_is_asked_over_http(like_ollama: str) -> None:
    provider = OpenAIProvider(like_ollama)
    try:
        assert await provider.told_window("qwen3:8b") == (4096, 40_960, True, False)
        assert await provider.told_window("llama3.2") == (8192, 131_072, True, False)
        assert await provider.told_window("gpt-4o") is None
    finally:
        await provider.close()
