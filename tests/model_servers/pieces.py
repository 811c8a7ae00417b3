"""What the answers of the model server are made of."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

WORDS = ("Hello ", "from ", "the ", "módel ", "🙂 ", "server.")
USAGE = {"prompt_tokens": 11, "completion_tokens": 6, "total_tokens": 17}
HTML = "<!doctype html><html><body><h1>Bad gateway</h1></body></html>"

Body = dict[str, object]
Handler = Callable[[web.Request, Body, int], Awaitable[web.StreamResponse]]


def refusal(status: int, message: str, **more: object) -> web.Response:
    """An error as OpenAI words it."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": {**error, **more}}, status=status)


def chunk(delta: Body, finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                  "model": "m", "choices": [choice], **more})  # fmt: skip


def event(value: object) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


DONE = b"data: [DONE]\n\n"
TEXT = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": w}) for w in WORDS)]
STOP = chunk({}, "stop")
TOLD_USAGE = event({"choices": [], "usage": USAGE})


async def send(request: web.Request, *pieces: bytes) -> web.StreamResponse:
    response = await begin(request, *pieces)
    await response.write_eof()
    return response


async def begin(
    request: web.Request, *pieces: bytes, kind: str = "text/event-stream"
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    return response


def says(*pieces: bytes) -> Handler:
    """Answers with these events."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        return await send(request, *pieces)

    return handler


def refuses(status: int, message: str, **more: object) -> Handler:
    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        return refusal(status, message, **more)

    return handler


def drop(request: web.Request) -> None:
    """Ends the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
