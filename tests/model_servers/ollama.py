"""A model server like Ollama: it has few models, loads them when it is asked for an answer, and
cuts a prompt that is too long without a word.

    python -m tests.model_servers.ollama

It prints its port, and ends when its input does. A word is a token here. `GET /_seen`: the prompts,
as they came and as the model saw them.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.model_servers.pieces import Body

# What each model is made for, and what its file says of `num_ctx`.
MODELS: dict[str, tuple[int, int | None]] = {
    "qwen3:8b": (40_960, None),
    "llama3.2:latest": (131_072, 8192),
    "tiny:latest": (2048, None),
}
DEFAULT = 4096
# Where a server has more to give, whatever the file says.
LOADED = {"tiny:latest": 2048}

_STATE = web.AppKey("state", dict[str, Any])


def _named(name: str) -> str | None:
    return next((each for each in (name, f"{name}:latest") if each in MODELS), None)


def _missing(name: str) -> web.Response:
    message = f"model '{name}' not found"
    error = {"message": message, "type": "not_found_error", "param": None, "code": None}
    return web.json_response({"error": error}, status=404)


def _window(name: str) -> int:
    most, chosen = MODELS[name]
    return LOADED.get(name, min(chosen or DEFAULT, most))


async def version(request: web.Request) -> web.Response:
    return web.json_response({"version": "0.12.6"})


async def listed(request: web.Request) -> web.Response:
    data = [{"id": each, "object": "model", "created": 1, "owned_by": "library"} for each in MODELS]
    return web.json_response({"object": "list", "data": data})


async def show(request: web.Request) -> web.Response:
    asked = (await request.json()).get("model", "")
    name = _named(asked)
    if name is None:
        return web.json_response({"error": f"model '{asked}' not found"}, status=404)
    most, chosen = MODELS[name]
    family = name.partition(":")[0]
    parameters = 'stop                           "<|end|>"'
    if chosen:
        parameters += f"\nnum_ctx                        {chosen}"
    details = {"general.architecture": family, f"{family}.context_length": most}
    return web.json_response({"parameters": parameters, "model_info": details})


async def loaded(request: web.Request) -> web.Response:
    names = request.app[_STATE]["loaded"]
    models = [{"name": each, "model": each, "context_length": _window(each)} for each in names]
    return web.json_response({"models": models})


async def completions(request: web.Request) -> web.StreamResponse:
    body: Body = await request.json()
    name = _named(str(body["model"]))
    if name is None:
        return _missing(str(body["model"]))
    state = request.app[_STATE]
    state["loaded"].add(name)
    messages = body["messages"]
    assert isinstance(messages, list)
    words = [word for each in messages for word in str(each.get("content") or "").split()]
    kept = words[-_window(name) :]
    state["seen"].append({"model": name, "came": len(words), "kept": len(kept)})
    answer = f"{name} saw {len(kept)} words of {len(words)}, from {kept[0]} on."
    if not body.get("stream"):
        whole = {"index": 0, "message": {"role": "assistant", "content": answer},
                 "finish_reason": "stop"}  # fmt: skip
        return web.json_response({"object": "chat.completion", "choices": [whole]})
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for delta, reason in (({"role": "assistant", "content": answer}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"object": "chat.completion.chunk", "choices": [choice]}
        await response.write(b"data: " + web.json_response(chunk).body + b"\n\n")  # type: ignore[operator]
    await response.write(b"data: [DONE]\n\n")
    return response


async def seen(request: web.Request) -> web.Response:
    return web.json_response(request.app[_STATE]["seen"])


def application() -> web.Application:
    app = web.Application()
    app[_STATE] = {"loaded": set(), "seen": []}
    app.add_routes([
        web.get("/api/version", version), web.post("/api/show", show), web.get("/api/ps", loaded),
        web.get("/v1/models", listed), web.post("/v1/chat/completions", completions),
        web.get("/_seen", seen),
    ])  # fmt: skip
    return app


@asynccontextmanager
async def serving() -> AsyncGenerator[int, None]:
    """The server in this process; its port."""
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def main() -> None:
    async with serving() as port:
        print(port, flush=True)
        # Ends with whoever started it, however that ended.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
