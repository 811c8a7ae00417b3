"""An OpenAI-compatible model server that goes wrong as it is told: `python -m …server`.

A program of its own, which knows nothing of Perdure. The model's name says what it does, see
`MODELS`; `busy-2` and the like take a number. It prints its port, and ends when its input does.

`GET /_seen`: the requests since the last `POST /_reset`. `GET /_aborted?count=n`: answers once
n requests were given up by their client.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

WORDS = ("Hello ", "from ", "the ", "módel ", "🙂 ", "server.")
USAGE = {"prompt_tokens": 11, "completion_tokens": 6, "total_tokens": 17}
CALLS = (
    ("call_a", "get_weather", ('{"city": ', '"Paris', '"}')),
    ("call_b", "get_time", ("{}",)),
)
HTML = "<!doctype html><html><body><h1>Bad gateway</h1></body></html>"

Body = dict[str, object]
Handler = Callable[[web.Request, Body, int], Awaitable[web.StreamResponse]]


class Log:
    """What was seen since the last reset."""

    def __init__(self) -> None:
        self.seen: list[Body] = []
        self.calls: Counter[str] = Counter()
        self.aborted = 0
        self.changed = asyncio.Condition()

    async def count_aborted(self) -> None:
        async with self.changed:
            self.aborted += 1
            self.changed.notify_all()


LOG = web.AppKey("log", Log)


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


async def text(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Text, as long as the request lets it be."""
    cap = body.get("max_tokens", body.get("max_completion_tokens"))
    content = WORDS[: cap if isinstance(cap, int) else None]
    finish = "stop" if len(content) == len(WORDS) else "length"
    pieces = [*TEXT[: len(content) + 1], chunk({}, finish)]
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        pieces.append(TOLD_USAGE)
    if not body.get("stream"):
        return whole("".join(content), finish)
    return await send(request, *pieces, DONE)


def whole(content: str, finish: str) -> web.Response:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return web.json_response(
        {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": USAGE}
    )


async def tools(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """All calls at once, in fragments, the fragments of both mixed."""
    fragments: list[Body] = []
    for index, (call_id, name, _) in enumerate(CALLS):
        function = {"name": name, "arguments": ""}
        fragments.append({"index": index, "id": call_id, "type": "function", "function": function})
    for index, (_, _, arguments) in enumerate(CALLS):
        fragments += [{"index": index, "function": {"arguments": piece}} for piece in arguments]
    pieces = [chunk({"tool_calls": [fragment]}) for fragment in fragments]
    usage = [] if "stream_options" not in body else [TOLD_USAGE]
    return await send(request, *pieces, chunk({}, "tool_calls"), *usage, DONE)


async def byte_by_byte(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """CRLF, comments, other fields, in pieces of one byte."""
    answer = b": hello\n\nevent: x\nid: 1\n\n" + b"".join(TEXT)
    answer = (answer + b": ping\n\n" + STOP + TOLD_USAGE + DONE).replace(b"\n", b"\r\n")
    return await send(request, *(answer[at : at + 1] for at in range(len(answer))))


async def whole_answer(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return whole("".join(WORDS), "stop")


async def whole_calls(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": "".join(args)}}
        for call_id, name, args in CALLS
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return web.json_response({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


async def whole_error(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return web.json_response({"error": {"message": "No GPU is free.", "code": 503}})


async def sloppy(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """What real servers write beside the format, in one answer."""
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "the "}]
    many_lines = json.dumps({"choices": [{"delta": {"content": "server."}}]}, indent=1)
    used = {"prompt_tokens": 11, "completion_tokens": 2.0, "total_tokens": None, "cost": 0.1}
    details = {"prompt_tokens_details": None, "completion_tokens_details": {"audio_tokens": 0}}
    return await send(
        request,
        b"\xef\xbb\xbfdata:",
        json.dumps({"choices": [{"delta": {"content": "Hello "}}]}).encode(),
        b"\r\n\r\n: OPENROUTER PROCESSING\n\n:\n\ndata:\n\nevent: message\nid: 7\nretry: 3\n",
        event({"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
        event({"choices": None, "usage": None, "error": None}),
        event({"created": 1.5, "choices": [{"delta": None, "finish_reason": None}]}),
        chunk({"role": "assistant", "content": None, "tool_calls": [], "refusal": None}),
        chunk({"reasoning_content": "Hm.", "reasoning": "Hm."}, timings={"predicted_ms": 1.5}),
        chunk({"content": "from ", "tool_calls": None}, "", usage=None),
        chunk({"content": parts}),
        "".join(f"data:{line}\r\n" for line in many_lines.splitlines()).encode() + b"\r\n",
        chunk({"content": ""}, "eos", usage={**used, **details}),
        b"data: [DONE]\r\n\r\n: bye\n\n",
    )


async def gzip(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    response.enable_compression(web.ContentCoding.gzip)
    await response.prepare(request)
    for piece in (*TEXT, STOP, TOLD_USAGE, DONE):
        await response.write(piece)
    return response


async def moved(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    raise web.HTTPPermanentRedirect("/v1/embeddings")


async def too_hot(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows the temperature, and finds it too high."""
    if body.get("temperature") == 2:
        return refusal(400, "temperature must be at most 1.", param="temperature")
    return await text(request, body, number)


async def unauthorized(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Repeats the credentials, as some do."""
    sent = request.headers.get("authorization", "")
    return refusal(401, f"Incorrect API key provided: Authorization: {sent}")


async def echoes(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Repeats the credentials at the very place where a long message is cut off."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return refusal(400, "x" * 490 + key)


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
    """The connection is lost in the middle."""
    response = await begin(request, *TEXT[:3])
    drop(request)
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


async def silent(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("it has spoken")


async def stalls(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Begins and says no more."""
    await begin(request, *TEXT[:2])
    return await silent(request, body, number)


async def lingers(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Does not end its response after the last event."""
    await begin(request, *TEXT, STOP, TOLD_USAGE, DONE)
    return await silent(request, body, number)


async def slow(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """The first byte takes its time."""
    await asyncio.sleep(0.05)
    return await text(request, body, number)


async def picky(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows neither `stream_options` nor `temperature`, and says so one at a time."""
    for name in ("stream_options", "temperature"):
        if name in body:
            return refusal(400, f"Unrecognized request argument supplied: {name}")
    return await text(request, body, number)


async def reasoning(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Wants another name for the cap."""
    if "max_tokens" in body:
        return refusal(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    return await text(request, body, number)


async def capped(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows the cap by its name, and finds it too large."""
    return refusal(400, "max_tokens is too large: 99999. At most 4096.", param="max_tokens")


async def strict(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Refuses as pydantic does, with 422."""
    extra = [n for n in ("parallel_tool_calls", "reasoning_effort", "top_p") if n in body]
    if extra:
        message = "Extra inputs are not permitted"
        detail = [{"loc": ["body", n], "msg": message, "type": "extra_forbidden"} for n in extra]
        return web.json_response({"detail": detail}, status=422)
    return await text(request, body, number)


MODELS: dict[str, Handler] = {
    "text": text,
    "tools": tools,
    "tools-no-usage": says(
        chunk({"tool_calls": [{"id": "call_a", "function": {"name": "f", "arguments": "{}"}}]}),
        chunk({}, "tool_calls"),
        DONE,
    ),
    "no-usage": says(*TEXT, STOP, DONE),
    "early-usage": says(*TEXT[:2], TOLD_USAGE, *TEXT[2:], STOP, DONE),
    "no-done": says(*TEXT, STOP, TOLD_USAGE),
    "no-finish": says(*TEXT, TOLD_USAGE, DONE),
    "no-blank-line": says(*TEXT, STOP, DONE.rstrip()),
    "byte-by-byte": byte_by_byte,
    "whole": whole_answer,
    "whole-calls": whole_calls,
    "whole-error": whole_error,
    "content-filter": says(TEXT[1], chunk({}, "content_filter"), TOLD_USAGE, DONE),
    "unauthorized": unauthorized,
    "forbidden": refuses(403, "Not your model."),
    "echoes": echoes,
    "unknown": refuses(404, "The model does not exist.", code="model_not_found"),
    "quota": refuses(429, "You exceeded your quota.", code="insufficient_quota"),
    "too-long": refuses(400, "This model's limit is 8192.", code="context_length_exceeded"),
    "invalid": refuses(400, "messages[0] is wrong."),
    "chatty-refusal": refuses(400, "no " * 100_000),
    "overloaded": refuses(529, "Overloaded."),
    "busy": busy,
    "busy-briefly": busy_briefly,
    "busy-until": busy_until,
    "busy-long": busy_long,
    "failing": failing,
    "hangs-up": hangs_up,
    "bad-gateway": bad_gateway,
    "web-page": web_page,
    "cut": cut,
    "cut-politely": says(*TEXT[:3]),
    "cut-in-a-line": says(*TEXT[:3], b'data: {"choices": [{"del'),
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
    "lingers": lingers,
    "slow": slow,
    "sloppy": sloppy,
    "gzip": gzip,
    "moved": moved,
    "too-hot": too_hot,
    "calls-without-index": says(
        chunk({"tool_calls": [
            {"index": None, "id": "call_a", "function": {"name": "add", "arguments": {"a": None}}},
            {"index": None, "id": "call_b", "function": {"name": "sub", "arguments": None}},
        ]}),
        chunk({}, "tool_calls", usage=USAGE),
        DONE,
    ),
    "running-usage": says(
        *(chunk({"content": word}, usage={**USAGE, "completion_tokens": place})
          for place, word in enumerate(WORDS)),
        chunk({}, "stop", usage=USAGE),
        DONE,
    ),
    "picky": picky,
    "reasoning": reasoning,
    "capped": capped,
    "strict": strict,
}  # fmt: skip


def headers_of(request: web.Request) -> Body:
    return {name.lower(): value for name, value in request.headers.items()}


def drop(request: web.Request) -> None:
    """Ends the connection without a word."""
    if request.transport is not None:
        request.transport.abort()


async def completions(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    body: Body = await request.json()
    peer = request.transport.get_extra_info("peername")[1] if request.transport else None
    log.seen.append({"path": request.path, "headers": headers_of(request), "body": body,
                     "peer": peer})  # fmt: skip
    model = str(body["model"])
    log.calls[model] += 1
    name, _, times = model.rpartition("-")
    left = 0
    if times.isdigit():
        model, left = name, max(0, int(times) + 1 - log.calls[model])
    try:
        return await MODELS[model](request, body, left)
    except (asyncio.CancelledError, ConnectionResetError):
        await log.count_aborted()
        raise


async def embeddings(request: web.Request) -> web.StreamResponse:
    body: Body = await request.json()
    request.app[LOG].seen.append(
        {"path": request.path, "headers": headers_of(request), "body": body,
         "raw": (await request.read()).decode()}
    )  # fmt: skip
    if body.get("model") == "unauthorized":
        return await unauthorized(request, body, 0)
    headers = {"x-request-id": "req_1", "set-cookie": "secret=1", "openai-version": "2020-10-01"}
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
    return web.json_response({"requests": log.seen, "listed": log.calls["/models"]})


async def aborted(request: web.Request) -> web.StreamResponse:
    log = request.app[LOG]
    count = int(request.query["count"])
    async with log.changed:
        await log.changed.wait_for(lambda: log.aborted >= count)
    return web.json_response({"aborted": log.aborted})


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
