"""Writes of the worker that holds a run: its message, its tool calls, its end.

Every function takes the worker's hold on the run and raises `LeaseLost` when the worker no longer
holds it. A message or step that a dead worker left open is adopted where it fits and closed where
it does not, so that a resumed run doubles nothing (design, decision 1).
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from perdure.commands import files, leases, messages, run_steps, runs
from perdure.commands.blobs import WrittenBlob
from perdure.commands.leases import HeldLease
from perdure.commands.runs import LockedRun, PartialMessage
from perdure.lifecycle import RunStatus, Signal
from perdure.storage.database import Transaction
from perdure.wire.base import decode
from perdure.wire.chat import Extras
from perdure.wire.messages import Message, Part
from perdure.wire.run_steps import (
    FunctionToolCall,
    RunStep,
    ToolCall,
    ToolCalls,
)
from perdure.wire.runs import (
    IncompleteRun,
    LastError,
    RequiredAction,
    RequiredToolCalls,
)
from perdure.wire.tools import CalledFunction, RequiredToolCall
from perdure.wire.usage import Usage

_ABANDONED = LastError(
    code="server_error", message="The worker stopped here; the run went on in another step."
)


class Withdraw(Protocol):
    """Deletes the files that the calls of a step have left, when the step is executed again."""

    def __call__(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None: ...


def _leave(tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
    """Deletes nothing: calls of functions leave nothing."""


def open_message(tx: Transaction, hold: HeldLease) -> str:
    """Returns the id of the message to write: an adopted one, or a new one with its step."""
    held = leases.lock(tx, hold)
    row = tx.one("messages.open_of_run", run_id=hold.run_id)
    if row is not None:
        return decode(row["body"], Message).id
    _close_abandoned(tx, held, now=hold.now)
    return runs.begin_message(tx, held, now=hold.now)


def close_message(
    tx: Transaction, hold: HeldLease, content: list[Part], *, withdrawn: bool = False
) -> None:
    """Completes the message within a round: tool calls follow it, and the usage is theirs.

    `withdrawn`: its deltas had text that it does not hold.
    """
    leases.lock(tx, hold)
    _complete_message(tx, hold, content, usage=None, extras=None, withdrawn=withdrawn)


def open_calls(tx: Transaction, hold: HeldLease, withdraw: Withdraw = _leave) -> str:
    """Returns the id of the tool step to fill: an adopted one, which is empty again, or a new
    one.

    `withdraw` deletes the files that the calls of an adopted step have left.
    """
    held = leases.lock(tx, hold)
    opened = run_steps.open_of_run(tx, hold.run_id)
    if opened is not None and isinstance(opened[0].step_details, ToolCalls):
        step, _ = opened
        if opened[0].step_details.tool_calls:
            withdraw(tx, step, project=held.project, now=hold.now)
            run_steps.update(tx, replace(step, step_details=ToolCalls()), usage=None)
            run_steps.keep_extras(tx, step.id, None)
        return step.id
    _close_abandoned(tx, held, now=hold.now)
    return run_steps.create(tx, held.run, ToolCalls(), project=held.project, now=hold.now).id


def close_calls(
    tx: Transaction,
    hold: HeldLease,
    calls: Sequence[ToolCall],
    *,
    usage: Usage,
    extras: Extras | None = None,
    trace: str | None = None,
) -> bool:
    """Completes the step of calls that the server has answered itself (spec 03 §4).

    `extras` is the data that the model server needs back with them, `trace` are lines of the step's
    trace. Returns False where the run was cancelled in the meantime: then it has ended.
    """
    held = leases.lock(tx, hold)
    if held.run.status is RunStatus.CANCELLING:
        partial = PartialMessage(calls=calls, usage=usage, extras=extras, trace=trace)
        runs.signal(tx, held, Signal.STOP, now=hold.now, partial=partial)
        return False
    opened = run_steps.open_of_run(tx, hold.run_id)
    if opened is None:
        raise AssertionError(f"{hold.run_id} has tool calls without an open step")
    step = replace(opened[0], step_details=ToolCalls(tool_calls=list(calls)))
    if extras is not None:
        run_steps.keep_extras(tx, step.id, extras)
    run_steps.signal(tx, step, Signal.COMPLETE, usage=usage, trace=trace, now=hold.now)
    return True


def ask(
    tx: Transaction,
    hold: HeldLease,
    calls: Sequence[ToolCall],
    *,
    usage: Usage,
    extras: Extras | None = None,
    trace: str | None = None,
) -> None:
    """Writes the calls into the open step and waits for their outputs (spec 03 §5).

    `extras` is the data that the model server needs back with them, `trace` are lines of the step's
    trace.
    """
    held = leases.lock(tx, hold)
    if held.run.status is RunStatus.CANCELLING:
        partial = PartialMessage(calls=calls, usage=usage, extras=extras, trace=trace)
        runs.signal(tx, held, Signal.STOP, now=hold.now, partial=partial)
        return
    _write_calls(tx, hold.run_id, calls, usage=usage, extras=extras, trace=trace)
    required = [
        RequiredToolCall(
            id=call.id,
            function=CalledFunction(name=call.function.name, arguments=call.function.arguments),
        )
        for call in calls
        if isinstance(call, FunctionToolCall)
    ]
    action = RequiredAction(submit_tool_outputs=RequiredToolCalls(tool_calls=required))
    runs.signal(tx, held, Signal.ASK, now=hold.now, required_action=action)


def keep_file(
    tx: Transaction,
    hold: HeldLease,
    calls: Sequence[ToolCall],
    file_id: str,
    name: str,
    blob: WrittenBlob,
    *,
    extras: Extras | None = None,
) -> None:
    """Creates a file that the run's code has left, and names it in the open step: `calls` name it
    already. So a worker that dies leaves no file that no step names.
    """
    held = leases.lock(tx, hold)
    files.create_output(tx, file_id, name, blob, project=held.project, now=hold.now)
    _write_calls(tx, hold.run_id, calls, usage=None, extras=extras)


def complete(
    tx: Transaction,
    hold: HeldLease,
    content: list[Part],
    *,
    usage: Usage,
    extras: Extras | None = None,
    withdrawn: bool = False,
    trace: str | None = None,
) -> None:
    """Completes the message, its step and the run. `extras` are stored beside the step; `trace` are
    lines of its trace. `withdrawn`: the message's deltas had text that it does not hold.
    """
    held = leases.lock(tx, hold)
    _complete_message(
        tx, hold, content, usage=usage, extras=extras, withdrawn=withdrawn, trace=trace
    )
    runs.signal(tx, held, Signal.COMPLETE, now=hold.now)


def truncate(
    tx: Transaction,
    hold: HeldLease,
    reason: IncompleteRun,
    *,
    partial: PartialMessage,
) -> None:
    """Ends the run at a token budget, with its text so far (spec 03 §7)."""
    held = leases.lock(tx, hold)
    if held.run.status is RunStatus.CANCELLING:
        runs.signal(tx, held, Signal.STOP, now=hold.now, partial=partial)
    else:
        runs.signal(
            tx, held, Signal.TRUNCATE, now=hold.now, partial=partial, incomplete_details=reason
        )


def fail(tx: Transaction, hold: HeldLease, error: LastError, *, partial: PartialMessage) -> None:
    """Ends the run with its error (spec 03 §8)."""
    held = leases.lock(tx, hold)
    runs.signal(tx, held, Signal.FAIL, now=hold.now, partial=partial, last_error=error)


def _write_calls(
    tx: Transaction,
    run_id: str,
    calls: Sequence[ToolCall],
    *,
    usage: Usage | None,
    extras: Extras | None,
    trace: str | None = None,
) -> None:
    opened = run_steps.open_of_run(tx, run_id)
    if opened is None:
        raise AssertionError(f"{run_id} has tool calls without an open step")
    step = replace(opened[0], step_details=ToolCalls(tool_calls=list(calls)))
    run_steps.update(tx, step, usage=usage, trace=trace)
    if extras is not None:
        run_steps.keep_extras(tx, step.id, extras)


def _complete_message(
    tx: Transaction,
    hold: HeldLease,
    content: list[Part],
    *,
    usage: Usage | None,
    extras: Extras | None,
    withdrawn: bool,
    trace: str | None = None,
) -> None:
    row = tx.one("messages.open_of_run", run_id=hold.run_id)
    opened = run_steps.open_of_run(tx, hold.run_id)
    if row is None or opened is None:
        raise AssertionError(f"{hold.run_id} has no open message to complete")
    message, (step, _) = decode(row["body"], Message), opened
    messages.signal(
        tx, message, Signal.COMPLETE, content=content, withdrawn=withdrawn, now=hold.now
    )
    if extras is not None:
        run_steps.keep_extras(tx, step.id, extras)
    run_steps.signal(tx, step, Signal.COMPLETE, usage=usage, trace=trace, now=hold.now)


def _close_abandoned(tx: Transaction, held: LockedRun, *, now: int) -> None:
    """Ends messages and steps that a dead worker left open and this one, with another answer,
    cannot use.
    """
    row = tx.one("messages.open_of_run", run_id=held.run.id)
    if row is not None:
        message = decode(row["body"], Message)
        messages.signal(tx, message, Signal.TRUNCATE, content=[], reason="run_failed", now=now)
    opened = run_steps.open_of_run(tx, held.run.id)
    if opened is not None:
        run_steps.signal(tx, opened[0], Signal.FAIL, usage=opened[1], error=_ABANDONED, now=now)
