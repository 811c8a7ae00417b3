"""Rules for runs. `signal` is the only function that changes a run's status.

Sources: spec 03 (life cycle), spec 05 §3.4 (error texts). The legal moves are `lifecycle.RUN`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids, lifecycle
from perdure.commands import events, messages, moves, run_steps
from perdure.commands.traces import MOST_CHARACTERS
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import RunStatus, Signal
from perdure.storage.database import Transaction
from perdure.webhooks import deliveries
from perdure.wire.base import decode, encode
from perdure.wire.chat import Extras
from perdure.wire.events import (
    NOTICES,
    Interrupted,
    OutputsTaken,
    Queued,
    RunEnded,
    RunsChanged,
    runs_topic,
)
from perdure.wire.messages import Message, Part
from perdure.wire.run_steps import (
    CreatedMessage,
    FunctionToolCall,
    MessageCreation,
    RunStep,
    ToolCall,
    ToolCalls,
)
from perdure.wire.runs import ModifyRun, Run, SubmitToolOutputs
from perdure.wire.usage import Usage, total

# The statuses in which a worker holds the run, and no other.
OWNED = (RunStatus.IN_PROGRESS, RunStatus.CANCELLING)


class Lease(NamedTuple):
    """A worker's right to write a run: it ends at `until`, and with a higher epoch."""

    owner: str
    epoch: int
    until: float


class LockedRun(NamedTuple):
    """A run, locked against other writers until the transaction ends. `key_id` is the API key that
    made it, if that is known; `queued_at` is when it was last put into the queue. `traceparent` is
    that of the request that made it, and `asked_at` the exact time of that; None in older rows.
    """

    run: Run
    project: str
    lease: Lease | None
    epoch: int
    key_id: str | None = None
    queued_at: float = 0.0
    traceparent: str | None = None
    asked_at: float | None = None

    @property
    def started_at(self) -> float:
        """When the run was asked for; of older runs in whole seconds."""
        return float(self.run.created_at) if self.asked_at is None else self.asked_at


class PartialMessage(NamedTuple):
    """The unfinished message and extras that a worker had when the run ended.

    `extras` are stored beside the step. `withdrawn`: deltas had text that is not in the content. A
    run that is not `is_answered` has only thought, and ends with an empty message. `trace` are
    lines of the trace of the step, or of the run where there is no step.
    """

    content: Sequence[Part] = ()
    calls: Sequence[ToolCall] = ()
    usage: Usage | None = None
    message_reason: str | None = None
    extras: Extras | None = None
    withdrawn: bool = False
    is_answered: bool = True
    trace: str | None = None


NOTHING = PartialMessage()


def lock(tx: Transaction, run_id: str) -> LockedRun | None:
    """Returns the run, locked against other writers; None if it does not exist (any more)."""
    row = tx.one("runs.lock", id=run_id)
    if row is None:
        return None
    lease = Lease(row["owner"], row["epoch"], row["lease_until"]) if row["owner"] else None
    run = decode(row["body"], Run)
    return LockedRun(
        run,
        row["project"],
        lease,
        row["epoch"],
        row["key_id"],
        row["queued_at"],
        row["traceparent"],
        row["asked_at"],
    )


def signal(
    tx: Transaction,
    held: LockedRun,
    signal: Signal,
    *,
    now: int,
    lease: Lease | None = None,
    partial: PartialMessage = NOTHING,
    trace: str | None = None,
    queued_at: float | None = None,
    **changes: object,
) -> LockedRun:
    """Moves a run by a line of the table and publishes its event.

    A run that ends closes its open message and step first, and gets its usage. `lease` is the one
    that a claim gives, `trace` lines to add to the run's trace; `queued_at` is the exact time of
    one that comes into the queue, by default `now`; `changes` are other fields of the run.

    Raises `BadRequest` with the API's text for a client's signal that the table does not have,
    `IllegalMove` for one of ours, `LeaseLost` when somebody else moved it.
    """
    was = held.run
    if signal in lifecycle.REFUSALS and not lifecycle.RUN.find(was.status, signal):
        raise _refused(was, signal)
    move = lifecycle.RUN.require(was.id, was.status, signal)
    target = RunStatus(move.target)
    if target in lifecycle.RUN_ENDS:
        left = _end_message_and_step(
            tx, held, target, partial, now=now, error=changes.get("last_error")
        )
        trace = _joined(left, trace)
    stamps: dict[str, object] = dict.fromkeys(move.clears)
    usages: list[Usage | None] = []
    if move.stamp:
        stamps[move.stamp] = now
    if target in lifecycle.TERMINAL:
        usages = [usage for _, usage in run_steps.of_run(tx, was.id)]
        stamps["usage"] = usage_of(usages, target)
    run = replace(was, status=target, **stamps, **changes)
    kept = (lease or held.lease) if target in OWNED else None
    data = encode(run)
    moves.write(
        tx,
        "runs.move",
        f"run {run.id}",
        was=was.status,
        id=run.id,
        was_epoch=held.epoch,
        status=target,
        body=data.decode(),
        expires_at=run.expires_at,
        ended_at=now if target in lifecycle.TERMINAL else None,
        owner=kept.owner if kept else None,
        epoch=lease.epoch if lease else held.epoch,
        lease_until=kept.until if kept else None,
        queued_at=(queued_at or float(now)) if target is RunStatus.QUEUED else None,
        error_code=run.last_error.code if run.last_error else None,
        trace=trace,
        most_trace=MOST_CHARACTERS,
    )
    if move.event:
        events.append(tx, run.id, [(move.event, data)], now=now)
        if move.event in lifecycle.STREAM_ENDS:
            deliveries.enqueue(tx, run.id, move.event, data, project=held.project, now=now)
        tx.publish(runs_topic(held.project), RunsChanged())
    if target is RunStatus.QUEUED:
        tx.publish(run.id, Queued())
    if target in lifecycle.TERMINAL:
        epoch = lease.epoch if lease else held.epoch
        ended = RunEnded(run, held.project, epoch, len(usages), held.traceparent, held.started_at)
        tx.publish(NOTICES, ended)
    return held._replace(run=run, lease=kept, epoch=lease.epoch if lease else held.epoch)


def begin_message(tx: Transaction, held: LockedRun, *, now: int) -> str:
    """Opens a message of the run, with its step. Returns its id."""
    message_id = ids.new(ids.MESSAGE)
    details = MessageCreation(message_creation=CreatedMessage(message_id=message_id))
    run_steps.create(tx, held.run, details, project=held.project, now=now)
    messages.open_by_run(tx, held.run, message_id, project=held.project, now=now)
    return message_id


def get(tx: Transaction, run_id: str, *, thread_id: str, project: str) -> Run:
    """Returns the run. Raises `NotFound`."""
    row = tx.one("runs.get", id=run_id, parent=thread_id, project=project)
    if row is None:
        raise NotFound(f"No run found with id '{run_id}'.")
    return decode(row["body"], Run)


def find(tx: Transaction, run_id: str, *, project: str) -> Run:
    """Returns a run of the project, whatever its thread. Raises `NotFound`."""
    row = tx.one("runs.find", id=run_id, project=project)
    if row is None:
        raise NotFound(f"No run found with id '{run_id}'.")
    return decode(row["body"], Run)


def count_queued(tx: Transaction, *, most: int) -> int:
    """Returns the number of runs that wait for a worker; no more than `most` are counted."""
    row = tx.one("runs.queue_length", limit=most)
    return int(row["waiting"]) if row else 0


def modify(
    tx: Transaction, run_id: str, body: ModifyRun, *, thread_id: str, project: str, now: int
) -> Run:
    """Replaces the metadata of a run that has ended (spec 03 §11)."""
    run = _locked(tx, run_id, thread_id=thread_id, project=project, now=now).run
    if run.status in lifecycle.ACTIVE:
        raise _refused(run, Signal.MODIFY)
    if body.metadata is not UNSET:
        run = replace(run, metadata=body.metadata or {})
        tx.run("runs.update", id=run.id, project=project, body=encode(run).decode())
    return run


def cancel(tx: Transaction, run_id: str, *, thread_id: str, project: str, now: int) -> Run:
    """Requests the run's end; the answer is `cancelling` in every state (spec 03 §6).

    A run that a worker holds is stopped by it; any other is `cancelled` at once.
    """
    held = _locked(tx, run_id, thread_id=thread_id, project=project, now=now)
    return stop(tx, held, now=now)


def stop(tx: Transaction, held: LockedRun, *, now: int) -> Run:
    """Cancels a run, as `cancel` does."""
    held = signal(tx, held, Signal.CANCEL, now=now)
    if held.lease:
        tx.publish(held.run.id, Interrupted())
    else:
        signal(tx, held, Signal.STOP, now=now)
    return held.run


def submit(
    tx: Transaction,
    run_id: str,
    body: SubmitToolOutputs,
    *,
    thread_id: str,
    project: str,
    now: int,
    queued_at: float | None = None,
) -> Run:
    """Takes all outputs that the run waits for, ends its tool step and queues it (spec 03 §5)."""
    held = _locked(tx, run_id, thread_id=thread_id, project=project, now=now)
    if held.run.required_action is None:
        raise _refused(held.run, Signal.SUBMIT)
    outputs = _matched(held.run, body)
    opened = run_steps.open_of_run(tx, run_id)
    if opened is None:
        raise AssertionError(f"{run_id} requires action without an open step")
    step, usage = opened
    run_steps.signal(tx, _filled(step, outputs), Signal.COMPLETE, usage=usage, now=now)
    tx.publish(NOTICES, OutputsTaken(now - step.created_at))
    return signal(tx, held, Signal.SUBMIT, now=now, queued_at=queued_at).run


def expire(tx: Transaction, run_id: str, *, now: int) -> bool:
    """Ends a run that is past its time, if no living worker holds it. Returns True if it did.

    A worker that holds the run is interrupted, so that it can keep the text so far.
    """
    held = lock(tx, run_id)
    if held is None or not is_due(held.run, now=now):
        return False
    if held.lease and held.lease.until > now:
        tx.publish(run_id, Interrupted())
        return False
    signal(tx, held, Signal.EXPIRE, now=now)
    return True


def is_due(run: Run, *, now: int) -> bool:
    """Returns True if the run is active and past its time (spec 03 §9)."""
    return run.status in lifecycle.ACTIVE and run.expires_at is not None and run.expires_at <= now


def require_idle(tx: Transaction, thread_id: str, *, now: int, refusal: str) -> None:
    """Raises `BadRequest` while a run is active on the thread (spec 03 §11).

    `refusal` is the API's text with `{run}` for the run's id.
    """
    row = tx.one("runs.active_of_thread", thread_id=thread_id)
    if row is None:
        return
    if row["expires_at"] <= now and expire(tx, row["id"], now=now):
        return
    raise BadRequest(refusal.format(run=row["id"]))


def usage_of(usages: Iterable[Usage | None], status: RunStatus) -> Usage | None:
    """Returns the usage of a run that ends with this status: the sum over its steps (spec 03 §10).

    It is null where nothing is known of a run that did not answer.
    """
    known = [usage for usage in usages if usage]
    if not known and status not in (RunStatus.COMPLETED, RunStatus.INCOMPLETE):
        return None
    return total(known)


def _locked(tx: Transaction, run_id: str, *, thread_id: str, project: str, now: int) -> LockedRun:
    """Returns the run of this thread and project, expired first if its time is past."""
    if tx.one("runs.get", id=run_id, parent=thread_id, project=project) is not None:
        expire(tx, run_id, now=now)
    held = lock(tx, run_id)
    if held is None or held.project != project or held.run.thread_id != thread_id:
        raise NotFound(f"No run found with id '{run_id}'.")
    return held


def _refused(run: Run, signal: Signal) -> BadRequest:
    """Returns the client's error for a signal that its run does not take now."""
    return BadRequest(lifecycle.REFUSALS[signal].format(status=run.status))


def _end_message_and_step(
    tx: Transaction,
    held: LockedRun,
    target: RunStatus,
    partial: PartialMessage,
    *,
    now: int,
    error: object,
) -> str | None:
    """Closes the open message and step, in this order (spec 04 §3.5-3.8). Returns the lines of the
    trace that there is no step for.
    """
    ends = lifecycle.RUN_ENDS[target]
    if not partial.is_answered and run_steps.open_of_run(tx, held.run.id) is None:
        begin_message(tx, held, now=now)
    row = tx.one("messages.open_of_run", run_id=held.run.id)
    if row is not None:
        messages.signal(
            tx,
            decode(row["body"], Message),
            Signal.TRUNCATE,
            content=list(partial.content),
            reason=partial.message_reason or ends.message_reason,
            withdrawn=partial.withdrawn,
            now=now,
        )
    opened = run_steps.open_of_run(tx, held.run.id)
    if opened is None:
        return partial.trace
    step, usage = opened
    if partial.calls:
        step = replace(step, step_details=ToolCalls(tool_calls=list(partial.calls)))
    if partial.extras is not None:
        run_steps.keep_extras(tx, step.id, partial.extras)
    run_steps.signal(
        tx,
        step,
        ends.step_signal,
        usage=partial.usage or usage,
        error=error,  # type: ignore[arg-type]
        trace=partial.trace,
        now=now,
    )
    return None


def _joined(first: str | None, second: str | None) -> str | None:
    """Returns the lines of both."""
    return (first or "") + (second or "") or None


def _matched(run: Run, body: SubmitToolOutputs) -> dict[str, str]:
    """Returns the outputs by call id. Raises `BadRequest` unless they are exactly those
    expected.
    """
    assert run.required_action is not None  # noqa: S101
    expected = [call.id for call in run.required_action.submit_tool_outputs.tool_calls]
    got = [output.tool_call_id for output in body.tool_outputs]
    if sorted(expected) != sorted(got):
        raise BadRequest(f"Expected tool outputs for call_ids {expected}, got {got}")
    return {output.tool_call_id: output.output or "" for output in body.tool_outputs}


def _filled(step: RunStep, outputs: dict[str, str]) -> RunStep:
    """Returns the tool step with the outputs in their calls."""
    assert isinstance(step.step_details, ToolCalls)  # noqa: S101
    calls: list[ToolCall] = [
        replace(call, function=replace(call.function, output=outputs[call.id]))
        if isinstance(call, FunctionToolCall)
        else call
        for call in step.step_details.tool_calls
    ]
    return replace(step, step_details=ToolCalls(tool_calls=calls))
