"""Where requests go, with which key: Azure OpenAI differs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from perdure import settings
from perdure.errors import ConfigurationError
from perdure.providers.endpoint import AZURE_VERSION, Endpoint
from perdure.providers.openai import OpenAIProvider
from perdure.providers.patience import Patience
from perdure.settings.models import Kind
from tests.model_servers.answers import text
from tests.providers.talk import asks, hear, relayed

DEPLOYMENT = "https://x.openai.azure.com/openai/deployments/d"


@pytest.mark.parametrize(
    ("base_url", "kind", "url"),
    [
        ("http://m/v1", None, "http://m/v1/chat/completions"),
        ("http://m/v1/", "openai", "http://m/v1/chat/completions"),
        (f"{DEPLOYMENT}?api-version=2", None, f"{DEPLOYMENT}/chat/completions?api-version=2"),
        (DEPLOYMENT, None, f"{DEPLOYMENT}/chat/completions?api-version={AZURE_VERSION}"),
        (f"{DEPLOYMENT}/", None, f"{DEPLOYMENT}/chat/completions?api-version={AZURE_VERSION}"),
        (f"{DEPLOYMENT}/chat/completions?api-version=2", None,
         f"{DEPLOYMENT}/chat/completions?api-version=2"),
        ("https://x.openai.azure.com/openai/v1", None,
         "https://x.openai.azure.com/openai/v1/chat/completions"),
        ("https://x.services.ai.azure.com/openai/v1?api-version=preview", None,
         "https://x.services.ai.azure.com/openai/v1/chat/completions?api-version=preview"),
        ("https://llm.corp/openai/v1?api-version=3", "azure",
         "https://llm.corp/openai/v1/chat/completions?api-version=3"),
    ],
)  # fmt: skip
def test_the_path_stands_before_the_query(base_url: str, kind: Kind | None, url: str) -> None:
    assert Endpoint(base_url, api_key=None, kind=kind).url("chat/completions") == url


@pytest.mark.parametrize(
    ("base_url", "kind", "headers"),
    [
        ("http://m/v1", None, {"authorization": "Bearer k"}),
        (DEPLOYMENT, None, {"api-key": "k"}),
        ("https://x.cognitiveservices.azure.com/openai/v1", None, {"api-key": "k"}),
        ("https://llm.corp/v1", "azure", {"api-key": "k"}),
        (DEPLOYMENT, "openai", {"authorization": "Bearer k"}),
    ],
)
def test_the_key_goes_into_the_header_of_the_server(
    base_url: str, kind: Kind | None, headers: dict[str, str]
) -> None:
    assert Endpoint(base_url, api_key="k\n", kind=kind).headers == headers
    assert Endpoint(base_url, api_key=None, kind=kind).headers == {}


@pytest.mark.parametrize("name", ["model_base_url", "embedding_base_url", "model_servers"])
@pytest.mark.parametrize(
    "url",
    ["http://m/v1?key=secret", "http://m/v1?api-version=1", "http://m/v1#there",
     f"{DEPLOYMENT}?api-version=1&key=secret"],
)  # fmt: skip
def test_a_query_that_no_path_can_follow_is_refused_at_the_start_with_advice(
    name: str, url: str
) -> None:
    given: object = [{"name": "m", "base_url": url}] if name == "model_servers" else url
    with pytest.raises(ConfigurationError) as caught:
        settings.only(**{name: given, "embedding_model": "e"} if "emb" in name else {name: given})
    assert name in str(caught.value)
    assert "/openai/deployments/DEPLOYMENT?api-version=" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_azure_s_own_query_is_taken_everywhere() -> None:
    url = f"{DEPLOYMENT}?api-version=1"
    mine = "https://llm.corp/v1?api-version=1"
    servers = [{"name": "m", "base_url": url}, {"name": "n", "base_url": mine, "kind": "azure"}]
    chosen = settings.only(
        model_base_url=mine, model_kind="azure", embedding_base_url=url, embedding_model="e",
        model_servers=servers,
    )  # fmt: skip
    assert [server.kind for server in chosen.servers] == ["azure", None, "azure"]


def test_a_kind_without_its_server_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="model_kind is set but model_base_url is not"):
        settings.only(model_kind="azure")


@asynccontextmanager
async def azure() -> AsyncIterator[tuple[str, list[tuple[str, str | None]]]]:
    """An Azure resource: its URL, and the paths with keys that it was asked for."""
    seen: list[tuple[str, str | None]] = []

    @web.middleware
    async def look(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        seen.append((request.path_qs, request.headers.get("api-key")))
        return await handler(request)

    async def completions(request: web.Request) -> web.StreamResponse:
        return await text(request, await request.json(), 0)

    async def models(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"id": "gpt-4o"}, {"id": "gpt-35-turbo"}]})

    app = web.Application(middlewares=[look])
    app.add_routes([
        web.post("/openai/deployments/d/{path:.*}", completions), web.get("/openai/models", models),
    ])  # fmt: skip
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


async def test_a_deployment_answers_lists_itself_and_is_relayed_to() -> None:
    async with azure() as (origin, seen):
        url = f"{origin}/openai/deployments/d?api-version=2"
        provider = OpenAIProvider(url, api_key="k", patience=Patience(0))
        assert provider.where == f"{origin}/openai/deployments/d"
        assert await provider.kind() == "azure"
        assert (await hear(provider, asks("any"))).finish == "stop"
        assert [model.id for model in await provider.models()] == ["d"]
        body = b'{"model": "any", "messages": []}'
        assert (await relayed(provider, "chat/completions", body))[0] == 200
        await provider.close()
    assert seen == [
        ("/openai/deployments/d/chat/completions?api-version=2", "k"),
        ("/openai/models?api-version=2", "k"),
        ("/openai/deployments/d/chat/completions?api-version=2", "k"),
    ]
