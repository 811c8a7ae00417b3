"""The tables of the state machines: run, run step, message, upload, vector store file.

They are the only source of every status, every legal move, the timestamps that it sets, the stream
events that publish it and the errors for illegal signals. `docs/lifecycle.md` is printed from these
tables. Sources: spec 03 §1-2 (runs), spec 03 §14 (messages), spec 01 §7 (steps), spec 01 §13
(uploads), spec 06 §1.5 (vector store files).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from perdure.errors import IllegalMove


class RunStatus(StrEnum):
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    REQUIRES_ACTION = "requires_action"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    EXPIRED = "expired"


class StepStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    EXPIRED = "expired"


class MessageStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"


class VectorStoreFileStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class UploadStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Signal(StrEnum):
    """A signal to an object; with the object's status it selects a move."""

    CLAIM = "claim"
    ASK = "ask"
    SUBMIT = "submit"
    COMPLETE = "complete"
    TRUNCATE = "truncate"
    FAIL = "fail"
    CANCEL = "cancel"
    STOP = "stop"
    EXPIRE = "expire"
    RELEASE = "release"
    MODIFY = "modify"
    RETRY = "retry"
    REREAD = "reread"
    RESTORE = "restore"


class Move(NamedTuple):
    """A legal line of a table.

    `stamp` names the timestamp field that is set to now, `clears` the fields that become null,
    `event` the stream event that publishes the move (none: it is not published).
    """

    source: str
    signal: Signal
    target: str
    event: str | None
    stamp: str | None = None
    clears: tuple[str, ...] = ()


class Table:
    """The legal moves of one kind of object, in the order in which the document prints them."""

    def __init__(self, noun: str, *moves: Move) -> None:
        self._noun = noun
        self._moves = moves
        self._by_status = {(move.source, move.signal): move for move in moves}

    def __iter__(self) -> Iterator[Move]:
        return iter(self._moves)

    def find(self, status: str, signal: Signal) -> Move | None:
        """Returns the move, or None where the table has no such line."""
        return self._by_status.get((status, signal))

    def require(self, object_id: str, status: str, signal: Signal) -> Move:
        """Returns the object's move. Raises `IllegalMove` where the table has no such line."""
        move = self.find(status, signal)
        if move is None:
            raise IllegalMove(f"{self._noun} {object_id} is {status}: no {signal}")
        return move


_Q, _P, _A, _C = (
    RunStatus.QUEUED,
    RunStatus.IN_PROGRESS,
    RunStatus.REQUIRES_ACTION,
    RunStatus.CANCELLING,
)
_END = ("expires_at", "required_action")

# Two events with the same payload publish a new run (spec 04 §3.1).
RUN_CREATED = ("thread.run.created", "thread.run.queued")

RUN = Table(
    "run",
    # a worker takes it; started_at is new each time, expires_at stays (spec 03 §2, rows 2 and 5)
    Move(_Q, Signal.CLAIM, _P, "thread.run.in_progress", "started_at"),
    # no worker holds it, so CANCEL is followed by STOP at once
    Move(_Q, Signal.CANCEL, _C, "thread.run.cancelling"),
    Move(_Q, Signal.EXPIRE, RunStatus.EXPIRED, "thread.run.expired", None, ("required_action",)),
    # the model called a client function
    Move(_P, Signal.ASK, _A, "thread.run.requires_action"),
    Move(_P, Signal.COMPLETE, RunStatus.COMPLETED, "thread.run.completed", "completed_at", _END),
    # a token budget was reached; completed_at is set here too (recorded)
    Move(_P, Signal.TRUNCATE, RunStatus.INCOMPLETE, "thread.run.incomplete", "completed_at", _END),
    Move(_P, Signal.FAIL, RunStatus.FAILED, "thread.run.failed", "failed_at", _END),
    Move(_P, Signal.CANCEL, _C, "thread.run.cancelling"),
    Move(_P, Signal.EXPIRE, RunStatus.EXPIRED, "thread.run.expired", None, ("required_action",)),
    # shutdown, or the lease ran out: no second queued event is published
    Move(_P, Signal.RELEASE, _Q, None),
    Move(_A, Signal.SUBMIT, _Q, "thread.run.queued", None, ("required_action",)),
    Move(_A, Signal.CANCEL, _C, "thread.run.cancelling", None, ("required_action",)),
    Move(_A, Signal.EXPIRE, RunStatus.EXPIRED, "thread.run.expired", None, ("required_action",)),
    # the worker has stopped
    Move(_C, Signal.STOP, RunStatus.CANCELLED, "thread.run.cancelled", "cancelled_at", _END),
    # the work ended before the cancel took effect (spec 03 §2, row 13)
    Move(_C, Signal.COMPLETE, RunStatus.COMPLETED, "thread.run.completed", "completed_at", _END),
    Move(_C, Signal.FAIL, RunStatus.FAILED, "thread.run.failed", "failed_at", _END),
    Move(_C, Signal.EXPIRE, RunStatus.CANCELLED, "thread.run.cancelled", "cancelled_at", _END),
)

STEP_CREATED = ("thread.run.step.created", "thread.run.step.in_progress")

STEP = Table(
    "run step",
    Move(
        StepStatus.IN_PROGRESS,
        Signal.COMPLETE,
        StepStatus.COMPLETED,
        "thread.run.step.completed",
        "completed_at",
    ),
    Move(
        StepStatus.IN_PROGRESS,
        Signal.FAIL,
        StepStatus.FAILED,
        "thread.run.step.failed",
        "failed_at",
    ),
    Move(
        StepStatus.IN_PROGRESS,
        Signal.CANCEL,
        StepStatus.CANCELLED,
        "thread.run.step.cancelled",
        "cancelled_at",
    ),
    Move(
        StepStatus.IN_PROGRESS,
        Signal.EXPIRE,
        StepStatus.EXPIRED,
        "thread.run.step.expired",
        "expired_at",
    ),
)

MESSAGE_CREATED = ("thread.message.created", "thread.message.in_progress")

MESSAGE = Table(
    "message",
    Move(
        MessageStatus.IN_PROGRESS,
        Signal.COMPLETE,
        MessageStatus.COMPLETED,
        "thread.message.completed",
        "completed_at",
    ),
    Move(
        MessageStatus.IN_PROGRESS,
        Signal.TRUNCATE,
        MessageStatus.INCOMPLETE,
        "thread.message.incomplete",
        "incomplete_at",
    ),
)

# These moves have no stream events. A file that failed or was cancelled begins anew when it is
# added again, one that was completed only when that is asked for.
VECTOR_STORE_FILE = Table(
    "vector store file",
    Move(VectorStoreFileStatus.IN_PROGRESS, Signal.COMPLETE, VectorStoreFileStatus.COMPLETED, None),
    Move(VectorStoreFileStatus.IN_PROGRESS, Signal.FAIL, VectorStoreFileStatus.FAILED, None),
    Move(VectorStoreFileStatus.IN_PROGRESS, Signal.CANCEL, VectorStoreFileStatus.CANCELLED, None),
    Move(VectorStoreFileStatus.IN_PROGRESS, Signal.RESTORE, VectorStoreFileStatus.COMPLETED, None),
    Move(VectorStoreFileStatus.FAILED, Signal.RETRY, VectorStoreFileStatus.IN_PROGRESS, None),
    Move(VectorStoreFileStatus.CANCELLED, Signal.RETRY, VectorStoreFileStatus.IN_PROGRESS, None),
    Move(VectorStoreFileStatus.COMPLETED, Signal.REREAD, VectorStoreFileStatus.IN_PROGRESS, None),
)

# An upload has no stream events; it leaves its one open status once.
UPLOAD = Table(
    "upload",
    Move(UploadStatus.PENDING, Signal.COMPLETE, UploadStatus.COMPLETED, None),
    Move(UploadStatus.PENDING, Signal.CANCEL, UploadStatus.CANCELLED, None),
    Move(UploadStatus.PENDING, Signal.EXPIRE, UploadStatus.EXPIRED, None),
)

# The deltas, and the events that are not moves of a table. With the tables above: all 25.
THREAD_CREATED = "thread.created"
# One of these is the first event of a run's log.
LOG_BEGINS = (THREAD_CREATED, RUN_CREATED[0])
MESSAGE_DELTA = "thread.message.delta"
STEP_DELTA = "thread.run.step.delta"
ERROR = "error"
DONE = "done"

# In the log before the end of a message that does not hold all published text. No client receives
# it: it ends the deltas for subscribers that have some of that text (docs/streaming.md).
WITHDRAWN = "text.withdrawn"

STREAM_EVENTS = (
    THREAD_CREATED,
    *RUN_CREATED,
    *dict.fromkeys(move.event for move in RUN if move.event not in (None, *RUN_CREATED)),
    *STEP_CREATED,
    STEP_DELTA,
    *(move.event for move in STEP),
    *MESSAGE_CREATED,
    MESSAGE_DELTA,
    *(move.event for move in MESSAGE),
    ERROR,
    DONE,
)


class RunEnd(NamedTuple):
    """The end of a run's open message and open step when the run itself ends."""

    message_reason: str
    step_signal: Signal


# Keyed by the run's final status (spec 03 §6-9, §14).
RUN_ENDS = {
    RunStatus.CANCELLED: RunEnd("run_cancelled", Signal.CANCEL),
    RunStatus.FAILED: RunEnd("run_failed", Signal.FAIL),
    RunStatus.EXPIRED: RunEnd("run_expired", Signal.EXPIRE),
    # a budget stop leaves the step completed (recorded, spec 03 §7)
    RunStatus.INCOMPLETE: RunEnd("max_tokens", Signal.COMPLETE),
}

# Active statuses hold the thread lock (spec 03 §11).
ACTIVE = frozenset({_Q, _P, _A, _C})
TERMINAL = frozenset(RunStatus) - ACTIVE

# After one of these events a stream has no more events: `done` follows (spec 04 §3).
STREAM_ENDS = frozenset(move.event for move in RUN if move.target in TERMINAL or move.target == _A)

# What a client reads when its request meets the wrong status (spec 05 §3.4).
REFUSALS = {
    Signal.CANCEL: "Cannot cancel run with status '{status}'.",
    Signal.SUBMIT: 'Runs in status "{status}" do not accept tool outputs.',
    Signal.MODIFY: "Cannot update run with status '{status}'.",
}

# The same for uploads. The live service's texts are not known; these follow its runs' (spec 05
# §3.5). MODIFY: a part is added.
UPLOAD_REFUSALS = {
    Signal.COMPLETE: "Cannot complete upload with status '{status}'.",
    Signal.CANCEL: "Cannot cancel upload with status '{status}'.",
    Signal.MODIFY: "Cannot add parts to upload with status '{status}'.",
}
