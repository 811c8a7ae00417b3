"""Rules for run steps: the checkpoints of a run (spec 01 §7, 03 §4 and §10)."""

from msgspec.structs import replace

from perdure import ids, lifecycle
from perdure.commands import events, moves
from perdure.commands.traces import MOST_CHARACTERS
from perdure.errors import NotFound
from perdure.lifecycle import Signal, StepStatus
from perdure.storage.database import Transaction
from perdure.wire.base import decode, encode
from perdure.wire.chat import Extras
from perdure.wire.run_steps import MessageCreation, RunStep, StepDetails, StepError
from perdure.wire.runs import LastError, Run
from perdure.wire.usage import Usage


def create(tx: Transaction, run: Run, details: StepDetails, *, project: str, now: int) -> RunStep:
    """Opens a step. Two events with the same payload publish it (spec 04 §3.1)."""
    step = RunStep(
        id=ids.new(ids.STEP),
        created_at=now,
        run_id=run.id,
        assistant_id=run.assistant_id,
        thread_id=run.thread_id,
        type="message_creation" if isinstance(details, MessageCreation) else "tool_calls",
        expires_at=run.expires_at,
        step_details=details,
    )
    data = encode(step)
    tx.run(
        "run_steps.insert",
        id=step.id,
        project=project,
        thread_id=run.thread_id,
        run_id=run.id,
        status=step.status,
        body=data.decode(),
    )
    events.append(tx, run.id, [(name, data) for name in lifecycle.STEP_CREATED], now=now)
    return step


def update(
    tx: Transaction, step: RunStep, *, usage: Usage | None, trace: str | None = None
) -> None:
    """Writes the details of an open step, and stores the usage that it will show at its end.
    `trace` are lines to add to its trace.
    """
    tx.run(
        "run_steps.update",
        id=step.id,
        body=encode(step).decode(),
        usage=encode(usage).decode() if usage else None,
        trace=trace,
        most_trace=MOST_CHARACTERS,
    )


def keep_extras(tx: Transaction, step_id: str, extras: Extras | None) -> None:
    """Stores the data that the model server needs back with the calls of a step; None removes
    it.
    """
    tx.run(
        "run_steps.keep_extras",
        id=step_id,
        extras=encode(extras).decode() if extras is not None else None,
    )


def extras_of_run(tx: Transaction, run_id: str) -> dict[str, Extras]:
    """Returns the data that the model server needs back with the calls of the run's steps, by the
    step's id.
    """
    rows = tx.all("run_steps.extras_of_run", run_id=run_id)
    return {row["id"]: decode(row["extras"], Extras) for row in rows}


def signal(
    tx: Transaction,
    step: RunStep,
    signal: Signal,
    *,
    usage: Usage | None,
    now: int,
    error: LastError | None = None,
    trace: str | None = None,
) -> RunStep:
    """Ends a step and publishes its event. `trace` are lines to add to its trace."""
    move = lifecycle.STEP.require(step.id, step.status, signal)
    ended = replace(
        step,
        status=StepStatus(move.target),
        expires_at=None,
        usage=usage,
        last_error=_step_error(error),
        **{str(move.stamp): now},
    )
    data = encode(ended)
    moves.write(
        tx,
        "run_steps.move",
        f"run step {step.id}",
        was=step.status,
        id=step.id,
        status=ended.status,
        body=data.decode(),
        usage=encode(usage).decode() if usage else None,
        trace=trace,
        most_trace=MOST_CHARACTERS,
    )
    events.append(tx, step.run_id, [(str(move.event), data)], now=now)
    return ended


def open_of_run(tx: Transaction, run_id: str) -> tuple[RunStep, Usage | None] | None:
    """Returns the open step with the usage stored so far, if the run has one."""
    row = tx.one("run_steps.open_of_run", run_id=run_id)
    if row is None:
        return None
    return decode(row["body"], RunStep), decode(row["usage"], Usage) if row["usage"] else None


def of_run(tx: Transaction, run_id: str) -> list[tuple[RunStep, Usage | None]]:
    """Returns all steps with their usage, oldest first."""
    return [
        (decode(row["body"], RunStep), decode(row["usage"], Usage) if row["usage"] else None)
        for row in tx.all("run_steps.of_run", run_id=run_id)
    ]


def get(tx: Transaction, step_id: str, *, run_id: str, project: str) -> str:
    """Returns the step's JSON. Raises `NotFound` (spec 05 §3.2)."""
    row = tx.one("run_steps.get", id=step_id, parent=run_id, project=project)
    if row is None:
        raise NotFound(f"No run step found with id '{step_id}'.")
    return str(row["body"])


def _step_error(error: LastError | None) -> StepError | None:
    # A step knows two codes only (spec 01 §7); an invalid prompt is the server's to explain.
    if error is None:
        return None
    code = error.code if error.code == "rate_limit_exceeded" else "server_error"
    return StepError(code=code, message=error.message)
