"""A model server with a strict chat template: it refuses whatever is not its form.

The model's name says what that is: `template: 0 5 9` has the quirks with these numbers, and looks
for them in this order. What no server takes, it does not take in words that call for nothing.

The last line of the user's last message says what it does: `say`, `call` or `call 2` (calls f so
often at once), `fail`, `stall` (begins, and does not end).
"""

import re
from typing import Any

from aiohttp import web

from tests.model_servers.answers import silent
from tests.model_servers.pieces import DONE, STOP, Body, Handler, begin, chunk, refusal, send
from tests.model_servers.refusals import QUIRKS, messages

_KNOWN = {
    *("model", "messages", "stream", "stream_options", "tools", "tool_choice"),
    *("parallel_tool_calls", "temperature", "top_p", "reasoning_effort"),
    *("max_tokens", "max_completion_tokens"),
}
LUCK = "Out of luck."
ANSWER = "So be it."
_CALL = re.compile(r"call(?: (\d))?")


async def strict(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    if (wrong := _wrong(body)) is not None:
        return refusal(400, f"That is no form at all: {wrong}")
    for place in str(body["model"]).partition(": ")[2].split():
        quirk = QUIRKS[int(place)]
        if quirk.refuses(body):
            return quirk.form(quirk.status, quirk.words)
    asked = _asked(body)
    if asked == "fail":
        return refusal(400, LUCK)
    if asked == "stall":
        await begin(request, chunk({"content": "So "}))
        return await silent(request, body, number)
    if (called := _CALL.fullmatch(asked)) and body.get("tools"):
        return await send(request, *_calls(body, int(called[1] or 1)))
    return await send(request, chunk({"content": ANSWER}), STOP, DONE)


def _asked(body: Body) -> str:
    """What the user wants now; nothing behind the outputs of a call."""
    last = messages(body)[-1] if messages(body) else {"role": "nobody"}
    if last["role"] != "user":
        return "say"
    content = last["content"]
    if isinstance(content, list):
        content = content[-1].get("text", "")
    return str(content).rpartition("\n")[2]


def _calls(body: Body, count: int) -> list[bytes]:
    fragments = [
        {"index": place, "id": f"call_{len(messages(body))}_{place}",
         "function": {"name": "f", "arguments": "{}"}}
        for place in range(count)
    ]  # fmt: skip
    told = chunk({"reasoning_content": "Hm.", "tool_calls": fragments})
    return [told, chunk({}, "tool_calls"), DONE]


def _wrong(body: dict[str, Any]) -> str | None:
    """What no chat template could make a prompt of."""
    if unknown := body.keys() - _KNOWN:
        return f"{unknown} in the request"
    if {"tool_choice", "parallel_tool_calls"} & body.keys() and not body.get("tools"):
        return "a choice of no tools"
    if any(message["role"] == "system" for message in messages(body)[1:]):
        return "instructions in the midst"
    return _wrong_calls(messages(body))


def _wrong_calls(thread: list[dict[str, Any]]) -> str | None:
    """Calls without their outputs right behind them, outputs without calls, and empty messages."""
    awaited: list[str] = []
    for message in thread:
        if message["role"] == "tool":
            if message["tool_call_id"] not in awaited:
                return "an output of no call"
            awaited.remove(message["tool_call_id"])
        elif awaited:
            return "a call without an output"
        elif calls := message.get("tool_calls"):
            awaited = [call["id"] for call in calls]
            if message["role"] != "assistant" or len(set(awaited)) != len(awaited):
                return "calls of nobody, or twice the same"
        elif not message.get("content"):
            return "a message of nothing"
    return "a call without an output" if awaited else None


TEMPLATES: dict[str, Handler] = {"template": strict}
