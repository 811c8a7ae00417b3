"""The wire format of model servers: as much of `/v1/chat/completions` as runs need."""

from typing import Literal, TypeAlias

from perdure.wire.base import JsonObject, Object
from perdure.wire.formats import ReasoningEffort, ResponseFormat
from perdure.wire.messages import ImageFilePart, ImageUrlPart
from perdure.wire.tools import CalledFunction, FunctionTool


class ChatText(Object, tag_field="type", tag="text"):
    text: str


# A model server never sees an image that is a file: `engine/images.py` puts its bytes there.
ChatPart: TypeAlias = ChatText | ImageUrlPart | ImageFilePart


class Extras(Object, kw_only=True):
    """Data that a model server sent with a round, beside its text and calls, and needs back
    unchanged.

    `message` are fields of the assistant's message, such as `reasoning_content`. `calls` are fields
    of its calls by their ids, such as a signature. Only `model` of `server` (its base URL, without
    a password) understands them. `thinking` is the thinking that was removed from the front of the
    answer, unchanged. It is sent back where that is configured, and is kept for inspection of the
    run.
    """

    server: str
    model: str
    message: JsonObject = {}
    calls: dict[str, JsonObject] = {}
    thinking: str = ""


class ChatToolCall(Object, kw_only=True):
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(Object, kw_only=True, omit_defaults=True):
    """A message to a model server. `extras` of another server than the one that is called, or of
    another model, are not sent.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ChatPart] | None = None
    tool_calls: list[ChatToolCall] | None = None
    tool_call_id: str | None = None
    extras: Extras | None = None


class ChosenFunction(Object):
    name: str


class FunctionToolChoice(Object, tag_field="type", tag="function"):
    function: ChosenFunction


ChatToolChoice: TypeAlias = Literal["none", "auto", "required"] | FunctionToolChoice


class ChatRequest(Object, kw_only=True, omit_defaults=True):
    """One model call. A field that is None is not sent.

    `max_tokens` caps the answer; a provider sends it under the name its server knows.
    """

    model: str
    messages: list[ChatMessage]
    tools: list[FunctionTool] | None = None
    tool_choice: ChatToolChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class Signed(Object, kw_only=True):
    """Data that servers put beside a call, or beside the function in it."""

    extra_content: object = None
    thought_signature: object = None
    provider_specific_fields: object = None


class FunctionDelta(Signed):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Signed):
    """A fragment of a call. The first of an index should have id and name, but not every server
    sends them there.
    """

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class ChoiceDelta(Signed):
    """The new content of an answer. The provider makes `Extras` of what a server sends beside
    it.
    """

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    reasoning_content: object = None
    reasoning: object = None
    reasoning_details: object = None


class Choice(Object):
    delta: ChoiceDelta = ChoiceDelta()
    finish_reason: str | None = None


class CachedTokens(Object):
    cached_tokens: int | None = None


class ReasoningTokens(Object):
    reasoning_tokens: int | None = None


class ChatUsage(Object):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: CachedTokens | None = None
    completion_tokens_details: ReasoningTokens | None = None


class ChatChunk(Object):
    """One fragment of a streamed answer.

    Finish reasons are `stop`, `length`, `tool_calls` and `content_filter`: a provider translates
    those that its server invents. The last one of every provider's stream carries `usage`. It
    carries `extras` too where a part of the answer has to be sent back, except those of the calls,
    which are in the call fragments.
    """

    choices: list[Choice] = []
    usage: ChatUsage | None = None
    error: JsonObject | str | None = None
    extras: Extras | None = None
