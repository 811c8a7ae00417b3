"""Models that tell something beside their calls, and refuse to go on without it.

`NEEDS` says by model what each tells, and what has to come back. In each of two rounds a model
calls `get_weather`; then it answers.
"""

import json
from typing import NamedTuple

from aiohttp import web

from tests.model_servers.pieces import DONE, USAGE, Body, Handler, chunk, refusal, send

SIGNED: Body = {"google": {"thought_signature": "c2ln"}}
_CALL: Body = {"index": 0, "type": "function"}
_PIECES = ('{"city":', '"Paris"}')
# Of the call of this round.
_ID = "call_{round}"


class Need(NamedTuple):
    """What a model tells beside its calls: in deltas of their own before them; beside the call;
    beside its function; in a fragment behind its arguments. `back`: what it needs of the deltas, as
    a message has it.
    """

    deltas: tuple[Body, ...] = ()
    call: Body = {}
    function: Body = {}
    behind: Body = {}
    back: Body = {}


def _detail(**fields: object) -> Body:
    return {"reasoning_details": [{"type": "reasoning.text", "index": 0, **fields}]}


_ENCRYPTED: Body = {"type": "reasoning.encrypted", "data": "ZW5j", "id": "rs_1", "index": 1,
                    "format": "openai-responses-v1"}  # fmt: skip
NEEDS = {
    "extra-content": Need(call={"extra_content": SIGNED}),
    "extra-content-behind": Need(behind={"extra_content": SIGNED}),
    "extra-content-of-message": Need(({"extra_content": SIGNED},), back={"extra_content": SIGNED}),
    "signature-of-call": Need(call={"thought_signature": "c2ln"}),
    "signature-of-function": Need(function={"thought_signature": "c2ln"}),
    "signature-of-message": Need(
        ({"content": "I look.", "thought_signature": "c2ln"},), back={"thought_signature": "c2ln"}
    ),
    "signature-of-router": Need(call={"provider_specific_fields": {"thought_signature": "c2ln"}}),
    "reasoning-content": Need(
        ({"reasoning_content": "I need "}, {"content": None, "reasoning_content": "the weather."}),
        back={"reasoning_content": "I need the weather."},
    ),
    "reasoning-and-text": Need(
        ({"reasoning_content": "Hm."}, {"content": "Let me "}, {"content": "look."}),
        back={"reasoning_content": "Hm."},
    ),
    "reasoning-empty": Need(
        ({"role": "assistant", "content": "", "reasoning_content": ""},),
        back={"reasoning_content": ""},
    ),
    "reasoning": Need(
        ({"reasoning": "I need "}, {"reasoning": "the wéather 🙂."}),
        back={"reasoning": "I need the wéather 🙂."},
    ),
    "reasoning-details": Need(
        (
            {"reasoning": "I ", **_detail(text="I ", format="anthropic-claude-v1")},
            {"reasoning": "think.", **_detail(text="think.", signature=None)},
            _detail(signature="c2ln"),
            {"reasoning_details": [_ENCRYPTED]},
        ),
        back={
            "reasoning": "I think.",
            "reasoning_details": [
                {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1",
                 "text": "I think.", "signature": "c2ln"},
                _ENCRYPTED,
            ],
        },
    ),
}  # fmt: skip


def needs(need: Need) -> Handler:
    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if (wrong := _wrong(body, need)) is not None:
            return refusal(400, f"Message {wrong} is missing what was told with its calls.")
        done = _rounds(body)
        if done == 2:
            return await send(request, chunk({"content": "It is sunny."}, "stop"), DONE)
        call_id = _ID.format(round=done)
        first: Body = {"name": "get_weather", "arguments": "", **need.function}
        fragments: list[Body] = [
            {**_CALL, "id": call_id, "function": first, **need.call},
            *({"index": 0, "function": {"arguments": piece}} for piece in _PIECES),
            *([{"index": 0, **need.behind}] if need.behind else []),
        ]
        pieces = [chunk(delta) for delta in need.deltas]
        pieces += [chunk({"tool_calls": [fragment]}) for fragment in fragments]
        return await send(request, *pieces, chunk({}, "tool_calls", usage=USAGE), DONE)

    return handler


def _messages(body: Body) -> list[Body]:
    messages = body["messages"]
    assert isinstance(messages, list)
    return messages


def _rounds(body: Body) -> int:
    return sum(1 for message in _messages(body) if message.get("tool_calls"))


def _wrong(body: Body, need: Need) -> int | None:
    """The place of the first message that is not as it was told."""
    for place, message in enumerate(_messages(body)):
        calls = message.get("tool_calls")
        if not isinstance(calls, list):
            continue
        rest = {name: message[name] for name in message.keys() - {"role", "content", "tool_calls"}}
        (call,) = calls
        beside = {name: call[name] for name in call.keys() - {"id", "type", "function"}}
        function = call["function"]
        within = {name: function[name] for name in function.keys() - {"name", "arguments"}}
        told = need.back, {**need.call, **need.behind}, need.function
        if (rest, beside, within) != told or not isinstance(message["content"], str):
            return place
    return None


async def whole(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """As `reasoning-content`, in one piece."""
    need = Need(back={"reasoning_content": "Hm."})
    if (wrong := _wrong(body, need)) is not None:
        return refusal(400, f"Message {wrong} is missing what was told with its calls.")
    message: Body = {"role": "assistant", "content": "It is sunny."}
    if _rounds(body) < 2:
        function = {"name": "get_weather", "arguments": "".join(_PIECES)}
        call = {"id": _ID.format(round=_rounds(body)), "type": "function", "function": function}
        message = {"content": None, "reasoning_content": "Hm.", "tool_calls": [call]}
    return web.json_response({"choices": [{"message": message}], "usage": USAGE})


def bars(status: int, words: str) -> Handler:
    """Tells its reasoning, and does not take it back."""
    tells = needs(NEEDS["reasoning-content"]._replace(back={}))

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if any("reasoning_content" in message for message in _messages(body)):
            return refusal(status, words)
        return await tells(request, body, number)

    return handler


async def long_winded(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Thinks for more than anybody keeps, and signs its call."""
    need = Need(
        tuple({"reasoning": "word " * 20_000} for _ in range(15)), {"extra_content": SIGNED}
    )
    return await needs(need)(request, body, number)


async def parallel(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Signs the first of two calls, as Gemini does, and wants that back."""
    messages = _messages(body)
    for message in messages:
        for place, call in enumerate(message.get("tool_calls") or ()):  # type: ignore[arg-type,var-annotated]
            if call.get("extra_content") != (None if place else SIGNED):
                return refusal(400, "Function call is missing a thought_signature.")
    if _rounds(body):
        return await send(request, chunk({"content": "It is sunny."}, "stop"), DONE)
    calls: list[Body] = [
        {"index": place, "id": f"call_{place}", "function": {"name": name, "arguments": "{}"}}
        for place, name in enumerate(("get_weather", "get_time"))
    ]
    calls[0]["extra_content"] = SIGNED
    return await send(request, chunk({"tool_calls": calls}, "tool_calls"), DONE)


async def code(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Runs code that leaves a file, and wants its signature back."""
    messages = _messages(body)
    for message in messages:
        for call in message.get("tool_calls") or ():  # type: ignore[attr-defined]
            if call.get("extra_content") != SIGNED:
                return refusal(400, "Function call is missing a thought_signature.")
    if _rounds(body):
        return await send(request, chunk({"content": "Done."}, "stop"), DONE)
    arguments = json.dumps({"code": "write out.txt hello"})
    call = {**_CALL, "id": "call_0", "function": {"name": "python", "arguments": arguments},
            "extra_content": SIGNED}  # fmt: skip
    return await send(request, chunk({"tool_calls": [call]}, "tool_calls"), DONE)


EXTRAS: dict[str, Handler] = {
    **{f"needs-{name}": needs(need) for name, need in NEEDS.items()},
    "needs-whole": whole,
    "needs-first-of-two": parallel,
    "needs-of-code": code,
    "long-winded": long_winded,
    "bars-in-words": bars(
        400, "'messages.1' : property 'reasoning_content' is unsupported"
    ),
    "bars-as-extra": bars(422, "messages[1].reasoning_content: Extra inputs are not permitted"),
    "bars-plainly": bars(400, "reasoning_content in a message. Remove it."),
}  # fmt: skip
