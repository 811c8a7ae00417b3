"""What tests ask of a provider, and what they read in its answer."""

from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from perdure.errors import ProviderError
from perdure.providers.provider import Provider
from perdure.wire.base import JsonObject
from perdure.wire.chat import ChatMessage, ChatRequest, ChatUsage
from perdure.wire.tools import FunctionDefinition, FunctionTool


@dataclass
class Heard:
    """A whole answer, put together as a client would."""

    said: list[str] = field(default_factory=list)
    refusal: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish: str | None = None
    usages: list[ChatUsage] = field(default_factory=list)
    chunks: int = 0
    ends_with_usage: bool = False

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def called(self) -> list[tuple[str, str]]:
        """The names of the calls and their arguments."""
        return [(name, arguments) for _, name, arguments in self.calls.values()]

    @property
    def usage(self) -> tuple[int, int, int]:
        last = self.usages[-1]
        return last.prompt_tokens, last.completion_tokens, last.total_tokens


async def hear(provider: Provider, request: ChatRequest) -> Heard:
    """The provider's answer to the end."""
    heard = Heard()
    await _listen(provider, request, heard)
    return heard


async def breaks_off(provider: Provider, request: ChatRequest) -> tuple[Heard, ProviderError]:
    """What was heard of an answer before it failed, and the failure."""
    heard = Heard()
    with pytest.raises(ProviderError) as caught:
        await _listen(provider, request, heard)
    return heard, caught.value


async def fails(provider: Provider, request: ChatRequest) -> tuple[str, str]:
    """The code and message of the failure."""
    _, error = await breaks_off(provider, request)
    return error.code, error.message


async def _listen(provider: Provider, request: ChatRequest, heard: Heard) -> None:
    async with aclosing(provider.chat(request)) as chunks:
        async for chunk in chunks:
            heard.chunks += 1
            heard.ends_with_usage = chunk.usage is not None
            if chunk.usage is not None:
                heard.usages.append(chunk.usage)
            for choice in chunk.choices:
                heard.said += [choice.delta.content] if choice.delta.content else []
                heard.refusal += choice.delta.refusal or ""
                heard.finish = choice.finish_reason or heard.finish
                for piece in choice.delta.tool_calls or ():
                    call = heard.calls.setdefault(piece.index or 0, ["", "", ""])
                    function = piece.function
                    call[0] += piece.id or ""
                    call[1] += (function.name if function else None) or ""
                    call[2] += (function.arguments if function else None) or ""


async def relayed(
    provider: Provider, path: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (in lower case) and body of a request that is passed through."""
    given = {"content-type": "application/json"} if headers is None else headers
    async with provider.relay(path, body, given) as answer:
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, kept, b"".join([piece async for piece in answer.body])


def asks(model: str, prompt: str = "Hello", **fields: object) -> ChatRequest:
    """A request with one user message."""
    messages = [ChatMessage(role="user", content=prompt)]
    return ChatRequest(model=model, messages=messages, **fields)  # type: ignore[arg-type]


def function(name: str, parameters: JsonObject | None = None) -> FunctionTool:
    return FunctionTool(function=FunctionDefinition(name=name, parameters=parameters))
