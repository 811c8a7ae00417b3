"""Models that do not stop to call tools."""

from aiohttp import web

from tests.model_servers.pieces import DONE, STOP, Body, Handler, chunk, refusal, send

ANSWER = [chunk({"content": "Enough."}), STOP, DONE]
# As Anthropic's API, Bedrock's and LiteLLM say it.
WANTS_TOOLS = "Requests which have `tool_use` or `tool_result` blocks must define `tools`."


def _calls(body: Body, name: str) -> list[bytes]:
    """A call with an id that no other round has."""
    number = len(_messages(body))
    function = {"name": name, "arguments": '{"queries": ["rent"]}'}
    fragment = {"index": 0, "id": f"call_{number}", "function": function}
    return [chunk({"tool_calls": [fragment]}), chunk({}, "tool_calls"), DONE]


def _messages(body: Body) -> list[Body]:
    messages = body["messages"]
    assert isinstance(messages, list)
    return messages


def _restless(*, until: str, wants_tools: bool = False) -> Handler:
    """Calls file_search as long as it may, or for ever. `until`: what it heeds, `tools` that are
    not there or a `tool_choice` of none. `wants_tools`: refuses calls without tools.
    """

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        has_called = any(message["role"] == "tool" for message in _messages(body))
        if wants_tools and has_called and not body.get("tools"):
            return refusal(400, WANTS_TOOLS)
        stops = body.get("tool_choice") == "none" or not body.get("tools")
        if until == "asked" and stops:
            return await send(request, *ANSWER)
        return await send(request, *_calls(body, "file_search"))

    return handler


async def inventive(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Calls a tool that there is not, and then says what it was told."""
    last = _messages(body)[-1]
    if last["role"] == "tool":
        return await send(request, chunk({"content": last["content"]}), STOP, DONE)
    return await send(request, *_calls(body, "browser.open"))


async def inventive_for_ever(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return await send(request, *_calls(body, "browser.open"))


async def two_at_once(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Calls file_search under a name with debris, and beside it a tool that there is not."""
    if _messages(body)[-1]["role"] == "tool":
        return await send(request, *ANSWER)
    arguments = '{"queries": ["rent"]}'
    calls = [("call_a", "file_search<|channel|>commentary"), ("call_b", "python")]
    fragments = [
        {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
        for index, (call_id, name) in enumerate(calls)
    ]
    return await send(request, chunk({"tool_calls": fragments}), chunk({}, "tool_calls"), DONE)


async def blank_first(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """White space before a call; refuses to see it again."""
    for message in _messages(body):
        if message["role"] == "assistant" and str(message["content"]).isspace():
            return refusal(400, "text content blocks must contain non-whitespace text")
    if _messages(body)[-1]["role"] == "tool":
        return await send(request, chunk({"content": "\n\n"}), *ANSWER)
    blanks = [chunk({"content": "\n"}), chunk({"content": " \n"})]
    return await send(request, *blanks, *_calls(body, "get_weather"))


async def only_blank(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    return await send(request, chunk({"content": " "}), chunk({"content": "\n"}), STOP, DONE)


async def nameless(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    fragment = {"index": 0, "id": "call_a", "function": {"arguments": '{"city": "Paris"}'}}
    return await send(request, chunk({"tool_calls": [fragment]}), chunk({}, "tool_calls"), DONE)


def _anyway(name: str, *, wants_tools: bool = False) -> Handler:
    """Calls a tool whether it is offered or not, and then says what it was told."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        last = _messages(body)[-1]
        if last["role"] != "tool":
            function = {"name": name, "arguments": "{}"}
            fragment = {"index": 0, "id": "call_a", "function": function}
            return await send(request, chunk({"tool_calls": [fragment]}), STOP, DONE)
        if wants_tools and not body.get("tools"):
            return refusal(400, WANTS_TOOLS)
        return await send(request, chunk({"content": last["content"]}), STOP, DONE)

    return handler


ROUNDS: dict[str, Handler] = {
    "calls anyway": _anyway("get_weather"),
    "calls file_search anyway": _anyway("file_search"),
    "calls anyway and wants tools": _anyway("get_weather", wants_tools=True),
    "restless": _restless(until="asked"),
    "restless for ever": _restless(until="never"),
    "wants tools": _restless(until="asked", wants_tools=True),
    "wants tools for ever": _restless(until="never", wants_tools=True),
    "inventive": inventive,
    "inventive for ever": inventive_for_ever,
    "two at once": two_at_once,
    "blank first": blank_first,
    "only blank": only_blank,
    "nameless": nameless,
}
