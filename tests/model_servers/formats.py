"""Models with opinions on `response_format`, on arguments, and on what is told of usage."""

from aiohttp import web

from tests.model_servers.answers import silent, text
from tests.model_servers.pieces import (
    DONE,
    TEXT,
    Body,
    Handler,
    begin,
    chunk,
    event,
    refusal,
    says,
)

DETAILED = {
    "prompt_tokens": 100,
    "completion_tokens": 30,
    "total_tokens": 130,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
TOLD = event({"choices": [], "usage": DETAILED})


def lacks_format(message: str, **more: object) -> Handler:
    """Answers, but not in a format."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if "response_format" in body:
            return refusal(400, message, **more)
        return await text(request, body, number)

    return handler


async def told_then_stalls(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Tells of usage at the beginning, writes all of its text, and does not end."""
    early = {**DETAILED, "completion_tokens": 1, "total_tokens": 101,
             "completion_tokens_details": {"reasoning_tokens": 1}}  # fmt: skip
    await begin(request, event({"choices": [], "usage": early}), *TEXT)
    return await silent(request, body, number)


FORMATS: dict[str, Handler] = {
    "formless": lacks_format(
        "Unsupported parameter: 'response_format' is not supported with this model.",
        param="response_format",
        code="unsupported_parameter",
    ),
    "texts-only": lacks_format("'response_format.type' must be 'text'"),
    "no-format-now": lacks_format("This response_format type is unavailable now"),
    "wrong-schema": lacks_format(
        "Invalid schema for response_format 'city': additional fields are not allowed.",
        param="response_format",
    ),
    "json": says(chunk({"content": '{"city": '}), chunk({"content": '"Paris"}'}, "stop"), DONE),
    "bad-arguments": says(
        chunk({"tool_calls": [
            {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": '{"city": '}},
        ]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "Paris"}}]}, "tool_calls"),
        DONE,
    ),
    "told-then-stalls": told_then_stalls,
    "detailed": says(*TEXT, chunk({}, "stop"), TOLD, DONE),
    "detailed-length": says(*TEXT, chunk({}, "length"), TOLD, DONE),
    "detailed-filter": says(*TEXT, chunk({}, "content_filter"), TOLD, DONE),
    "detailed-cut": says(*TEXT, TOLD),
}  # fmt: skip
