"""Traces as they are shown: the stored lines in order, with what is known of them now."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import traces
from perdure.commands.traces import StoredTrace, TracedStep
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.messages import Message, text
from perdure.wire.run_steps import ToolCalls, functions
from perdure.wire.runs import Run
from perdure.wire.traces import (
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

# Messages that a request left out and that are named.
_MOST_LEFT_OUT = 20
_MOST_READ = 4000


class ShownTrace(NamedTuple):
    """A trace, and the run that it is of."""

    run: Run
    trace: Trace


def show(tx: Transaction, run_id: str, *, thread_id: str, project: str) -> ShownTrace:
    """Returns the trace of a run of this thread and project, without requests. Raises
    `NotFound`.
    """
    stored = traces.read(tx, run_id, thread_id=thread_id, project=project)
    entries = sorted([*stored.entries, *_of_steps(stored.steps)], key=_begins_at)
    run = stored.run
    trace = Trace(
        run_id=run.id,
        thread_id=run.thread_id,
        status=run.status,
        created_at=run.created_at,
        started_at=run.started_at,
        is_kept=stored.is_kept,
        is_whole=stored.is_whole,
        entries=list(_completed(tx, stored, entries, project=project)),
    )
    return ShownTrace(run, trace)


def _of_steps(steps: Iterable[TracedStep]) -> Iterator[TraceEntry]:
    for traced in steps:
        calls = [each for each in traced.entries if isinstance(each, TracedCall)]
        for entry in traced.entries:
            if isinstance(entry, TracedToolWork):
                yield replace(entry, step_id=traced.step.id)
            elif isinstance(entry, TracedCall):
                # The step has the usage of the last of them; those before were refused.
                usage = traced.usage if entry is calls[-1] else entry.usage
                yield replace(entry, step_id=traced.step.id, usage=usage)
        yield from _wait(traced)


def _wait(traced: TracedStep) -> Iterator[TracedWait]:
    """The wait for the outputs of the client; it begins when the last that led to it has ended."""
    step, details = traced.step, traced.step.step_details
    work = [each for each in traced.entries if isinstance(each, TracedCall | TracedToolWork)]
    ends = [each.ended_at for each in work]
    if not ends or not isinstance(details, ToolCalls) or not functions(details):
        return
    yield TracedWait(
        step_id=step.id,
        call_ids=[call.id for call in functions(details)],
        asked_at=max(ends),
        submitted_at=step.completed_at,
    )


def _begins_at(entry: TraceEntry) -> float:
    match entry:
        case TracedClaim():
            return entry.claimed_at
        case TracedRelease():
            return entry.at
        case TracedWait():
            return entry.asked_at
        case _:
            return entry.started_at


def _completed(
    tx: Transaction, stored: StoredTrace, entries: Iterable[TraceEntry], *, project: str
) -> Iterator[TraceEntry]:
    """The entries with what is worked out of the rows: the numbers and the steps of calls, and what
    was left out of their requests.
    """
    completed = [each.step.id for each in stored.steps if each.step.status == "completed"]
    left_out: dict[tuple[str, ...], _Unsent] = {}
    number = 0
    for entry in entries:
        if not isinstance(entry, TracedCall):
            yield entry
            continue
        number += 1
        recipe = entry.recipe
        if recipe is not None:
            key = tuple(recipe.message_ids)
            if key not in left_out:
                left_out[key] = _unsent(tx, stored.run, key, project=project)
            recipe = replace(
                recipe,
                step_ids=completed[: recipe.step_count],
                left_out=left_out[key].reasons(recipe, stored.run),
                has_left_out_more=left_out[key].has_more,
            )
        step_id = entry.step_id if isinstance(entry.step_id, str) else None
        yield replace(entry, number=number, step_id=step_id, recipe=recipe)


class _Unsent(NamedTuple):
    """The newest messages of the thread that a request does not have: each with its place, counted
    from the newest message that there was, and whether it is empty.
    """

    messages: list[tuple[str, int, bool]]
    has_more: bool

    def reasons(self, recipe: Recipe, run: Run) -> list[LeftOutMessage]:
        wanted = run.truncation_strategy.last_messages
        found = []
        for message_id, place, is_empty in self.messages:
            if wanted is not None and place >= wanted:
                found.append(LeftOutMessage(message_id, "last_messages"))
            else:
                reason = "empty" if is_empty else recipe.limited_by
                found.append(LeftOutMessage(message_id, reason))
        return found


def _unsent(tx: Transaction, run: Run, sent: Sequence[str], *, project: str) -> _Unsent:
    """The messages before the newest that was sent which were not. A message that was deleted since
    is not known of.
    """
    there = tx.all(
        "messages.chosen",
        thread_id=run.thread_id,
        project=project,
        ids=encode(sent).decode(),
    )
    if not there:
        return _Unsent([], has_more=False)
    limit = min(len(sent) + _MOST_LEFT_OUT + 1, _MOST_READ)
    rows = tx.all(
        "messages.before_run",
        thread_id=run.thread_id,
        run_id=run.id,
        high=max(row["seq"] for row in there) + 1,
        limit=limit,
    )
    known = frozenset(sent)
    found = [
        (message.id, place, _is_empty(message))
        for place, message in enumerate(map(_message, rows))
        if message.id not in known
    ]
    has_more = len(found) > _MOST_LEFT_OUT or (len(rows) == limit and len(found) > 0)
    return _Unsent(found[:_MOST_LEFT_OUT], has_more)


def _message(row: Row) -> Message:
    return decode(row["body"], Message)


def _is_empty(message: Message) -> bool:
    return message.role == "assistant" and not text(message).strip()
