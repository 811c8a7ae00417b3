"""Invariants of the steps and messages of a run (spec 01 §5 and §7, 03 §4, §10 and §14)."""

from collections import Counter
from collections.abc import Iterator

from perdure.invariants import damage
from perdure.invariants.fields_by_status import MESSAGE_SHAPES, STEP_SHAPES, shape_problem
from perdure.invariants.run_history import (
    RunHistory,
    StoredMessage,
    StoredStep,
    Violation,
    function_calls,
)
from perdure.lifecycle import MessageStatus, RunStatus, StepStatus
from perdure.storage.database import Row
from perdure.wire.messages import Message
from perdure.wire.run_steps import MessageCreation, RunStep, ToolCalls


def check(history: RunHistory) -> Iterator[Violation]:
    """Yields the violations of a run's steps and messages together; `step` and `message` check each
    by itself.
    """
    for each in history.steps:
        yield from damage.guard(each.step.id, _of_step(history, each))
    for written in history.messages:
        yield from damage.guard(written.message.id, _of_message(history, written))
    calls = Counter(
        call.id
        for each in history.steps
        if isinstance(each.step.step_details, ToolCalls)
        for call in each.step.step_details.tool_calls
    )
    for call_id, count in calls.items():
        if count > 1:
            yield Violation(history.run.id, f"has {count} calls with the id {call_id}")


def message_without_run(stored: StoredMessage) -> Iterator[str]:
    """Yields the violations of a message that no run wrote."""
    message = stored.message
    yield from row_differs(stored.row, message, ("id", "thread_id", "run_id", "role", "status"))
    if message.status != MessageStatus.COMPLETED or message.completed_at is None:
        yield f"was added by hand and is {message.status}"


def step(stored: StoredStep) -> Iterator[str]:
    """Yields the violations of a step by itself."""
    found = stored.step
    yield from row_differs(stored.row, found, ("id", "thread_id", "run_id", "status"))
    if wrong := shape_problem(found, found.status, STEP_SHAPES):
        yield wrong
    shown = None if found.status == StepStatus.IN_PROGRESS else stored.usage
    if found.usage != shown:
        yield f"shows {found.usage} for its usage, and its row notes {stored.usage}"
    yield from _of_extras(stored)


def message(stored: StoredMessage) -> Iterator[str]:
    """Yields the violations of a run's message by itself."""
    found = stored.message
    yield from row_differs(stored.row, found, ("id", "thread_id", "run_id", "role", "status"))
    if wrong := shape_problem(found, found.status, MESSAGE_SHAPES):
        yield wrong
    if found.role != "assistant":
        yield f"was written by a run and has the role {found.role}"
    if bool(found.content) != (found.status != MessageStatus.IN_PROGRESS):
        yield f"is {found.status} with {len(found.content)} parts"


def _of_step(history: RunHistory, stored: StoredStep) -> Iterator[str]:
    step, run = stored.step, history.run
    yield from _belongs(stored.row, step, history)
    if isinstance(step.step_details, MessageCreation):
        yield from _of_message_step(history, step, step.step_details.message_creation.message_id)
        return
    # A budget that is reached leaves the step completed (recorded, spec 03 §7).
    if step.status == StepStatus.COMPLETED and run.status != RunStatus.INCOMPLETE:
        missing = [call.id for call in function_calls(step) if call.function.output is None]
        if missing or not step.step_details.tool_calls:
            yield f"is completed without the outputs of {missing or 'any call'}"


def _of_extras(stored: StoredStep) -> Iterator[str]:
    """Checks that the data a model server needs back belongs to calls of its step. Thinking may be
    kept with any step.
    """
    details = stored.step.step_details
    if stored.extras is None:
        return
    calls = {call.id for call in details.tool_calls} if isinstance(details, ToolCalls) else set()
    extras = stored.extras
    if not calls and (extras.message or extras.calls or not extras.thinking):
        yield "has extras of a model server and no calls"
    elif strangers := sorted(extras.calls.keys() - calls):
        yield f"has extras of the calls {strangers}, which it did not make"


def _of_message_step(history: RunHistory, step: RunStep, message_id: str) -> Iterator[str]:
    """Checks that a step that wrote a message and that message end together."""
    if history.steps_by_message[message_id].step.id != step.id:
        yield f"names the message {message_id}, as another step does"
    found = [each.message for each in history.messages if each.message.id == message_id]
    if not found:
        gone = message_id in history.deleted or message_id in history.damaged
        if not gone and history.is_remembered(step.created_at):
            yield f"names the message {message_id}, which this run did not write"
        return
    status = found[0].status
    if step.status == StepStatus.IN_PROGRESS:
        fits = status == MessageStatus.IN_PROGRESS
    elif step.status == StepStatus.COMPLETED and history.run.status != RunStatus.INCOMPLETE:
        fits = status == MessageStatus.COMPLETED
    elif step.status == StepStatus.COMPLETED:
        fits = status != MessageStatus.IN_PROGRESS
    else:
        fits = status == MessageStatus.INCOMPLETE
    if not fits:
        yield f"is {step.status}, and its message {message_id} is {status}"


def _of_message(history: RunHistory, stored: StoredMessage) -> Iterator[str]:
    yield from _belongs(stored.row, stored.message, history)
    if stored.message.id not in history.steps_by_message and not history.damaged:
        yield f"was written by the run {history.run.id}, and no step of it says so"


def _belongs(row: Row, body: RunStep | Message, history: RunHistory) -> Iterator[str]:
    """Checks that a step or message of a run has the run's thread, assistant and project."""
    run = history.run
    for name, value, expected in (
        ("run_id", body.run_id, run.id),
        ("thread_id", body.thread_id, run.thread_id),
        ("assistant_id", body.assistant_id, run.assistant_id),
        ("project", row["project"], history.row["project"]),
    ):
        if value != expected:
            yield f"has {name} {value}, and its run has {expected}"


def row_differs(row: Row, body: RunStep | Message, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        stored, said = row[name], getattr(body, name)
        if stored != said:
            yield f"has {name} {stored} in its row and {said} in its body"
