"""The scripted model behind `/v1/chat/completions`, so that one base_url serves a program."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from perdure import ids
from perdure.errors import ProviderError
from perdure.providers import tokens
from perdure.providers.provider import Relayed
from perdure.testing.hashed_vectors import vector
from perdure.wire import scan
from perdure.wire.base import JsonObject, Object, decode, encode
from perdure.wire.chat import (
    ChatChunk,
    ChatRequest,
    ChatToolCall,
    ChatUsage,
    Choice,
    ToolCallDelta,
)
from perdure.wire.lists import ErrorDetail, ErrorEnvelope
from perdure.wire.scan import JsonSize
from perdure.wire.tools import CalledFunction

Chat = Callable[[ChatRequest], AsyncGenerator[ChatChunk, None]]

_JSON = {"content-type": "application/json"}
# The status of a model server by the code of the run's `last_error`.
_STATUS = {"server_error": 500, "rate_limit_exceeded": 429, "invalid_prompt": 400}
# Requests are parsed on the event loop, so they are no larger than a demo needs.
_MOST_BYTES = 1024 * 1024
_MOST = JsonSize(members=200_000, depth=100)
# RecursionError: nested deeper than any real request
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_EVENTS = {"content-type": "text/event-stream; charset=utf-8"}


class _StreamOptions(Object):
    include_usage: bool = False


class _Request(ChatRequest, kw_only=True):
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_completion_tokens: int | None = None


class _Message(Object, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None
    tool_calls: list[ChatToolCall] | None = None


async def answer(chat: Chat, path: str, body: bytes) -> Relayed:
    """Returns a whole or streamed answer to a chat request, or vectors; an error for anything
    else.
    """
    size = await scan.measure(body[: _MOST_BYTES + 1], most=_MOST)
    if len(body) > _MOST_BYTES or size.members > _MOST.members:
        return _refuse(
            f"The scripted model takes requests of at most {_MOST_BYTES} bytes, with at most "
            f"{_MOST.members} members in their objects and arrays.",
            status=413,
        )
    if size.depth > _MOST.depth:
        return _refuse("The scripted model cannot read this request: it is nested too deeply.")
    if path == "embeddings":
        return await asyncio.to_thread(_embed, body)
    if path != "chat/completions":
        return _refuse(
            f"The scripted model has no {path}. Configure a model server that has, for example "
            "with --model-base-url."
        )
    try:
        request = decode(body, _Request)
    except _UNREADABLE as error:
        return _refuse(f"The scripted model cannot read this request: {error}")
    if request.max_tokens is None:
        request = msgspec.structs.replace(request, max_tokens=request.max_completion_tokens)
    chunks = chat(request)
    try:
        if request.stream:
            # A failure at once has its status.
            return Relayed(200, _EVENTS, _stream(await anext(chunks), chunks, request))
        return Relayed(200, _JSON, _once(await _whole(chunks, request)))
    except ProviderError as error:
        return _refuse(error.message, code=error.code, status=_STATUS[error.code])


class _EmbeddingRequest(Object, kw_only=True):
    model: str
    input: str | Annotated[list[str], Meta(max_length=2048)]
    dimensions: Annotated[int, Meta(ge=1, le=4096)] = 256


def _embed(body: bytes) -> Relayed:
    try:
        request = decode(body, _EmbeddingRequest)
    except _UNREADABLE as error:
        return _refuse(f"The scripted model cannot read this request: {error}")
    texts = [request.input] if isinstance(request.input, str) else request.input
    data = [
        {"object": "embedding", "index": place, "embedding": vector(text, request.dimensions)}
        for place, text in enumerate(texts)
    ]
    count = sum(tokens.count(text) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    answer = {"object": "list", "data": data, "model": request.model, "usage": usage}
    return Relayed(200, _JSON, _once(encode(answer)))


async def _stream(
    first: ChatChunk, rest: AsyncGenerator[ChatChunk, None], request: _Request
) -> AsyncIterator[bytes]:
    head = _head(request, "chat.completion.chunk")
    wants_usage = bool(request.stream_options and request.stream_options.include_usage)
    yield _event({**head, "choices": [_choice(first.choices[0], role="assistant")]})
    try:
        async with aclosing(rest):
            async for chunk in rest:
                if not chunk.usage:
                    yield _event({**head, "choices": [_choice(each) for each in chunk.choices]})
                elif wants_usage:
                    yield _event({**head, "choices": [], "usage": chunk.usage})
    except ProviderError as error:
        yield _event({"error": {"message": error.message, "code": error.code}})
    yield b"data: [DONE]\n\n"


async def _whole(chunks: AsyncGenerator[ChatChunk, None], request: _Request) -> bytes:
    texts: dict[str, list[str]] = {"content": [], "refusal": []}
    fragments: list[ToolCallDelta] = []
    reason, usage = "stop", ChatUsage()
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts["content"].append(choice.delta.content or "")
            texts["refusal"].append(choice.delta.refusal or "")
            fragments += choice.delta.tool_calls or []
            reason = choice.finish_reason or reason
    message = _Message(
        content="".join(texts["content"]) or None,
        refusal="".join(texts["refusal"]) or None,
        tool_calls=_calls(fragments) or None,
    )
    choice_ = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return encode({**_head(request, "chat.completion"), "choices": [choice_], "usage": usage})


def _calls(fragments: list[ToolCallDelta]) -> list[ChatToolCall]:
    """Returns the calls that the fragments make up."""
    calls: dict[int | None, tuple[str, str, list[str]]] = {}
    for fragment in fragments:
        function = fragment.function
        name = (function.name if function else None) or ""
        calls.setdefault(fragment.index, (fragment.id or "", name, []))
        calls[fragment.index][2].append((function.arguments if function else None) or "")
    return [
        ChatToolCall(id=id_, function=CalledFunction(name=name, arguments="".join(written)))
        for id_, name, written in calls.values()
    ]


def _head(request: ChatRequest, kind: str) -> JsonObject:
    return {"id": ids.new("chatcmpl"), "object": kind, "created": 0, "model": request.model}


def _choice(choice: Choice, **more: str) -> JsonObject:
    delta = {**more, **_without_null(choice.delta)}
    return {"index": 0, "delta": delta, "finish_reason": choice.finish_reason}


def _without_null(value: Object) -> JsonObject:
    built: JsonObject = msgspec.to_builtins(value)
    return {key: each for key, each in built.items() if each is not None}


def _event(value: object) -> bytes:
    return b"data: %b\n\n" % encode(value)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _refuse(message: str, *, code: str | None = None, status: int = 400) -> Relayed:
    kind = "invalid_request_error" if status in (400, 413) else code or "server_error"
    detail = ErrorDetail(message=message, type=kind, code=code)
    return Relayed(status, _JSON, _once(encode(ErrorEnvelope(error=detail))))
