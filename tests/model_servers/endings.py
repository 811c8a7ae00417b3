"""Models whose answers end, or are written down, in other ways than the documented one.

`ERRORS` are the forms in which servers tell of an error in the midst of an answer; `LENGTHS` the
names of the reason that an answer is cut; `WHOLE` the forms of an answer that is whole.
"""

import json
from collections.abc import Callable, Iterable

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
    says,
    send,
)

SAID = "".join(WORDS)
BROKE = "The engine died."
BEGUN = TEXT[:3]


def _lines(value: object) -> bytes:
    return f"{json.dumps(value, indent=2)}\n\n".encode()


def _finish(value: object, **more: object) -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": value, **more}
    return event({"choices": [choice]})


ERRORS: dict[str, Callable[[str], bytes]] = {
    "field": lambda said: f"error: {json.dumps({'code': 500, 'message': said})}\n\n".encode(),
    "field-of-text": lambda said: f"error: {said}\n\n".encode(),
    "event": lambda said: b"event: error\n" + event({"object": "error", "message": said}),
    "event-around": lambda said: b"event: error\n" + event({"error": {"message": said}}),
    "event-of-text": lambda said: f"event: error\ndata: {said}\n\n".encode(),
    "event-of-failure": lambda said: f"event: run.error\ndata: {json.dumps(said)}\n\n".encode(),
    "datum": lambda said: event({"object": "error", "message": said, "type": "InternalError"}),
    "datum-with-code": lambda said: event({"code": 500, "message": said}),
    "datum-with-status": lambda said: event({"status": "error", "msg": said}),
    "datum-detail": lambda said: event({"detail": said}),
    "datum-wrapped": lambda said: event({"error": {"message": said}}),
    "datum-string": lambda said: event({"error": said}),
    "datum-flag": lambda said: event({"error": True, "message": said}),
    "datum-list": lambda said: event([{"error": {"message": said, "code": 500}}]),
    "datum-errors": lambda said: event({"errors": [{"message": said}]}),
    "datum-of-text": lambda said: f"data: {said}\n\n".encode(),
    "router": lambda said: event(
        {"error": {"message": "The provider failed", "metadata": {"raw": said}}, "choices": []}
    ),
    "choice": lambda said: event({"choices": [{"delta": {}, "error": {"message": said}}]}),
    "choice-and-error": lambda said: event(
        {"error": {"message": said}, "choices": [{"delta": {"content": ""}}]}
    ),
    "bare": lambda said: f"{json.dumps({'error': {'message': said}})}\n\n".encode(),
    "bare-lines": lambda said: _lines({"error": {"message": said}}),
    "bare-text": lambda said: f"{said}\n\n".encode(),
    "finish-object": lambda said: _finish({"type": "abort", "message": said}),
    "finish-message": lambda said: _finish("MALFORMED_FUNCTION_CALL", finish_message=said),
}
FAILURES = ("error", "abort", "USER_CANCEL", "network_error", "insufficient_system_resource")
LENGTHS = ("length", "max_tokens", "model_length", "MAX_TOKENS", "token_limit")


def _in_messages(texts: Iterable[str], **more: object) -> list[bytes]:
    return [event({"choices": [{"message": {"content": text}, **more}]}) for text in texts]


def _choices(**choice: object) -> bytes:
    return event({"choices": [choice]})


def _so_far() -> list[str]:
    return ["".join(WORDS[:count]) for count in range(1, len(WORDS) + 1)]


def _whole(**more: object) -> Body:
    message = {"role": "assistant", "content": SAID}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **more,
    }


def _escaped(text: str) -> list[bytes]:
    """The text in escapes of JSON, each UTF-16 unit in a piece of its own."""
    units = json.dumps(text)[1:-1].replace("\\u", "\n\\u").split("\n")
    cut = [unit[:6] + "\n" + unit[6:] if unit[:2] == "\\u" else unit for unit in units]
    pieces = [piece for piece in "\n".join(cut).split("\n") if piece]
    return [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % p.encode() for p in pieces]


def _bytes(text: str) -> list[bytes]:
    """The text in UTF-8, each byte in a piece of its own."""
    encoded = text.encode()
    pieces = [encoded[at : at + 1] for at in range(len(encoded))]
    return [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % piece for piece in pieces]


def labelled(kind: str, *pieces: bytes) -> Handler:
    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        response = await begin(request, *pieces, kind=kind)
        await response.write_eof()
        return response

    return handler


async def cut_behind(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """The connection is lost after the finish reason."""
    response = await begin(request, *TEXT, STOP)
    assert request.transport is not None
    request.transport.close()
    return response


async def cut_behind_whole(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """The connection is lost after an answer in one piece, before the end that was promised."""
    encoded = json.dumps(_whole()).encode()
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = len(encoded) + 2
    await response.prepare(request)
    await response.write(encoded)
    assert request.transport is not None
    request.transport.close()
    return response


def counted(told: object) -> Handler:
    return says(*TEXT, STOP, event({"choices": [], "usage": told}), DONE)


WHOLE: dict[str, Handler] = {
    "message": says(event(_whole()), DONE),
    "message-without-reason": says(event({**_whole(), "choices": [
        {"message": {"content": SAID}}]}), DONE),
    "messages-so-far": says(*_in_messages(_so_far()), STOP, DONE),
    "messages-in-pieces": says(*_in_messages(WORDS), STOP, DONE),
    "deltas-and-messages": says(
        *(_choices(delta={"content": word}, message={"content": text}, finish_reason=None)
          for word, text in zip(WORDS, _so_far(), strict=True)),
        _choices(delta={"content": ""}, message={"content": SAID}, finish_reason="stop"),
        DONE,
    ),
    "deltas-and-message": says(*TEXT, event(_whole()), DONE),
    "deltas-and-other-message": says(
        *TEXT, _choices(message={"content": SAID.upper()}, finish_reason="stop"), DONE
    ),
    "text-of-completions": says(
        *(_choices(text=word) for word in WORDS), _choices(text="", finish_reason="stop"), DONE
    ),
    "json-as-events": labelled("text/event-stream", json.dumps(_whole(), indent=1).encode()),
    "events-as-json": labelled("application/json", *TEXT, STOP, DONE),
    "events-as-html": labelled("text/html", *TEXT, STOP, DONE),
    "json-as-text": labelled("text/plain", b"\xef\xbb\xbf\n", json.dumps(_whole()).encode()),
    "lines-of-json": labelled(
        "application/x-ndjson", *(piece.removeprefix(b"data: ") for piece in (*TEXT, STOP))
    ),
    "list-of-json": labelled("application/json", json.dumps(
        [{"choices": [{"delta": {"content": word}}]} for word in WORDS]
        + [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]).encode()),
    "bare-lines-of-json": says(
        TEXT[0], *(piece.removeprefix(b"data: ") for piece in (*TEXT[1:], STOP)), DONE
    ),
    "one-line-end": says(*(piece[:-1] for piece in (*TEXT, STOP)), b"\n", DONE),
    "quoted-done": says(*TEXT, b'data: "[DONE]"\n\n'),
    "data-as-ping": says(TEXT[0], b"data: ping\n\n", *TEXT[1:], event({"type": "ping"}), DONE),
    "not-a-number": says(
        *(piece.replace(b'"created": 1', b'"created": NaN') for piece in (*TEXT, STOP)), DONE
    ),
    "halves-of-escapes": says(*_escaped(SAID), STOP, DONE),
    "single-bytes": says(*_bytes(SAID), STOP, DONE),
    "cut-behind": cut_behind,
    "cut-behind-whole": cut_behind_whole,
    "reason-with-last-word": says(*TEXT[:-1], chunk({"content": WORDS[-1]}, "STOP"), DONE),
    "reason-as-object": says(*TEXT, _finish({"type": "stop", "matched": 2}), DONE),
    "reason-null-in-words": says(
        *(chunk({"content": word}, "null") for word in WORDS), STOP, DONE
    ),
    "word-behind-reason": says(*TEXT[:-1], STOP, TEXT[-1], DONE),
    "usage-in-strings": counted({"prompt_tokens": "11", "completion_tokens": "6"}),
    "usage-in-floats": counted({"prompt_tokens": 11.0, "completion_tokens": 6.5}),
    "usage-with-lists": counted(
        {**USAGE, "completion_tokens_details": [], "prompt_tokens_details": [1]}
    ),
    "usage-negative": counted({"prompt_tokens": -1, "completion_tokens": -1}),
    "usage-zero": counted({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    "usage-without-prompt": counted({"completion_tokens": 6, "total_tokens": 17}),
    "usage-without-completion": counted({"prompt_tokens": 11}),
    "usage-absurd": counted({"prompt_tokens": 1e300, "completion_tokens": 10**40}),
    "usage-as-list": counted([11, 6, 17]),
    "usage-as-text": counted("17"),
}  # fmt: skip


def _piecewise(call: dict[str, str], *more: str) -> list[bytes]:
    pieces = [call, *({"arguments": piece} for piece in more)]
    return [chunk({"function_call": piece}) for piece in pieces]


CALLED: dict[str, Handler] = {
    "function-call": says(
        *_piecewise({"name": "get_weather", "arguments": ""}, '{"city": ', '"Paris"}'),
        chunk({}, "function_call"),
        DONE,
    ),
    "function-call-in-message": says(
        event({"choices": [{"message": {"content": None, "function_call": {
            "name": "get_weather", "arguments": '{"city": "Paris"}'}},
            "finish_reason": "function_call"}]}),
        DONE,
    ),
    "calls-in-message": says(
        event({"choices": [{"message": {"content": None, "tool_calls": [
            {"id": "call_a", "type": "function",
             "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
            "finish_reason": "tool_calls"}]}),
        DONE,
    ),
}  # fmt: skip


async def lost(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """An answer in one piece, of which the second half is lost."""
    encoded = json.dumps(_whole()).encode()
    return await send(request, encoded[: len(encoded) // 2])


ENDINGS: dict[str, Handler] = {
    **{f"breaks-{form}": says(*BEGUN, tell(BROKE), DONE) for form, tell in ERRORS.items()},
    **{f"first-{form}": says(tell(BROKE), DONE) for form, tell in ERRORS.items()},
    **{f"fails-{name}": says(*BEGUN, chunk({}, name), TOLD_USAGE, DONE) for name in FAILURES},
    **{f"cut-{name}": says(*BEGUN, chunk({}, name), TOLD_USAGE, DONE) for name in LENGTHS},
    **{f"whole-{form}": handler for form, handler in WHOLE.items()},
    **CALLED,
    "event-error-without-data": says(*BEGUN, b"event: error\n\n", DONE),
    "fails-and-tells-later": says(*BEGUN, chunk({}, "error"), event({"message": BROKE}), DONE),
    "no-choices": says(event({"output": "Hello."}), DONE),
    "empty-choices": says(event({"choices": []}), TOLD_USAGE, DONE),
    "no-calls": says(chunk({}, "tool_calls"), TOLD_USAGE, DONE),
    "nothing-at-all": says(),
    "lost": lost,
}
