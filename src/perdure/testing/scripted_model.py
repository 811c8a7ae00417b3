"""The deterministic model that is part of Perdure: for the demo, for tests, for offline use.

Its answer depends on the request alone; see `docs/scripted-model.md`.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from perdure.errors import ProviderError
from perdure.providers import tokens
from perdure.providers.call_log import CallLog
from perdure.providers.finish_reasons import meaning
from perdure.providers.provider import Relayed, ToldWindow
from perdure.testing import scripted_relay
from perdure.testing.schema_sample import sample
from perdure.testing.script import ScriptedCall, ScriptedRound, parse
from perdure.wire.base import encode
from perdure.wire.chat import (
    ChatChunk,
    ChatMessage,
    ChatRequest,
    ChatText,
    ChatUsage,
    Choice,
    ChoiceDelta,
    FunctionDelta,
    FunctionToolChoice,
    ToolCallDelta,
)
from perdure.wire.formats import JsonObjectFormat, JsonSchemaFormat
from perdure.wire.lists import Model

_WORDS = re.compile(r"\S+\s*|\s+")
# Capitals inside of a sentence.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+")
_ARGUMENT_FRAGMENT = 8
# what a passage begins with that file_search has found
_MARKER = "【"
_QUOTED_WORDS = 40


class ScriptedProvider:
    """See `Provider`."""

    async def chat(
        self,
        request: ChatRequest,
        log: CallLog | None = None,  # noqa: ARG002 # nothing is sent
    ) -> AsyncGenerator[ChatChunk, None]:
        act = _act(request)
        limit = _least(act.stop_after, request.max_tokens)
        said, cut = 0, False
        for delta in _deltas(request, act):
            if act.fail and said >= act.fail_after:
                raise ProviderError(f"The scripted model fails: {act.fail}.", code=act.fail)
            if limit is not None and said >= limit:
                cut = True
                break
            await asyncio.sleep(act.wait_ms / 1000)
            yield ChatChunk(choices=[Choice(delta=delta)])
            said += 1
        if act.fail:
            raise ProviderError(f"The scripted model fails: {act.fail}.", code=act.fail)
        reason = "length" if cut else act.finish or ("tool_calls" if act.calls else "stop")
        if meaning(reason) == "failure":
            raise ProviderError(f"The scripted model ended its answer with: {reason}.")
        yield ChatChunk(choices=[Choice(finish_reason=meaning(reason))])
        if not act.no_usage:
            yield ChatChunk(usage=_usage(request, act, said))

    async def models(self) -> list[Model]:
        return [Model(id="scripted", created=0, owned_by="perdure")]

    async def told_window(self, model: str) -> ToldWindow | None:  # noqa: ARG002 # it has no end
        return None

    @asynccontextmanager
    async def relay(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],  # noqa: ARG002
    ) -> AsyncIterator[Relayed]:
        yield await scripted_relay.answer(self.chat, path, body)

    async def close(self) -> None:
        pass


def _act(request: ChatRequest) -> ScriptedRound:
    """Returns the round to answer with: as the last user message directs, else the ordinary one."""
    place, message = _last_user_message(request.messages)
    after = request.messages[place + 1 :]
    script = parse(message)
    act = script.round(sum(1 for message in after if message.tool_calls))
    if act.is_act:
        return act
    # Whoever directs what is called is not given other calls on top.
    calls = [] if script.is_act else _ordinary_calls(request, after)
    if calls:
        return replace(act, calls=calls)
    return replace(act, say=[_answer(request, script.text or message, after)])


def _ordinary_calls(request: ChatRequest, after: list[ChatMessage]) -> list[ScriptedCall]:
    """Returns a call of each offered function; of a forced one as it is forced."""
    tools = request.tools or []
    if not tools or request.tool_choice == "none":
        return []
    if isinstance(request.tool_choice, FunctionToolChoice):
        return [ScriptedCall(request.tool_choice.function.name)]
    called = {call.function.name for message in after for call in message.tool_calls or ()}
    left = [ScriptedCall(tool.function.name) for tool in tools if tool.function.name not in called]
    if not left and request.tool_choice == "required":
        left = [ScriptedCall(tools[0].function.name)]
    return left[:1] if request.parallel_tool_calls is False else left


def _answer(request: ChatRequest, prompt: str, after: list[ChatMessage]) -> str:
    """Returns the ordinary text."""
    match request.response_format:
        case JsonSchemaFormat(json_schema):
            return encode(sample(json_schema.schema or {"type": "object"})).decode()
        case JsonObjectFormat():
            return encode({"you_said": prompt}).decode()
    outputs = [_text(message) for message in after if message.role == "tool"]
    passages = [_quoted(output) for output in outputs if output.startswith(_MARKER)]
    if passages:
        return "The files say: " + " ".join(passages)
    if outputs:
        return f"The tools answered: {'; '.join(outputs)}"
    if not prompt:
        return "Hello! I am the scripted model of Perdure."
    return f"You said: {prompt}"


def _quoted(output: str) -> str:
    """Returns the beginning of the first passage that a search found, with the passage's marker."""
    marker, _, text = output.split("\n\n" + _MARKER)[0].partition("\n")
    return " ".join(text.split()[:_QUOTED_WORDS]) + marker


def _deltas(request: ChatRequest, act: ScriptedRound) -> Iterator[ChoiceDelta]:
    """Yields the answer, about one word at a time."""
    if act.refusal is not None:
        yield from (ChoiceDelta(refusal=fragment) for fragment in _WORDS.findall(act.refusal))
    for fragment in _WORDS.findall("\n".join(act.say)):
        yield ChoiceDelta(content=fragment)
    while act.forever:
        yield ChoiceDelta(content="on ")
    for index, call in enumerate(act.calls):
        yield ChoiceDelta(tool_calls=[_first(request, index, call)])
        arguments = call.arguments or _arguments(request, call.name)
        for start in range(0, len(arguments), _ARGUMENT_FRAGMENT):
            fragment = FunctionDelta(arguments=arguments[start : start + _ARGUMENT_FRAGMENT])
            yield ChoiceDelta(tool_calls=[ToolCallDelta(index=index, function=fragment)])


def _first(request: ChatRequest, index: int, call: ScriptedCall) -> ToolCallDelta:
    # The same request gets the same ids, and another round of it gets others.
    seed = encode([request.messages, index])
    digest = hashlib.sha256(seed).hexdigest()[:24]
    function = FunctionDelta(name=call.name, arguments="")
    return ToolCallDelta(index=index, id=f"call_{digest}", function=function)


def _arguments(request: ChatRequest, name: str) -> str:
    """Returns a JSON object that satisfies the schema of the function, if it is offered."""
    for tool in request.tools or ():
        if tool.function.name == name:
            _, message = _last_user_message(request.messages)
            schema = tool.function.parameters or {}
            if "queries" in schema.get("properties", {}):  # type: ignore[operator]
                # the file_search tool: what the user asks is what is looked for
                return encode({"queries": [parse(message).text or message]}).decode()
            if "code" in schema.get("properties", {}):  # type: ignore[operator]
                # the code_interpreter tool: what the user says is what is printed
                return encode({"code": f"print({(parse(message).text or message)!r})"}).decode()
            return encode(sample({"type": "object", **schema}, hint=_topic(message))).decode()
    return "{}"


def _topic(message: str) -> str:
    """Returns the topic of a message: its last name, as in "the weather in Paris"."""
    names: list[str] = _NAME.findall(parse(message).text)
    return names[-1] if names else "text"


def _usage(request: ChatRequest, act: ScriptedRound, said: int) -> ChatUsage:
    # Its own tokens, not the vocabulary's: then a budget of n tokens ends at usage n.
    prompt, completion = act.usage or (tokens.count_messages(request.messages, request.tools), said)
    return ChatUsage(
        prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
    )


def _last_user_message(messages: list[ChatMessage]) -> tuple[int, str]:
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].role == "user":
            return place, _text(messages[place])
    return len(messages) - 1, ""


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if isinstance(part, ChatText))
    return message.content or ""


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
