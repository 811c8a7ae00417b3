"""A run as lines of a tree: what was done, when and by whom, and what could be done about it.

Pure functions. All texts are made harmless for a terminal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import UNSET

from perdure import lifecycle
from perdure.cli.objects import time_of
from perdure.cli.run_advice import advice
from perdure.cli.terminal import line
from perdure.wire.messages import ImageFilePart, Message, text
from perdure.wire.run_steps import (
    CodeInterpreterToolCall,
    CodeLogs,
    FileSearchToolCall,
    FunctionToolCall,
    MessageCreation,
    RunStep,
    ToolCall,
)
from perdure.wire.runs import Run
from perdure.wire.traces import (
    Attempt,
    LeftOutMessage,
    Recipe,
    Trace,
    TracedCall,
    TracedClaim,
    TracedRelease,
    TracedToolWork,
    TracedWait,
    TraceEntry,
)
from perdure.wire.usage import Usage

_MOST_CHARACTERS = 160
_MOST_PASSAGES = 5
_MOST_NAMED = 3


class Node(NamedTuple):
    """A line of the tree, and those below it."""

    said: str
    below: Sequence["Node"] = ()


def tree(
    run: Run, steps: Sequence[RunStep], messages: Sequence[Message], trace: Trace
) -> Iterator[str]:
    """Yields the lines for a run with its steps and messages, oldest first, and its trace."""
    written = {message.id: message for message in messages}
    yield f"{line(run.id)}  {run.status}  {time_of(run.created_at)}{_lasted(run)}"
    yield from _drawn([*_about(run, trace), *_done(steps, written, trace), *_end(run, trace)])


def _drawn(nodes: Sequence[Node], indent: str = "") -> Iterator[str]:
    for place, node in enumerate(nodes, start=1):
        is_last = place == len(nodes)
        yield f"{indent}{'└─ ' if is_last else '├─ '}{node.said}"
        yield from _drawn(node.below, indent + ("   " if is_last else "│  "))


def _about(run: Run, trace: Trace) -> Iterator[Node]:
    yield Node(
        f"model {line(run.model)}, assistant {line(run.assistant_id)}, thread {line(run.thread_id)}"
    )
    if not trace.is_kept:
        yield Node("no trace is kept of it: it is too old, or the server keeps none")
    elif not trace.is_whole:
        yield Node("the trace is not whole: there was too much of it, or two versions wrote it")


def _done(steps: Sequence[RunStep], written: Mapping[str, Message], trace: Trace) -> Iterator[Node]:
    """The entries of the trace in their order, and each step behind the call that led to it."""
    left = list(steps)
    took = {
        call_id: entry
        for entry in trace.entries
        if isinstance(entry, TracedToolWork)
        for call_id in entry.call_ids
    }
    for entry in trace.entries:
        if isinstance(entry, TracedToolWork):
            continue  # beside its calls
        yield _entry(entry)
        step_id = entry.step_id if isinstance(entry, TracedCall) else None
        while any(step.id == step_id for step in left):
            yield _step(left.pop(0), written, took)
    for step in left:
        yield _step(step, written, took)


def _entry(entry: TraceEntry) -> Node:
    match entry:
        case TracedClaim():
            # After a release, the time at which it was queued is kept in whole seconds.
            waited = _seconds(max(0.0, entry.claimed_at - entry.queued_at))
            return Node(
                f"{_time(entry.claimed_at)}  claimed by {_server(entry.address, entry.server)}, "
                f"after at most {waited} in the queue"
            )
        case TracedRelease():
            where = _server(entry.address, entry.server)
            how = "given back to the queue by" if entry.reason == "released" else "taken from"
            why = ", whose lease had ended" if entry.reason == "lease_ended" else ""
            return Node(f"{_time(entry.at)}  {how} {where}{why}")
        case TracedWait():
            return _wait(entry)
        case TracedCall():
            return _call(entry)
        case _:
            return Node(f"{_time(entry.started_at)}  {line(entry.name)}")


def _wait(entry: TracedWait) -> Node:
    calls = _counted(len(entry.call_ids), "call")
    if entry.submitted_at is None:
        return Node(f"{_time(entry.asked_at)}  waits for the outputs of {calls}")
    waited = _seconds(max(0.0, entry.submitted_at - entry.asked_at))
    return Node(f"{_time(entry.asked_at)}  waited {waited} for the outputs of {calls}")


def _call(entry: TracedCall) -> Node:
    number = "" if entry.number is UNSET else f" {entry.number}"
    error = f" ({entry.error_code})" if entry.error_code else ""
    said = (
        f"{_time(entry.started_at)}  model call{number}: {entry.outcome.replace('_', ' ')}{error} "
        f"after {_seconds(entry.ended_at - entry.started_at)}"
    )
    if entry.first_token_at is not None:
        said += f", first token after {_seconds(entry.first_token_at - entry.started_at)}"
    return Node(said + _tokens(entry.usage), list(_below_call(entry)))


def _below_call(entry: TracedCall) -> Iterator[Node]:
    where = f" at {line(entry.server)}" if entry.server else ""
    yield Node(f"sent to {line(entry.model)}{where}")
    for attempt in entry.attempts:
        yield _attempt(attempt)
    if entry.recipe is None:
        yield Node("what was sent is not kept: there was too much of it")
    else:
        yield from _recipe(entry.recipe)
    if entry.thinking is not None:
        told = entry.thinking.told_characters
        late = f", {told:,} of them after they had been streamed" if told else ""
        yield Node(f"thinking cut: {entry.thinking.characters:,} characters{late}")


def _attempt(attempt: Attempt) -> Node:
    status = f"HTTP {attempt.status}, " if attempt.status else ""
    times = f", {attempt.count} times" if attempt.count > 1 else ""
    changes = [Node(f"changed: {line(name)}") for name in attempt.adjustments]
    code = line(attempt.code).replace("_", " ")
    return Node(f"{_time(attempt.at)}  no answer: {status}{code}{times}", changes)


def _recipe(recipe: Recipe) -> Iterator[Node]:
    size = "" if recipe.body_bytes is None else f", {recipe.body_bytes:,} bytes"
    rounds = f", {_counted(recipe.step_count, 'step')} of the run" if recipe.step_count else ""
    tools = f", {_counted(len(recipe.tools), 'tool')}" if recipe.tools else ""
    images = f", {_counted(len(recipe.image_ids), 'image')}" if recipe.image_ids else ""
    messages = _counted(len(recipe.message_ids), "message")
    yield Node(f"{messages} of the thread{rounds}{tools}{images}{size}")
    if recipe.left_out:
        yield Node(_left_out(recipe), [*_reasons(recipe.left_out)])
    for name, room in recipe.output_rooms.items():
        yield Node(f"the outputs of {line(name)} were cut to {room:,} tokens")
    if recipe.is_last:
        yield Node("an answer was asked for without tools, after too many rounds of them")
    if recipe.adjustments:
        yield Node(f"adjusted to the server: {', '.join(map(line, recipe.adjustments))}")


def _reasons(left_out: Sequence[LeftOutMessage]) -> Iterator[Node]:
    for reason in dict.fromkeys(each.reason for each in left_out):
        named = [line(each.message_id) for each in left_out if each.reason == reason]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        yield Node(f"{reason.replace('_', ' ')}: {', '.join(named[:_MOST_NAMED])}{more}")


def _left_out(recipe: Recipe) -> str:
    assert recipe.left_out is not UNSET  # noqa: S101 # the caller has looked
    more = "or more " if recipe.has_left_out_more is True else ""
    limit = "" if recipe.prompt_limit is None else f", a prompt of {recipe.prompt_limit:,} at most"
    return (
        f"{len(recipe.left_out)} {more}messages of the thread were left out: a window of "
        f"{recipe.context_window:,} tokens{limit}"
    )


def _step(
    step: RunStep, written: Mapping[str, Message], took: Mapping[str, TracedToolWork]
) -> Node:
    details = step.step_details
    tokens = _tokens(step.usage)
    error = [_error(step.last_error.code, step.last_error.message)] if step.last_error else []
    if isinstance(details, MessageCreation):
        message_id = details.message_creation.message_id
        said = f"message {line(message_id)}, {step.status}{tokens}"
        return Node(said, [*_message(written.get(message_id)), *error])
    calls = [_tool_call(call, took.get(call.id)) for call in details.tool_calls]
    return Node(f"calls {line(step.id)}, {step.status}{tokens}", [*calls, *error])


def _message(message: Message | None) -> Iterator[Node]:
    if message is None:
        yield Node("it was deleted")
        return
    images = sum(isinstance(part, ImageFilePart) for part in message.content)
    if images:
        yield Node(_counted(images, "image"))
    yield Node(_short(text(message)) or "(no text)")
    if message.incomplete_details is not None:
        yield Node(f"incomplete: {message.incomplete_details.reason.replace('_', ' ')}")


def _tool_call(call: ToolCall, work: TracedToolWork | None) -> Node:
    lasted = f", {_seconds(work.ended_at - work.started_at)}" if work else ""
    if work and len(work.call_ids) > 1:
        lasted += f" for {len(work.call_ids)} calls"
    match call:
        case FunctionToolCall():
            output = call.function.output
            said = "no output yet" if output is None else f"output: {_short(output) or '(empty)'}"
            name, arguments = line(call.function.name), _short(call.function.arguments)
            return Node(f"{name}({arguments}){lasted}", [Node(said)])
        case FileSearchToolCall():
            return Node(_queries(call) + lasted, list(_passages(call)))
        case CodeInterpreterToolCall():
            return Node(f"code: {_short(call.code_interpreter.input)}{lasted}",
                        list(_outputs(call)))  # fmt: skip


def _queries(call: FileSearchToolCall) -> str:
    return "file search: " + "; ".join(_short(query) for query in call.file_search.queries)


def _passages(call: FileSearchToolCall) -> Iterator[Node]:
    results = call.file_search.results
    if not results:
        yield Node("no passages were found")
    for result in results[:_MOST_PASSAGES]:
        content = result.content if result.content is not UNSET else []
        passage = _short(" ".join(part.text for part in content))
        yield Node(f"{result.score:.2f}  {line(result.file_name)}: {passage}")
    if len(results) > _MOST_PASSAGES:
        yield Node(f"and {len(results) - _MOST_PASSAGES} more")


def _outputs(call: CodeInterpreterToolCall) -> Iterator[Node]:
    for output in call.code_interpreter.outputs:
        if isinstance(output, CodeLogs):
            yield Node(_short(output.logs) or "(no output)")
        else:
            yield Node(f"image {line(output.image.file_id)}")
    for file in call.code_interpreter.files:
        yield Node(f"file {line(file.path)} is {line(file.file_id)}")


def _end(run: Run, trace: Trace) -> Iterator[Node]:
    if run.last_error is not None:
        yield _error(run.last_error.code, run.last_error.message)
    if run.incomplete_details is not None:
        yield Node(f"incomplete: {run.incomplete_details.reason.replace('_', ' ')}")
    if run.usage is not None:
        yield Node(f"{run.status}{_tokens(run.usage)} in all")
    for each in advice(run, trace):
        yield Node(f"advice: {each}")


def _error(code: str, message: str) -> Node:
    return Node(f"error: {line(code)}: {line(message)}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _short(said: str) -> str:
    told = line(said)
    return told if len(told) <= _MOST_CHARACTERS else f"{told[:_MOST_CHARACTERS]}…"


def _server(address: str | None, server: str) -> str:
    return f"{line(address)} ({line(server)})" if address else line(server)


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return ""
    return f", {usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens"


def _lasted(run: Run) -> str:
    ends: Iterable[int | None] = (run.completed_at, run.failed_at, run.cancelled_at)
    end = next((each for each in ends if each is not None), None)
    if end is None or run.status in lifecycle.ACTIVE:
        return ""
    return f", {_seconds(end - run.created_at)}"


def _time(at: float) -> str:
    """Returns the time of day of Unix seconds, with milliseconds."""
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):  # a server may send any number
        return "?"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.1f} s" if seconds >= 10 else (
        f"{seconds:.2f} s"
    )  # fmt: skip
