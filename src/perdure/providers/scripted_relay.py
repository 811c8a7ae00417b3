"""The scripted model behind `/v1/chat/completions`, so that one base_url serves a program."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Literal

import msgspec

from perdure import ids
from perdure.errors import ProviderError
from perdure.providers.provider import Relayed
from perdure.wire.base import JsonObject, Object, decode, encode
from perdure.wire.chat import ChatChunk, ChatRequest, ChatToolCall, ChatUsage, ToolCallDelta
from perdure.wire.lists import ErrorDetail, ErrorEnvelope
from perdure.wire.tools import CalledFunction

Chat = Callable[[ChatRequest], AsyncGenerator[ChatChunk, None]]

_JSON = {"content-type": "application/json"}
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
    """A whole or streamed answer to a chat request; an error for anything else."""
    if path != "chat/completions":
        return _refuse(
            f"The scripted model has no {path}. Configure a model server that has, for example "
            "with --model-base-url."
        )
    try:
        request = decode(body, _Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _refuse(f"The scripted model cannot read this request: {error}")
    if request.max_tokens is None:
        request = msgspec.structs.replace(request, max_tokens=request.max_completion_tokens)
    if request.stream:
        return Relayed(200, _EVENTS, _stream(chat, request))
    try:
        return Relayed(200, _JSON, _once(await _whole(chat, request)))
    except ProviderError as error:
        return _refuse(error.message, status=429 if error.code == "rate_limit_exceeded" else 400)


async def _stream(chat: Chat, request: _Request) -> AsyncIterator[bytes]:
    head = _head(request, "chat.completion.chunk")
    wants_usage = bool(request.stream_options and request.stream_options.include_usage)
    try:
        async for chunk in chat(request):
            if not chunk.usage:
                choices = [
                    {
                        "index": 0,
                        "delta": _without_null(choice.delta),
                        "finish_reason": choice.finish_reason,
                    }
                    for choice in chunk.choices
                ]
                yield _event({**head, "choices": choices})
            elif wants_usage:
                yield _event({**head, "choices": [], "usage": chunk.usage})
    except ProviderError as error:
        yield _event({"error": {"message": error.message, "code": error.code}})
    yield b"data: [DONE]\n\n"


async def _whole(chat: Chat, request: _Request) -> bytes:
    texts: dict[str, list[str]] = {"content": [], "refusal": []}
    fragments: list[ToolCallDelta] = []
    reason, usage = "stop", ChatUsage()
    async for chunk in chat(request):
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
    """The calls that the fragments make up."""
    calls: dict[int, tuple[str, str, list[str]]] = {}
    for fragment in fragments:
        function = fragment.function
        name = (function.name if function else None) or ""
        calls.setdefault(fragment.index, (fragment.id or "", name, []))
        calls[fragment.index][2].append((function.arguments if function else None) or "")
    return [
        ChatToolCall(id=id_, function=CalledFunction(name=name, arguments="".join(pieces)))
        for id_, name, pieces in calls.values()
    ]


def _head(request: ChatRequest, kind: str) -> JsonObject:
    return {"id": ids.new("chatcmpl"), "object": kind, "created": 0, "model": request.model}


def _without_null(value: Object) -> object:
    built = msgspec.to_builtins(value)
    return {key: each for key, each in built.items() if each is not None}


def _event(value: object) -> bytes:
    return b"data: %b\n\n" % encode(value)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _refuse(message: str, *, status: int = 400) -> Relayed:
    detail = ErrorDetail(message=message, type="invalid_request_error")
    return Relayed(status, _JSON, _once(encode(ErrorEnvelope(error=detail))))
