"""Models that answer, each in the way of some real server."""

import asyncio
import json

from aiohttp import web

from tests.model_servers.pieces import (
    DONE,
    STOP,
    TEXT,
    TOLD_USAGE,
    USAGE,
    WORDS,
    Body,
    Handler,
    begin,
    chunk,
    event,
    refusal,
    says,
    send,
)

CALLS = (
    ("call_a", "get_weather", ('{"city": ', '"Paris', '"}')),
    ("call_b", "get_time", ("{}",)),
)


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


async def slow(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """The first byte takes its time."""
    await asyncio.sleep(0.05)
    return await text(request, body, number)


async def silent(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("it has spoken")


async def lingers(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Does not end its response after the last event."""
    await begin(request, *TEXT, STOP, TOLD_USAGE, DONE)
    return await silent(request, body, number)


async def lags(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Ends its response a little after the last event."""
    response = await begin(request, *TEXT, STOP, TOLD_USAGE, DONE)
    await asyncio.sleep(0.02)
    await response.write_eof()
    return response


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


async def strict(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Refuses as pydantic does, with 422."""
    extra = [n for n in ("parallel_tool_calls", "reasoning_effort", "top_p") if n in body]
    if extra:
        message = "Extra inputs are not permitted"
        detail = [{"loc": ["body", n], "msg": message, "type": "extra_forbidden"} for n in extra]
        return web.json_response({"detail": detail}, status=422)
    return await text(request, body, number)


async def too_hot(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows the temperature, and finds it too high."""
    if body.get("temperature") == 2:
        return refusal(400, "temperature must be at most 1.", param="temperature")
    return await text(request, body, number)


async def capped(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows the cap by its name, and finds it too large."""
    return refusal(400, "max_tokens is too large: 99999. At most 4096.", param="max_tokens")


ANSWERS: dict[str, Handler] = {
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
    "content-filter": says(TEXT[1], chunk({}, "content_filter"), TOLD_USAGE, DONE),
    "lags": lags,
    "lingers": lingers,
    "slow": slow,
    "sloppy": sloppy,
    "gzip": gzip,
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
