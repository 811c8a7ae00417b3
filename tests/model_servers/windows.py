"""Models with a small context window. In `window-2000` the number is its size, in words.

A word is a token here: the server counts otherwise than whoever calls it, as real ones do.
"""

from aiohttp import web

from tests.model_servers.answers import text
from tests.model_servers.endings import ERRORS
from tests.model_servers.pieces import (
    DONE,
    TEXT,
    TOLD_USAGE,
    Body,
    Handler,
    chunk,
    event,
    refusal,
    says,
    send,
)

SEARCHES = tuple(f'{{"queries": ["{word}"]}}' for word in ("alpha", "beta", "gamma"))


def words(body: Body) -> int:
    """The words of the prompt."""
    messages = body["messages"]
    assert isinstance(messages, list)
    return sum(len(str(message.get("content") or "").split()) for message in messages)


def size(body: Body) -> int:
    return int(str(body["model"]).rpartition("-")[2])


def fits(body: Body, density: int = 1) -> bool:
    cap = body.get("max_tokens", 0)
    assert isinstance(cap, int)
    return words(body) * density + cap <= size(body)


async def window(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Says how much is too much, in the words of OpenAI."""
    if fits(body):
        return await text(request, body, number)
    return refusal(
        400,
        f"This model's maximum context length is {size(body)} tokens. However, you requested "
        f"{words(body) + 1} tokens. Please reduce the length of the messages.",
        code="context_length_exceeded",
    )


async def mute_window(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Says that it is too much, and not how much would do."""
    if fits(body):
        return await text(request, body, number)
    return refusal(400, "Your input is too large.", code="context_length_exceeded")


async def dense_window(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Makes three tokens of a word: what it says is true by its own count only."""
    if fits(body, density=3):
        return await text(request, body, number)
    return refusal(400, f"The prompt exceeds the available context size ({size(body)} tokens).")


async def searching_window(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Searches three times before it answers, and says how much is too much."""
    messages = body["messages"]
    assert isinstance(messages, list)
    rounds = sum(message["role"] == "tool" for message in messages)
    if rounds == len(SEARCHES) or not fits(body):
        return await window(request, body, number)
    call: Body = {"index": 0, "id": f"call_{rounds}", "type": "function"}
    call["function"] = {"name": "file_search", "arguments": SEARCHES[rounds]}
    return await send(
        request, chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), TOLD_USAGE, DONE
    )


async def no_window(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Finds everything too much."""
    return refusal(400, "Your input is too large.", code="context_length_exceeded")


def told_in_stream(form: str) -> Handler:
    """Says how much is too much under a status of success, where the answer should be."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if fits(body):
            return await text(request, body, number)
        said = f"The prompt exceeds the available context size ({size(body)} tokens)."
        return await send(request, TEXT[0], ERRORS[form](said), DONE)

    return handler


WINDOWS: dict[str, Handler] = {
    **{f"window-by-{form}": told_in_stream(form) for form in ERRORS},
    "window": window,
    "mute-window": mute_window,
    "dense-window": dense_window,
    "no-window": no_window,
    "searching-window": searching_window,
    "late-window": says(
        *TEXT[:3], event({"error": {"message": "Too much.", "code": "context_length_exceeded"}})
    ),
}
