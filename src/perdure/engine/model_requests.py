"""A run in the terms of the model server: its settings, its thread's messages, its rounds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from perdure.tools.tool import RunTool, ToolPrompt, calls_of
from perdure.wire.chat import (
    ChatMessage,
    ChatPart,
    ChatRequest,
    ChatText,
    ChatToolCall,
    ChatToolChoice,
    ChosenFunction,
    Extras,
    FunctionToolChoice,
)
from perdure.wire.formats import ResponseFormat, TextFormat
from perdure.wire.messages import (
    ImageFilePart,
    ImageUrlPart,
    Message,
    RefusalPart,
    TextPart,
    text,
    without_citations,
)
from perdure.wire.run_steps import (
    FunctionToolCall,
    MessageCreation,
    RunStep,
    ToolCalls,
    functions,
)
from perdure.wire.runs import Run, has_functions
from perdure.wire.tools import (
    CalledFunction,
    FunctionChoice,
    FunctionTool,
)


class AnsweredCall(NamedTuple):
    """An earlier call of a tool that the server runs, in the model's terms."""

    name: str
    arguments: str
    output: str


_UNKNOWN = AnsweredCall("unknown", "{}", "")


def settings(run: Run, steps: list[RunStep], tools: Mapping[RunTool, ToolPrompt]) -> ChatRequest:
    """The request without its messages. Some servers refuse parameters they do not know, so what
    is at its default is not sent.
    """
    offered: list[FunctionTool] = []
    if may_call(run) or any(step.type == "tool_calls" for step in steps):
        # Otherwise nothing in the messages is a reason why a server could want to see tools.
        offered += [tool for tool in run.tools if isinstance(tool, FunctionTool)]
        offered += [prompt.definition for prompt in tools.values() if prompt.definition]
    return ChatRequest(
        model=run.model,
        messages=[],
        tools=offered or None,
        tool_choice=_tool_choice(run, steps, offered, tools) if offered else None,
        parallel_tool_calls=False if offered and not run.parallel_tool_calls else None,
        temperature=_unless_default(run.temperature),
        top_p=_unless_default(run.top_p),
        response_format=_format(run.response_format),
        reasoning_effort=run.reasoning_effort,
    )


def last_request(request: ChatRequest) -> ChatRequest:
    """The request that asks for an answer without tools, after too many rounds of them."""
    return replace(request, tool_choice="none" if request.tools else None)


def may_call(run: Run) -> bool:
    """True if the model may call tools at all. What it calls even so is answered as a name that
    nobody offered.
    """
    return run.tool_choice != "none"


def message_of(message: Message) -> ChatMessage | None:
    """A message of the thread; None for one without content, such as an abandoned one."""
    if message.role == "assistant":
        # Markers of earlier runs would pass for markers of this one.
        written = _spoken(without_citations(message))
        return ChatMessage(role="assistant", content=written) if written else None
    parts: list[ChatPart] = []
    for part in message.content:
        if isinstance(part, TextPart):
            parts.append(ChatText(text=part.text.value))
        elif isinstance(part, ImageUrlPart | ImageFilePart):
            parts.append(part)
        elif isinstance(part, RefusalPart):
            parts.append(ChatText(text=part.refusal))
    if all(isinstance(part, ChatText) for part in parts):
        # Plain text goes as a string: not every server takes parts.
        return ChatMessage(role="user", content=text(message))
    return ChatMessage(role="user", content=parts)


def rounds_of(
    steps: list[RunStep],
    written: Mapping[str, Message],
    extras: Mapping[str, Extras],
    thoughts: Mapping[str, str],
    answered: Mapping[str, AnsweredCall],
) -> list[ChatMessage]:
    """The run's own rounds as messages: its text, its calls, their outputs.

    `extras` are what the model server needs back with them, `thoughts` the thinking that it wants
    back in front of the text, both by the step; `answered` are the calls of the server's own tools,
    by their ids.
    """
    chat: list[ChatMessage] = []
    said: str | None = None
    for step in steps:
        details = step.step_details
        if isinstance(details, MessageCreation):
            message = written.get(details.message_creation.message_id)
            said = _spoken(message) if message else None
            if said:
                chat.append(ChatMessage(role="assistant", content=said))
            continue
        if said:
            # Text and calls of one round are one message of the model.
            chat.pop()
        asked, *outputs = _tool_round(details, answered)
        # Not null: some servers refuse that, and others that it is missing.
        content = thoughts.get(step.id, "") + (said or "")
        chat.append(replace(asked, content=content, extras=extras.get(step.id)))
        chat.extend(outputs)
        said = None
    return chat


def round_length(steps: Iterable[RunStep]) -> int:
    """The number of messages that `rounds_of` makes of the run's completed rounds."""
    return len(step_of_each_message(steps))


def step_of_each_message(steps: Iterable[RunStep]) -> list[str]:
    """The id of the step that each message of `rounds_of` is made of: one message has the calls of
    a step and the text before them, and each output is one.
    """
    return [
        step.id
        for step in steps
        if isinstance(step.step_details, ToolCalls)
        for _ in range(1 + len(step.step_details.tool_calls))
    ]


def texts_of_rounds(steps: Iterable[RunStep]) -> dict[str, str]:
    """The id of the message with the text of a round, by the id of the step with its calls."""
    found: dict[str, str] = {}
    message_id: str | None = None
    for step in steps:
        if isinstance(step.step_details, MessageCreation):
            message_id = step.step_details.message_creation.message_id
        elif message_id is not None:
            found[step.id], message_id = message_id, None
    return found


def server_rounds(run: Run, steps: Iterable[RunStep]) -> int:
    """The number of rounds that the server has answered by itself since the run began, or since the
    client submitted outputs.
    """
    rounds, asks_client = 0, has_functions(run) and may_call(run)
    for step in steps:
        if isinstance(step.step_details, ToolCalls):
            rounds = 0 if asks_client and functions(step.step_details) else rounds + 1
    return rounds


def call_ids(steps: Iterable[RunStep]) -> set[str]:
    """The ids of all calls in these steps."""
    return {call.id for call in calls_of(steps)}


def _format(wanted: ResponseFormat | None) -> ResponseFormat | None:
    return None if wanted == "auto" or isinstance(wanted, TextFormat) else wanted


def _spoken(message: Message) -> str:
    """The text of the model's message; none where it is white space, which servers refuse."""
    written = text(message)
    return "" if written.isspace() else written


def _unless_default(value: float | None) -> float | None:
    return None if value == 1.0 else value


def _tool_choice(
    run: Run,
    steps: list[RunStep],
    offered: Sequence[FunctionTool],
    tools: Iterable[RunTool],
) -> ChatToolChoice | None:
    """A forced choice holds until the first tool round (spec 03 §13). Servers refuse to force what
    is not offered, such as a search where there is no vector store: then the model has its choice.
    """
    choice = run.tool_choice
    if choice == "none":
        return "none"
    if any(step.type == "tool_calls" for step in steps):
        return None
    if choice == "required":
        return "required"
    if isinstance(choice, FunctionChoice):
        forced: str | None = choice.function.name
    else:
        forced = next((tool.name for tool in tools if tool.is_forced(choice)), None)
    if forced not in {tool.function.name for tool in offered}:
        return None
    return FunctionToolChoice(function=ChosenFunction(name=forced))


def _tool_round(details: ToolCalls, answered: Mapping[str, AnsweredCall]) -> list[ChatMessage]:
    calls: list[ChatToolCall] = []
    outputs: list[ChatMessage] = []
    for call in details.tool_calls:
        if isinstance(call, FunctionToolCall):
            # Servers that parse what goes back refuse no arguments at all.
            arguments = call.function.arguments or "{}"
            called = CalledFunction(name=call.function.name, arguments=arguments)
            output = call.function.output or ""
        else:
            # A server without the tool may go on with a run of one that has it.
            name, arguments, output = answered.get(call.id, _UNKNOWN)
            called = CalledFunction(name=name, arguments=arguments)
        calls.append(ChatToolCall(id=call.id, function=called))
        outputs.append(ChatMessage(role="tool", tool_call_id=call.id, content=output))
    return [ChatMessage(role="assistant", tool_calls=calls), *outputs]
