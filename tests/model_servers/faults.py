"""Models that refuse, break or never end. In `busy-2` and the like the number says how often."""

import asyncio

from aiohttp import web

from tests.model_servers.answers import silent, text
from tests.model_servers.pieces import (
    DONE,
    HTML,
    TEXT,
    TOLD_USAGE,
    Body,
    Handler,
    begin,
    chunk,
    drop,
    event,
    refusal,
    refuses,
    says,
    send,
)


async def whole_error(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return web.json_response({"error": {"message": "No GPU is free.", "code": 503}})


async def whole_nothing(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return web.json_response({"object": "error", "message": "Not in this format."})


async def moved(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    raise web.HTTPPermanentRedirect("/v1/embeddings")


async def unauthorized(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Repeats the credentials, as some do."""
    sent = request.headers.get("authorization", "")
    return refusal(401, f"Incorrect API key provided: Authorization: {sent}")


async def echoes(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Repeats the credentials at the very place where a long message is cut off."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return refusal(400, "x" * 490 + key)


async def echoes_in_stream(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Repeats the credentials where the answer should be."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return await send(request, event({"error": {"message": f"{key} is no key."}}))


async def endless_refusal(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    response = web.StreamResponse(status=400)
    await response.prepare(request)
    while True:
        await response.write(b"no " * 20_000)


async def busy(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """`busy-2`: 429 twice, then the answer."""
    if number:
        headers = {"retry-after": "7"}
        return web.json_response({"error": {"message": "Slow down."}}, status=429, headers=headers)
    return await text(request, body, number)


async def busy_briefly(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """As `busy`, with a wait that a test can do in earnest."""
    if number:
        headers = {"retry-after": "0.05"}
        return web.json_response({"error": {"message": "Slow down."}}, status=429, headers=headers)
    return await text(request, body, number)


async def busy_until(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """As `busy`, with a date."""
    if number:
        headers = {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
        return web.json_response({"error": {"message": "Slow down."}}, status=503, headers=headers)
    return await text(request, body, number)


async def busy_long(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    error = {"message": "Come back in an hour.", "code": "rate_limit_exceeded"}
    return web.json_response({"error": error}, status=429, headers={"retry-after": "3600"})


async def failing(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """`failing-2`: 500 twice, then the answer."""
    return refusal(500, "It broke.") if number else await text(request, body, number)


async def loads(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """`loads-2`: says twice that it is not ready, as llama.cpp does, then answers."""
    if number:
        return refusal(503, "Loading model", type="unavailable_error", code=503)
    return await text(request, body, number)


async def loads_for_long(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """As `loads`, and says when to come back."""
    if number:
        headers = {"retry-after": "0.01"}
        return web.json_response({"error": "Loading model"}, status=503, headers=headers)
    return await text(request, body, number)


async def hangs_up(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """`hangs-up-2`: closes the connection without an answer twice, then answers."""
    if number:
        drop(request)
    return await text(request, body, number)


async def bad_gateway(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return web.Response(text=HTML, content_type="text/html", status=502)


async def web_page(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return web.Response(text=HTML, content_type="text/html")


async def cut(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """The connection is lost in the middle: after what was sent has arrived, unlike `drop`, which
    may take that with it.
    """
    response = await begin(request, *TEXT[:3])
    assert request.transport is not None
    request.transport.close()
    return response


async def endless(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    response = await begin(request)
    while True:
        await response.write(chunk({"content": "on "}))
        await asyncio.sleep(0.001)


async def flood(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """An endless stream, as fast as it goes."""
    response, piece = await begin(request), chunk({"content": "x" * 60_000})
    while True:
        await response.write(piece)


async def endless_line(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    response = await begin(request, b"data: ")
    while True:
        await response.write(b"x" * 60_000)


async def stalls(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Begins and says no more."""
    await begin(request, *TEXT[:2])
    return await silent(request, body, number)


FAULTS: dict[str, Handler] = {
    "whole-error": whole_error,
    "unauthorized": unauthorized,
    "forbidden": refuses(403, "Not your model."),
    "echoes": echoes,
    "echoes-in-stream": echoes_in_stream,
    "unknown": refuses(404, "The model does not exist.", code="model_not_found"),
    "quota": refuses(429, "You exceeded your quota.", code="insufficient_quota"),
    "too-long": refuses(400, "This model's limit is 8192.", code="context_length_exceeded"),
    "invalid": refuses(400, "messages[0] is wrong."),
    "chatty-refusal": refuses(400, "no " * 10_000),
    "endless-refusal": endless_refusal,
    "overloaded": refuses(529, "Overloaded."),
    "busy": busy,
    "busy-briefly": busy_briefly,
    "busy-until": busy_until,
    "busy-long": busy_long,
    "failing": failing,
    "loads": loads,
    "loads-for-long": loads_for_long,
    "hangs-up": hangs_up,
    "bad-gateway": bad_gateway,
    "web-page": web_page,
    "cut": cut,
    "cut-politely": says(*TEXT[:3]),
    "cut-in-a-line": says(*TEXT[:3], b'data: {"choices": [{"del'),
    "nothing": says(event({"object": "error", "message": "Not in this format."}), TOLD_USAGE, DONE),
    "whole-nothing": whole_nothing,
    "malformed": says(*TEXT[:3], b"data: {not json}\n\n"),
    "error-event": says(*TEXT[:3], event({"error": {"message": "The GPU fell over."}})),
    "rate-event": says(event({"error": {"message": "Slow down.", "code": 429}})),
    "long-event": says(event({"error": {"message": "Long", "code": "context_length_exceeded"}})),
    "text-event": says(event({"error": "Out of memory."})),
    "endless": endless,
    "flood": flood,
    "endless-line": endless_line,
    "silent": silent,
    "stalls": stalls,
    "moved": moved,
    "capless": refuses(400, "Unrecognized request argument supplied: max_tokens"),
}  # fmt: skip
