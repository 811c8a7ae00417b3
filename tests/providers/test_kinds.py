"""What program a model server is: set, known by its name, or seen on a private address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from perdure.providers import kinds
from perdure.providers.openai import OpenAIProvider
from perdure.settings.models import Kind
from perdure.wire.chat import ChatMessage, ChatRequest, ChosenFunction, FunctionToolChoice
from tests.model_servers.answers import text
from tests.model_servers.fixture import ModelServer
from tests.model_servers.refusals import QUIRKS, has_choice_object, in_string
from tests.providers.talk import asks, function, hear

LMSTUDIO = {"data": [{"id": "m", "compatibility_type": "gguf", "state": "loaded"}]}

Answers = dict[str, object]


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """The origin of a program that listens."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def serving(answers: Answers) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that answers these paths in JSON, and what it was asked."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        if request.path not in answers:
            return web.json_response({"error": "Unexpected endpoint"}, status=404)
        return web.json_response(answers[request.path])

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", answer)])
    async with listening(app) as origin:
        yield origin, asked


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"/api/version": {"version": "0.12.3"}}, "ollama"),
        ({"/props": {"default_generation_settings": {"n_ctx": 4096}}}, "llamacpp"),
        ({"/api/v0/models": LMSTUDIO}, "lmstudio"),
        ({"/version": {"version": "0.11.0"}}, "vllm"),
        ({}, None),
        ({"/api/version": [], "/props": 5, "/api/v0/models": {"data": []}, "/version": None}, None),
        ({"/api/version": {"error": "no"}, "/version": {"version": "0.11.0"}}, "vllm"),
    ],
)  # fmt: skip
async def test_a_server_is_known_by_paths_of_its_own(answers: Answers, kind: Kind | None) -> None:
    async with serving(answers) as (origin, asked):
        provider = OpenAIProvider(f"{origin}/v1", api_key="sk-secret")
        for _ in range(2):
            assert await provider.kind() == kind
        await provider.close()
    assert all("authorization" not in request.headers for request in asked)
    assert len({request.path for request in asked}) == len(asked)


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "no-such-host.invalid"])
async def test_a_public_address_is_not_looked_at(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was asked")

    monkeypatch.setattr(ClientSession, "get", refuse)
    async with ClientSession() as http:
        assert await kinds.guess(http, f"http://{host}") is None


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://x.openai.azure.com/openai/v1", "azure"),
    ],
)
async def test_a_well_known_host_needs_no_look(url: str, kind: Kind) -> None:
    assert await OpenAIProvider(url).kind() == kind


async def test_what_is_set_is_believed(model_server: ModelServer) -> None:
    provider = OpenAIProvider(model_server.base_url, kind="vllm")
    assert await provider.kind() == "vllm"


async def test_what_a_kind_needs_is_done_before_it_refuses(model_server: ModelServer) -> None:
    quirk = next(quirk for quirk in QUIRKS if quirk.server == "Mistral")
    assert quirk.adjustment in kinds.KNOWN["mistral"]
    provider = OpenAIProvider(model_server.base_url, kind="mistral")
    messages = [
        ChatMessage(role="user", content="Hello"),
        ChatMessage(role="assistant", content="Hi"),
    ]
    await hear(provider, ChatRequest(model=quirk.model, messages=messages))
    await provider.close()
    assert len(model_server.bodies()) == 1


async def test_a_refusal_has_the_server_looked_at_and_all_done_that_its_kind_needs() -> None:
    bodies: list[dict[str, object]] = []

    async def completions(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        if "temperature" in bodies[-1]:
            return in_string(400, "Unknown parameter: 'temperature'")
        if has_choice_object(bodies[-1]):
            return in_string(400, "Invalid tool_choice type: 'object'.")
        return await text(request, bodies[-1], 0)

    async def models(request: web.Request) -> web.StreamResponse:
        return web.json_response(LMSTUDIO)

    app = web.Application()
    app.add_routes([
        web.post("/v1/chat/completions", completions), web.get("/api/v0/models", models),
    ])  # fmt: skip
    async with listening(app) as origin:
        provider = OpenAIProvider(f"{origin}/v1")
        forced = FunctionToolChoice(function=ChosenFunction(name="f"))
        request = asks("m", temperature=0.5, tools=[function("f")], tool_choice=forced)
        await hear(provider, request)
        await provider.close()
    assert len(bodies) == 2
