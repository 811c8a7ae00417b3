"""What every answer says to browsers and proxies, and that pages of others may read none."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from perdure.app import Perdure
from tests.api.servers import HEADERS
from tests.model_servers.fixture import ModelServer

ORIGIN = {"origin": "https://app.example.com"}
PREFLIGHT = {
    **ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, openai-beta, x-stainless-os",
}


@pytest.fixture
def database_url() -> None:
    """Headers do not depend on the database."""


@pytest.fixture
async def page(app: Perdure) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser, as far as its requests show: it sends no key before it knows that it may."""
    transport = httpx2.ASGITransport(app.asgi)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1/v1") as client:
        yield client


def cors(response: httpx2.Response) -> list[str]:
    return [name for name in response.headers if name.startswith("access-control-")]


async def answers(http: httpx2.AsyncClient) -> list[httpx2.Response]:
    """Answers of each kind."""
    form = {"purpose": "user_data"}
    file = (await http.post("/files", data=form, files={"file": ("a.html", b"<b>")})).json()
    return [
        await http.get("http://127.0.0.1/health", headers=ORIGIN),
        await http.get("/assistants", headers=ORIGIN),
        await http.post("/threads", json={}, headers=ORIGIN),
        await http.get(f"/files/{file['id']}/content", headers=ORIGIN),
        await http.get("/no-such", headers=ORIGIN),
        await http.get("/assistants", headers={**ORIGIN, "authorization": ""}),
        await http.options("/assistants", headers=PREFLIGHT),
        await http.post("/threads", content=b"{", headers=ORIGIN),
        await http.post("/embeddings", json={"model": "m", "input": "a"}, headers=ORIGIN),
    ]


async def streams(http: httpx2.AsyncClient) -> list[httpx2.Response]:
    """A run that is streamed, and a stream that is passed on."""
    assistant = (await http.post("/assistants", json={"model": "m"})).json()
    messages = [{"role": "user", "content": "say: Hello"}]
    run = {"assistant_id": assistant["id"], "thread": {"messages": messages}, "stream": True}
    chat = {"model": "m", "messages": messages, "stream": True}
    return [
        await http.post("/threads/runs", json=run, headers=ORIGIN),
        await http.post("/chat/completions", json=chat, headers=ORIGIN),
    ]


async def test_no_answer_lets_a_browser_guess_its_type(http: httpx2.AsyncClient) -> None:
    for response in await answers(http) + await streams(http):
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_nothing_in_between_is_to_buffer_or_store_a_stream(http: httpx2.AsyncClient) -> None:
    for response in await streams(http):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers.get_list("cache-control") == ["no-store"]


async def test_no_page_of_others_may_read_an_answer(http: httpx2.AsyncClient) -> None:
    for response in await answers(http) + await streams(http):
        assert cors(response) == []


class TestWithOrigins:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"cors_origins": "https://app.example.com, http://localhost:3000"}

    @pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:3000"])
    async def test_a_page_of_these_origins_may_call(
        self, page: httpx2.AsyncClient, origin: str
    ) -> None:
        asked = await page.options("/threads", headers={**PREFLIGHT, "origin": origin})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == origin
        assert "POST" in asked.headers["access-control-allow-methods"]
        allowed = asked.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "openai-beta", "x-stainless-os"} <= {*allowed}
        called = await page.post("/threads", json={}, headers={**HEADERS, "origin": origin})
        assert called.status_code == 200
        assert called.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in called.headers
        assert "x-request-id" in called.headers["access-control-expose-headers"]

    async def test_a_page_of_another_origin_may_not(self, page: httpx2.AsyncClient) -> None:
        other = {"origin": "https://evil.example.com"}
        asked = await page.options("/threads", headers={**PREFLIGHT, **other})
        assert asked.status_code == 400
        assert "access-control-allow-origin" not in asked.headers
        called = await page.post("/threads", json={}, headers={**HEADERS, **other})
        assert "access-control-allow-origin" not in called.headers

    async def test_a_page_needs_a_key_all_the_same(self, page: httpx2.AsyncClient) -> None:
        assert (await page.post("/threads", json={}, headers=ORIGIN)).status_code == 401


class TestWithAModelServerThatSaysTooMuch:
    @pytest.fixture
    def chosen(self, model_server: ModelServer) -> dict[str, object]:
        return {"model_base_url": model_server.base_url}

    async def test_its_word_on_other_pages_is_not_passed_on_nor_what_is_no_header_here(
        self, http: httpx2.AsyncClient
    ) -> None:
        body = {"model": "talkative", "input": "a"}
        response = await http.post("/embeddings", json=body, headers=ORIGIN)
        assert response.status_code == 200
        assert "x-note" not in response.headers
        assert response.headers["x-request-id"] != "req_1"
        assert cors(response) == []
