"""Invariants of a run by itself (spec 03 §1, §2 and §10)."""

from collections.abc import Iterator

from perdure import lifecycle
from perdure.commands import runs
from perdure.invariants.fields_by_status import RUN_SHAPES, shape_problem
from perdure.invariants.run_history import RunHistory, function_calls
from perdure.lifecycle import RUN, RunStatus

# The timestamps that a run gets as it ends; an expired one gets none.
_ENDS = {move.target: move.stamp for move in RUN if move.target in lifecycle.TERMINAL}


def row_agrees(history: RunHistory) -> Iterator[str]:
    """Checks that the columns of a run agree with its body."""
    row, run = history.row, history.run
    for name in ("id", "thread_id", "status", "expires_at"):
        if row[name] != getattr(run, name):
            yield f"has {name} {row[name]} in its row and {getattr(run, name)} in its body"


def fields_fit_status(history: RunHistory) -> Iterator[str]:
    """Checks that timestamps and reasons are those that some way through the table leaves."""
    if wrong := shape_problem(history.run, history.run.status, RUN_SHAPES):
        yield wrong


def end_is_noted(history: RunHistory) -> Iterator[str]:
    """Checks that a run has an end time if and only if it is terminal, and that its stamp is that
    time.
    """
    ended_at, status = history.row["ended_at"], history.run.status
    if (status in lifecycle.TERMINAL) != (ended_at is not None):
        yield f"is {status} with ended_at {ended_at}"
    stamp = _ENDS.get(status)
    if stamp and ended_at is not None and getattr(history.run, stamp) != ended_at:
        yield f"ended at {ended_at} with {stamp} {getattr(history.run, stamp)}"


def work_is_owned(history: RunHistory) -> Iterator[str]:
    """Checks that a run is owned if and only if a worker works on it or is stopping.

    A run in progress without an owner would never be rescued. A run that waits in the queue or for
    outputs has no owner.
    """
    row, status = history.row, history.run.status
    if (status in runs.OWNED) != (row["owner"] is not None):
        yield f"is {status} and owned by {row['owner'] or 'nobody'}"
    if (row["owner"] is None) != (row["lease_until"] is None):
        yield f"is owned by {row['owner'] or 'nobody'} until {row['lease_until'] or 'no time'}"
    if history.run.started_at is not None and row["epoch"] < 1:
        yield f"was started and has epoch {row['epoch']}"


def nothing_is_left_open(history: RunHistory) -> Iterator[str]:
    """Checks that a run has at most one step and one message open, and none once it has ended."""
    most = 0 if history.run.status in lifecycle.TERMINAL else 1
    open_steps = [each for each in history.steps if each.step.status == "in_progress"]
    open_messages = [each for each in history.messages if each.message.status == "in_progress"]
    for count, kind in ((len(open_steps), "steps"), (len(open_messages), "messages")):
        if count > most:
            yield f"is {history.run.status} with {count} open {kind}"


def question_is_the_open_step(history: RunHistory) -> Iterator[str]:
    """Checks that a run asks for exactly the outputs of the calls in its open step (spec 03 §5)."""
    action = history.run.required_action
    if action is None or history.damaged:
        return
    asked = [
        (call.id, call.function.name, call.function.arguments)
        for call in action.submit_tool_outputs.tool_calls
    ]
    open_calls = [
        (call.id, call.function.name, call.function.arguments)
        for each in history.steps
        if each.step.status == "in_progress"
        for call in function_calls(each.step)
        if call.function.output is None
    ]
    if asked != open_calls or not asked:
        yield (
            f"asks for the outputs of {[call for call, *_ in asked]}, and its open step has the "
            f"calls {[call for call, *_ in open_calls]}"
        )


def usage_adds_up(history: RunHistory) -> Iterator[str]:
    """Checks that the usage of a run that has ended is the sum over its steps (spec 03 §10)."""
    run = history.run
    if history.damaged:
        return
    expected = None
    if run.status in lifecycle.TERMINAL:
        expected = runs.usage_of((each.usage for each in history.steps), RunStatus(run.status))
    if run.usage != expected:
        yield f"has {_tokens(run.usage)}, and its steps make {_tokens(expected)}"


def _tokens(usage: object) -> str:
    return "no usage" if usage is None else f"{usage}"


RULES = (
    row_agrees,
    fields_fit_status,
    end_is_noted,
    work_is_owned,
    nothing_is_left_open,
    question_is_the_open_step,
    usage_adds_up,
)
