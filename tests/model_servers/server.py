"""An OpenAI-compatible model server that goes wrong as it is told.

    python -m tests.model_servers.server

A program of its own, which knows nothing of Perdure. The model's name says what it does: see
`answers.py` and `faults.py`. It prints its port, and ends when its input does.

`GET /_seen`: the requests since the last `POST /_reset`, with `?model=` those for this model.
`GET /_asked?count=n`: answers once there were n, `GET /_aborted?count=n` once n were given up by
their client.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from tests.model_servers.answers import ANSWERS
from tests.model_servers.calls import CALLS
from tests.model_servers.endings import ENDINGS
from tests.model_servers.extras import EXTRAS
from tests.model_servers.faults import FAULTS, unauthorized
from tests.model_servers.formats import FORMATS
from tests.model_servers.pieces import Body, refusal
from tests.model_servers.refusals import REFUSALS
from tests.model_servers.rounds import ROUNDS
from tests.model_servers.templates import TEMPLATES
from tests.model_servers.thoughts import THOUGHTS
from tests.model_servers.windows import WINDOWS

MODELS = {**ANSWERS, **CALLS, **ENDINGS, **EXTRAS, **FAULTS, **FORMATS, **REFUSALS, **ROUNDS,
          **TEMPLATES, **THOUGHTS, **WINDOWS}  # fmt: skip


class Log:
    """What was seen since the last reset."""

    def __init__(self) -> None:
        self.seen: list[Body] = []
        self.calls: Counter[str] = Counter()
        self.aborted = 0
        self.changed = asyncio.Condition()

    async def add(self, request: Body) -> None:
        async with self.changed:
            self.seen.append(request)
            self.changed.notify_all()

    async def count_aborted(self) -> None:
        async with self.changed:
            self.aborted += 1
            self.changed.notify_all()


LOG = web.AppKey("log", Log)


def headers_of(request: web.Request) -> Body:
    return {name.lower(): value for name, value in request.headers.items()}


async def completions(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    body: Body = await request.json()
    peer = request.transport.get_extra_info("peername")[1] if request.transport else None
    model = str(body["model"])
    await log.add({"path": request.path, "headers": headers_of(request), "body": body,
                   "model": model, "peer": peer, "raw": await request.text()})  # fmt: skip
    log.calls[model] += 1
    name, _, times = model.rpartition("-")
    left = 0
    if times.isdigit():
        model, left = name, max(0, int(times) + 1 - log.calls[model])
    handler = MODELS.get(model) or MODELS.get(model.partition(": ")[0])
    if handler is None:
        return refusal(404, f"The model '{model}' does not exist.", code="model_not_found")
    try:
        return await handler(request, body, left)
    except (asyncio.CancelledError, ConnectionResetError):
        await log.count_aborted()
        raise


async def embeddings(request: web.Request) -> web.StreamResponse:
    body: Body = await request.json()
    request.app[LOG].seen.append(
        {"path": request.path, "headers": headers_of(request), "body": body,
         "model": body.get("model"), "raw": (await request.read()).decode()}
    )  # fmt: skip
    if body.get("model") == "unauthorized":
        return await unauthorized(request, body, 0)
    headers = {"x-request-id": "req_1", "set-cookie": "secret=1", "openai-version": "2020-10-01"}
    if body.get("model") == "talkative":
        headers |= {"access-control-allow-origin": "*", "x-note": "\u65e5\u672c"}
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
    return web.json_response({"object": "list", "data": data}, headers=headers)


async def models(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    log.calls["/models"] += 1
    if "authorization" in request.headers and "listless" in request.headers["authorization"]:
        return web.Response(status=404, text="404 page not found")
    data = [{"id": "text", "object": "model", "created": 1_700_000_000, "owned_by": "tests"},
            {"id": "bare"}]  # fmt: skip
    return web.json_response({"object": "list", "data": data})


async def seen(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    model = request.query.get("model")
    found = [each for each in log.seen if model in (None, each["model"])]
    return web.json_response({"requests": found, "listed": log.calls["/models"]})


async def asked(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    return await _once(request, lambda: len(log.seen))


async def aborted(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    return await _once(request, lambda: log.aborted)


async def _once(request: web.Request, counted: Callable[[], int]) -> web.StreamResponse:
    """Answers when so many are counted as are asked for."""
    count = int(request.query["count"])
    changed = request.app[LOG].changed
    async with changed:
        await changed.wait_for(lambda: counted() >= count)
    return web.json_response({})


async def reset(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    log.seen.clear()
    log.calls.clear()
    log.aborted = 0
    return web.Response()


async def main() -> None:
    app = web.Application()
    app[LOG] = Log()
    app.add_routes([
        web.post("/v1/chat/completions", completions), web.post("/v1/embeddings", embeddings),
        web.get("/v1/models", models), web.get("/_seen", seen), web.get("/_aborted", aborted),
        web.get("/_asked", asked),
        web.post("/_reset", reset),
    ])  # fmt: skip
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    # Ends with whoever started it, however that ended.
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
