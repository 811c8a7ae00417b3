"""Prints `docs/lifecycle.md` from the tables of `lifecycle.py`.

What the tables cannot say (who sends a signal, in a sentence) stands here, and printing fails
when a signal has no sentence.
"""

from collections.abc import Sequence

from perdure import lifecycle
from perdure.lifecycle import (
    ACTIVE,
    MESSAGE,
    PARTS_END,
    REFUSALS,
    RUN,
    STEP,
    TERMINAL,
    MessageStatus,
    Move,
    RunStatus,
    Signal,
    StepStatus,
)
from tests.docs.markdown import code, page, table
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
        "Runs, run steps and messages are small state machines. Their tables are code, and this\n"
        "page is printed from them. A status changes by a move of a table, in one transaction that\n"
        "writes the object and the event that tells it. What has no line there does not happen.",
        _runs(),
        _signals(),
        _parts(),
        _streams(),
    )


def _runs() -> str:
    return page(
        "## Runs",
        _diagram(RUN, RunStatus.QUEUED, TERMINAL),
        f"- Active: {_listed(ACTIVE)}.\n"
        "  A thread has one active run at most, and takes no messages while it has one.\n"
        f"- Terminal: {_listed(TERMINAL)}.\n"
        "  Nothing leaves a terminal status.",
        f"A new run is told twice with the same payload: {code(*lifecycle.RUN_CREATED)}.\n"
        "After that:",
        _moves(RUN),
        "`started_at` is set anew each time a worker takes the run, `expires_at` once, when it is\n"
        "created. A run that ends gets its `usage`, the sum over its steps.",
    )


def _signals() -> str:
    rows = [(code(signal), *SENDERS[signal]) for signal in Signal]
    refusals = [(code(signal), _quoted(text)) for signal, text in REFUSALS.items()]
    return page(
        "## Signals",
        table(("Signal", "Sent by", "Why"), rows),
        "A signal of a client that the table does not have is refused with status 400:",
        table(("Signal", "Message"), refusals),
        "A worker's signal that the table does not have is a fault in Perdure: it changes nothing\n"
        "and is logged. So is anything that a worker writes after it has lost its lease.",
    )


def _parts() -> str:
    rows = [
        (code(status), code(ends.message_reason), code(_step_end(ends.step_signal)))
        for status, ends in PARTS_END.items()
    ]
    return page(
        "## Run steps",
        f"A run step is told twice when it begins: {code(*lifecycle.STEP_CREATED)}.",
        _diagram(STEP, StepStatus.IN_PROGRESS, {move.target for move in STEP}),
        _moves(STEP),
        "## Messages",
        f"So is a message that a run writes: {code(*lifecycle.MESSAGE_CREATED)}.\n"
        "Messages that a client adds are complete from the start, and are not told.",
        _diagram(MESSAGE, MessageStatus.IN_PROGRESS, {move.target for move in MESSAGE}),
        _moves(MESSAGE),
        "## What is open when a run ends",
        "First the open message, then the open step, then the run, all in one transaction. The\n"
        "message keeps the text that its worker had (none, if the worker is dead) and says why\n"
        "there is no more. Where it was the model's content filter, it says `content_filter`.",
        table(("The run is", "Its message is incomplete, because of", "Its step is"), rows),
    )


def _streams() -> str:
    rows = [
        (code(event) if event != BEGIN else "*(the stream begins)*", code(*followers))
        for event, followers in FOLLOWERS.items()
    ]
    return page(
        "## The order of a stream",
        "A stream ends with `done` when the run does, and when it waits for tool outputs, which\n"
        "is after one of:",
        code(*sorted(filter(None, lifecycle.STREAM_ENDS))),
        table(("After", "comes one of"), rows),
        f"{code(ANYWHERE[0])} comes in between, wherever somebody cancels.\n"
        f"{code(ANYWHERE[1])} comes last, where the server must leave a run that goes on.\n"
        "A run that was resumed after a crash is told on where it stopped, after one more\n"
        "`thread.run.in_progress`. A run that is [told again](streaming.md) is told without the\n"
        "deltas of its calls, and goes on behind `thread.run.requires_action`.\n"
        "One message and one step are open at a time.",
    )


def _diagram(moves: Sequence[Move], first: str, last: frozenset[RunStatus] | set[str]) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {move.source} --> {move.target}: {move.signal}" for move in moves]
    lines += [f"    {end} --> [*]" for end in dict.fromkeys(m.target for m in moves) if end in last]
    return "\n".join(("```mermaid", *lines, "```"))


def _moves(moves: Sequence[Move]) -> str:
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
    move = lifecycle.step_move(StepStatus.IN_PROGRESS, signal)
    if move is None:
        raise AssertionError(f"no step ends by {signal}")
    return move.target


def _listed(chosen: frozenset[RunStatus]) -> str:
    return code(*(status for status in RunStatus if status in chosen))


def _quoted(refusal: str) -> str:
    return code(refusal.format(status="…"))
