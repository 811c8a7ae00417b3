"""Prints `docs/lifecycle.md` from the tables of `lifecycle.py`.

What the tables cannot say (who sends a signal, in a sentence) stands here, and printing fails
when a signal has no sentence.
"""

from collections.abc import Iterable

from perdure import lifecycle
from perdure.lifecycle import (
    ACTIVE,
    MESSAGE,
    REFUSALS,
    RUN,
    RUN_ENDS,
    STEP,
    TERMINAL,
    UPLOAD,
    VECTOR_STORE_FILE,
    MessageStatus,
    Move,
    RunStatus,
    Signal,
    StepStatus,
    UploadStatus,
    VectorStoreFileStatus,
)
from tests.docs.markdown import code, item, page, prose, table
from tests.docs.stream_order import ANYWHERE, BEGIN, FOLLOWERS

DOCUMENT = "docs/lifecycle.md"

SENDERS = {
    Signal.CLAIM: ("a worker", "It takes the run from the queue, with a lease."),
    Signal.ASK: ("its worker", "The model called functions that the client has to answer."),
    Signal.SUBMIT: ("the client", "It submitted the outputs of all calls."),
    Signal.COMPLETE: ("its worker", "The model has answered and asks for nothing."),
    Signal.TRUNCATE: ("its worker", "A token budget, or the length that the model allows itself."),
    Signal.FAIL: ("its worker", "The model server failed, or the answer could not be used."),
    Signal.CANCEL: ("the client", "It cancelled the run, or deleted its thread."),
    Signal.STOP: (
        "its worker, or the server where no worker holds the run",
        "A run that is being cancelled is not worked on any more.",
    ),
    Signal.EXPIRE: (
        "its worker, a background loop, or the request that noticed",
        "`expires_at` has come.",
    ),
    Signal.RELEASE: (
        "its worker at shutdown, or a background loop when the lease has run out",
        "Nobody works on the run; the next worker takes it up after its last completed step.",
    ),
    Signal.RETRY: ("the client", "It added a file again that had failed or was cancelled."),
    Signal.REREAD: ("the client", "It asked for a file to be read again that had been read."),
    Signal.RESTORE: (
        "its worker",
        "A file could not be read again, or that was cancelled: it keeps the text that it had.",
    ),
    Signal.MODIFY: (
        "the client",
        "It changes the metadata. No move: legal once the run has ended.",
    ),
}


def text() -> str:
    """The whole document."""
    return page(
        "# The life of a run",
        "<!-- Printed from src/perdure/lifecycle.py by `python -m tests.docs.generate`. -->",
        prose("""
            Runs, run steps and messages are small state machines. Their tables are code, and this
            page is printed from them. A status changes by a move of a table, in one transaction
            that writes the object, the event that tells it, and the deliveries for
            [webhooks](webhooks.md). What has no line in a table does not happen."""),
        _runs(),
        _signals(),
        _parts(),
        _streams(),
        _uploads(),
        _vector_store_files(),
    )


def _runs() -> str:
    return page(
        "## Runs",
        _diagram(RUN, RunStatus.QUEUED, TERMINAL),
        item(f"""
            Active: {_listed(ACTIVE)}. A thread has one active run at most, and takes no messages
            while it has one.""")
        + "\n"
        + item(f"Terminal: {_listed(TERMINAL)}. Nothing leaves a terminal status."),
        prose(f"""
            A new run is told twice, with the same payload: {code(*lifecycle.RUN_CREATED)}. After
            that:"""),
        _moves(RUN),
        prose("""
            `started_at` is set anew each time a worker takes the run, `expires_at` once, when it
            is created. A run that ends gets its `usage`, the sum over its steps."""),
    )


def _signals() -> str:
    return page(
        "## Signals",
        table(
            ("Signal", "Sent by", "Why"), [(code(signal), *SENDERS[signal]) for signal in Signal]
        ),
        "A client's signal for which the table has no line is refused with status 400:",
        table(
            ("Signal", "Message"),
            [(code(signal), code(text.format(status="…"))) for signal, text in REFUSALS.items()],
        ),
        prose("""
            A worker's signal without a line is a fault in Perdure: it changes nothing and is
            logged. Nor does anything change that a worker writes after it has lost its lease."""),
    )


def _parts() -> str:
    ends = [
        (code(status), code(end.message_reason), code(_step_end(end.step_signal)))
        for status, end in RUN_ENDS.items()
    ]
    return page(
        "## Run steps",
        prose(f"A run step is told twice when it begins: {code(*lifecycle.STEP_CREATED)}."),
        _diagram(STEP, StepStatus.IN_PROGRESS, {move.target for move in STEP}),
        _moves(STEP),
        "## Messages",
        prose(f"""
            So is a message that a run writes: {code(*lifecycle.MESSAGE_CREATED)}. Messages that a
            client adds are complete from the start, and are not told."""),
        _diagram(MESSAGE, MessageStatus.IN_PROGRESS, {move.target for move in MESSAGE}),
        _moves(MESSAGE),
        "## What is open when a run ends",
        prose("""
            First the open message, then the open step, then the run, all in one transaction. The
            message keeps the text that its worker had (none, if the worker is dead) and says why
            there is no more. Where it was the model's content filter, it says
            `content_filter`."""),
        table(("The run is", "Its message is incomplete, because of", "Its step is"), ends),
    )


def _uploads() -> str:
    return page(
        "## Uploads",
        prose("""
            An upload in parts belongs to no run and is told to nobody. When it is completed, its
            parts become a file; however else it ends, they are deleted."""),
        _diagram(UPLOAD, UploadStatus.PENDING, {move.target for move in UPLOAD}),
        _moves(UPLOAD),
    )


def _vector_store_files() -> str:
    return page(
        "## Files of vector stores",
        prose("""
            A file that is put into a vector store is read by a worker, under a lease like that of a
            run. Searches find it once it is completed. A file that leaves its store is in no status
            any more."""),
        _diagram(VECTOR_STORE_FILE, VectorStoreFileStatus.IN_PROGRESS, set()),
        _moves(VECTOR_STORE_FILE),
    )


def _streams() -> str:
    followers = [
        (code(event) if event != BEGIN else "(the stream begins)", code(*then))
        for event, then in FOLLOWERS.items()
    ]
    ends = code(*sorted(filter(None, lifecycle.STREAM_ENDS)))
    return page(
        "## The order of a stream",
        prose(f"""
            A stream ends with `done` when the run has ended, and when it waits for tool outputs:
            that is after one of {ends}."""),
        table(("After", "comes one of"), followers),
        prose(f"""
            {code(ANYWHERE[0])} comes in between, wherever somebody cancels. {code(ANYWHERE[1])}
            comes last, where the server must leave a run that goes on. A run that was resumed
            after a crash is told on where it stopped, after one more `thread.run.in_progress`. A
            run that is [told again](streaming.md) is told without the deltas of its calls, and
            goes on behind `thread.run.requires_action`. One message and one step are open at a
            time."""),
    )


def _diagram(moves: Iterable[Move], first: str, last: frozenset[RunStatus] | set[str]) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {move.source} --> {move.target}: {move.signal}" for move in moves]
    lines += [f"    {end} --> [*]" for end in dict.fromkeys(m.target for m in moves) if end in last]
    return "\n".join(("```mermaid", *lines, "```"))


def _moves(moves: Iterable[Move]) -> str:
    rows = [
        (
            code(move.source),
            code(move.signal),
            code(move.target),
            code(move.event) or "not told",
            code(move.stamp),
            code(*move.clears),
        )
        for move in moves
    ]
    return table(("From", "Signal", "To", "Event", "Set to now", "Set to null"), rows)


def _step_end(signal: Signal) -> str:
    move = lifecycle.STEP.find(StepStatus.IN_PROGRESS, signal)
    if move is None:
        raise AssertionError(f"no step ends by {signal}")
    return move.target


def _listed(chosen: frozenset[RunStatus]) -> str:
    return code(*(status for status in RunStatus if status in chosen))
