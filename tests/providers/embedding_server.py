"""A server of embeddings that does as a test tells it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from perdure.model_servers import connect_embeddings
from perdure.providers.embeddings import EmbeddingModel
from tests.providers.conftest import KEY

Answer = Callable[[dict[str, list[str]]], web.Response]


class Server:
    """A server that answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.headers: list[str] = []
        self.answers: list[Answer] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(request.headers.get("authorization", ""))
        return self.answers.pop(0)(body) if self.answers else vectors(body)

    def model(self, dimensions: int | None = None) -> EmbeddingModel:
        return connect_embeddings(self.url, model="m", dimensions=dimensions, api_key=KEY)


def vectors(body: dict[str, list[str]]) -> web.Response:
    """The length of each text, out of order, as servers may."""
    data = [{"index": n, "embedding": [len(text), 1]} for n, text in enumerate(body["input"])]
    return web.json_response({"data": data[::-1]})


def refusal(status: int, message: str) -> Answer:
    return lambda _: web.json_response({"error": {"message": message}}, status=status)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """The server, on a free port."""
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/embeddings", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield server
    await runner.cleanup()
