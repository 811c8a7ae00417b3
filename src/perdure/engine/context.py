"""What the model is given: instructions, the thread, this run's own steps (spec 03 §4 and §12).

`read` fetches, `build` decides; neither changes the stored thread.
"""

from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import run_steps
from perdure.engine.outcomes import Truncated
from perdure.providers import tokens
from perdure.store.database import Transaction
from perdure.wire.base import decode
from perdure.wire.chat import (
    ChatMessage,
    ChatPart,
    ChatRequest,
    ChatText,
    ChatToolCall,
    ChatToolChoice,
    ChosenFunction,
    FunctionToolChoice,
)
from perdure.wire.messages import ImageUrlPart, Message, RefusalPart, TextPart, text
from perdure.wire.run_steps import MessageCreation, RunStep, ToolCalls
from perdure.wire.runs import IncompleteRun, Run
from perdure.wire.tools import CalledFunction, FunctionChoice, FunctionTool
from perdure.wire.usage import Usage, total

_LAST = 2**62
_ALL = 100_000  # the capacity of a thread (spec 01 §4)


class Material(NamedTuple):
    """What a turn starts from: the thread without the run's own messages, oldest first; the
    run's completed rounds with the messages they wrote; what they used.

    `said`: a worker died after the text of a round and before its calls were complete. The
    round is taken again, and its text is said already.
    """

    messages: list[Message]
    steps: list[RunStep]
    written: dict[str, Message]
    usage: Usage
    said: bool = False


def read(tx: Transaction, run: Run) -> Material:
    """Reads the material of a run's next turn."""
    strategy = run.truncation_strategy
    limit = strategy.last_messages if strategy.type == "last_messages" else None
    rows = tx.all(
        "messages.before_run",
        thread_id=run.thread_id,
        run_id=run.id,
        high=_LAST,
        limit=limit or _ALL,
    )
    messages = [decode(row["body"], Message) for row in reversed(rows)]
    ended = run_steps.of_run(tx, run.id)
    own = [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run.id)]
    steps = [step for step, _ in ended if step.status == "completed"]
    # A run that answers with text alone ends with it: text at the end is half a round.
    said = bool(steps) and steps[-1].type == "message_creation"
    return Material(
        messages,
        steps[:-1] if said else steps,
        {message.id: message for message in own},
        total(usage for _, usage in ended if usage),
        said,
    )


def build(run: Run, material: Material) -> ChatRequest | Truncated:
    """The request of the run's next turn, or the budget that leaves no room for one."""
    completion_left = _left(run.max_completion_tokens, material.usage.completion_tokens)
    prompt_left = _left(run.max_prompt_tokens, material.usage.prompt_tokens)
    if completion_left == 0:
        return Truncated(IncompleteRun(reason="max_completion_tokens"), None)
    tools = [tool for tool in run.tools if isinstance(tool, FunctionTool)]
    request = ChatRequest(
        model=run.model,
        messages=[],
        tools=tools or None,
        tool_choice=_tool_choice(run, material.steps) if tools else None,
        parallel_tool_calls=False if tools and not run.parallel_tool_calls else None,
        temperature=_unless_default(run.temperature),
        top_p=_unless_default(run.top_p),
        max_tokens=completion_left,
        response_format=None if run.response_format == "auto" else run.response_format,
        reasoning_effort=run.reasoning_effort,
    )
    head = [ChatMessage(role="system", content=run.instructions)] if run.instructions else []
    thread = [message for given in material.messages if (message := _message(given))]
    tail = _rounds(material)
    if prompt_left is not None:
        fitting = fit(thread, head, tail, tools=tools, budget=prompt_left)
        if fitting is None:
            return Truncated(IncompleteRun(reason="max_prompt_tokens"), None)
        thread = fitting
    return replace(request, messages=[*head, *thread, *tail])


def fit(
    thread: list[ChatMessage],
    head: list[ChatMessage],
    tail: list[ChatMessage],
    *,
    tools: list[FunctionTool],
    budget: int,
) -> list[ChatMessage] | None:
    """As much of the thread as the prompt budget allows: the newest message always, then the
    first, then the others from the newest on; None when not even the newest fits.
    """
    room = budget - tokens.count_messages([*head, *tail], tools or None)
    order = [len(thread) - 1, 0, *range(len(thread) - 2, 0, -1)] if thread else []
    kept: set[int] = set()
    for place in dict.fromkeys(order):
        cost = tokens.count_messages([thread[place]], None)
        if cost > room:
            if not kept:
                return None
            if place:
                break
            continue
        room -= cost
        kept.add(place)
    return [message for place, message in enumerate(thread) if place in kept] if room >= 0 else None


def _left(budget: int | None, used: int) -> int | None:
    return None if budget is None else max(0, budget - used)


def _unless_default(value: float | None) -> float | None:
    # Some servers refuse parameters they do not know, so a default is not sent.
    return None if value == 1.0 else value


def _tool_choice(run: Run, steps: list[RunStep]) -> ChatToolChoice | None:
    """A forced choice holds until the first tool round (spec 03 §13)."""
    choice = run.tool_choice
    if choice == "none":
        return "none"
    if any(step.type == "tool_calls" for step in steps):
        return None
    if isinstance(choice, FunctionChoice):
        return FunctionToolChoice(function=ChosenFunction(name=choice.function.name))
    return "required" if choice == "required" else None


def _message(message: Message) -> ChatMessage | None:
    """A message of the thread; None for one without content, such as an abandoned one."""
    if message.role == "assistant":
        written = text(message)
        return ChatMessage(role="assistant", content=written) if written else None
    parts: list[ChatPart] = []
    for part in message.content:
        if isinstance(part, TextPart):
            parts.append(ChatText(text=part.text.value))
        elif isinstance(part, ImageUrlPart):
            parts.append(part)
        elif isinstance(part, RefusalPart):
            parts.append(ChatText(text=part.refusal))
    if all(isinstance(part, ChatText) for part in parts):
        # Plain text goes as a string: not every server takes parts.
        return ChatMessage(role="user", content=text(message))
    return ChatMessage(role="user", content=parts)


def _rounds(material: Material) -> list[ChatMessage]:
    """This run's own rounds: what it said, what it called, what came back."""
    chat: list[ChatMessage] = []
    said: str | None = None
    for step in material.steps:
        details = step.step_details
        if isinstance(details, MessageCreation):
            message = material.written.get(details.message_creation.message_id)
            said = text(message) if message else None
            if said:
                chat.append(ChatMessage(role="assistant", content=said))
            continue
        if said:
            # Text and calls of one round are one message of the model.
            chat.pop()
        chat.extend(_tool_round(details, said))
        said = None
    return chat


def _tool_round(details: ToolCalls, said: str | None) -> list[ChatMessage]:
    calls = [
        ChatToolCall(
            id=call.id,
            function=CalledFunction(name=call.function.name, arguments=call.function.arguments),
        )
        for call in details.tool_calls
    ]
    outputs = [
        ChatMessage(role="tool", tool_call_id=call.id, content=call.function.output or "")
        for call in details.tool_calls
    ]
    return [ChatMessage(role="assistant", content=said, tool_calls=calls), *outputs]
