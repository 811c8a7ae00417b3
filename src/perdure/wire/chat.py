"""The model server's side of the wire: `/v1/chat/completions`, as much of it as runs need."""

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
    """What a model server told of a round beside its text and calls, and needs back as it came.

    `message` are fields of the assistant's message, such as `reasoning_content`; `calls` those of
    its calls, by their ids, such as a signature. Only `model` of `server` (its base URL, without a
    password) understands them. `thinking` is what was taken out of the text in front of the answer,
    as it came; it goes back where that is set, and is kept for who inspects the run.
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
    """What servers put beside a call, or beside the function in it."""

    extra_content: object = None
    thought_signature: object = None
    provider_specific_fields: object = None


class FunctionDelta(Signed):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Signed):
    """A piece of a call: the first of an index should have id and name, and not every server
    keeps to that.
    """

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class ChoiceDelta(Signed):
    """What is new in an answer. Of what servers tell beside it, the provider makes `Extras`."""

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
    """One piece of a streamed answer.

    Finish reasons are `stop`, `length`, `tool_calls` and `content_filter`: a provider translates
    those that its server invents. The last chunk of every provider's stream carries `usage`, and
    `extras` where something of the answer has to go back, without those of its calls: these are
    in the fragments.
    """

    choices: list[Choice] = []
    usage: ChatUsage | None = None
    error: JsonObject | str | None = None
    extras: Extras | None = None
