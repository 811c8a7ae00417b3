"""Invariants of the log of a run: it follows a way through the tables, and ends where the run is.

Each event is in the log because its row changed in the same transaction, so log and rows must
agree, whatever was killed in between (spec 04 §3).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from msgspec.structs import replace

from perdure import lifecycle
from perdure.invariants import damage
from perdure.invariants.run_history import RunHistory, Violation
from perdure.lifecycle import MESSAGE, MESSAGE_CREATED, RUN, RUN_CREATED, STEP, STEP_CREATED
from perdure.wire.base import Object, decode
from perdure.wire.events import Event
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.threads import Thread

_CREATED, _QUEUED = RUN_CREATED
_RUN_EVENTS = {move.event: move.target for move in RUN if move.event} | {_QUEUED: "queued"}
_STEPS_AND_MESSAGES: tuple[
    tuple[type[RunStep | Message], tuple[str, str], dict[str | None, str]], ...
] = (
    (RunStep, STEP_CREATED, {move.event: move.target for move in STEP}),
    (Message, MESSAGE_CREATED, {move.event: move.target for move in MESSAGE}),
)


def _silent(status: str) -> frozenset[str]:
    """Returns the statuses that a run may have reached since this status was published."""
    found, waiting = {status}, [status]
    while waiting:
        now = waiting.pop()
        for move in RUN:
            if move.source == now and not move.event and move.target not in found:
                found.add(move.target)
                waiting.append(move.target)
    return frozenset(found)


_SILENT = {status: _silent(status) for status in lifecycle.RunStatus}
_NEXT = {
    status: frozenset(move.target for move in RUN if move.event and move.source in _SILENT[status])
    for status in lifecycle.RunStatus
}


class _Id(Object):
    id: str


# What an event carries, by its name.
KINDS: dict[str, type[Run | RunStep | Message | Thread | _Id]] = {
    lifecycle.WITHDRAWN: _Id,
    lifecycle.THREAD_CREATED: Thread,
    **dict.fromkeys((_CREATED, *_RUN_EVENTS), Run),
    **{
        str(name): kind
        for kind, created, ends in _STEPS_AND_MESSAGES
        for name in (*created, *ends)
        if name
    },
}


def check(history: RunHistory) -> Iterator[Violation]:
    """Yields the violations of a run's log."""
    run = history.run
    names = [event.name for event in history.log if event.name != lifecycle.THREAD_CREATED]
    whole = history.log_is_whole and names[:1] == [_CREATED]
    begun = names[:2] == [_CREATED, _QUEUED] or not history.log_is_whole
    if history.is_remembered(run.created_at) and not begun:
        yield Violation(run.id, f"was told from {names[:2]} on, and not as created and queued")
    if not names:
        return
    if history.log_is_whole:
        yield from damage.guard(run.id, _way(names))
    yield from damage.guard(run.id, _rest(history))
    yield from _steps_and_messages(history, whole=whole)
    yield from (Violation(run.id, text) for text in _withdrawn(history.log))


def _way(names: list[str]) -> Iterator[str]:
    """Checks that the published statuses are a way through the table, and that its end comes
    last.
    """
    published = [name for name in names if name in _RUN_EVENTS]
    for before, after in pairwise(published):
        if _RUN_EVENTS[after] not in _NEXT[lifecycle.RunStatus(_RUN_EVENTS[before])]:
            yield f"was told as {after} after {before}, which the table does not have"
    ends = [
        place for place, name in enumerate(names) if _RUN_EVENTS.get(name) in lifecycle.TERMINAL
    ]
    if ends and ends[0] != len(names) - 1:
        yield f"was told as {names[ends[0] + 1]} after {names[ends[0]]}, its end"


def _rest(history: RunHistory) -> Iterator[str]:
    """Checks that the last published run is the stored run."""
    run = history.run
    published = [event for event in history.log if event.name in _RUN_EVENTS]
    for event in published:
        if (status := decode(event.data, Run).status) != _RUN_EVENTS[event.name]:
            yield f"was told as {event.name} with the status {status}"
    if not published or not history.log_is_whole:
        return
    last = decode(published[-1].data, Run)
    if run.status not in _SILENT[last.status]:
        yield f"is {run.status}, and was last told as {last.status}"
    # Metadata may be changed later, and a release has no event.
    elif replace(last, metadata=run.metadata, status=run.status) != run:
        yield f"is stored with other fields than it was told with as {published[-1].name}"


def _steps_and_messages(history: RunHistory, *, whole: bool) -> Iterator[Violation]:
    """Checks that the log has one creation of each step and message, and one end if it has
    ended.
    """
    stored: dict[str, RunStep | Message] = {each.step.id: each.step for each in history.steps}
    stored |= {each.message.id: each.message for each in history.messages}
    for kind, created, ends in _STEPS_AND_MESSAGES:
        log = [event for event in history.log if event.name in created or event.name in ends]
        ids = [decode(event.data, _Id).id for event in log]
        if whole:
            yield from (
                Violation(history.run.id, text) for text in _one_at_a_time(log, ids, created)
            )
        counts = Counter(zip(ids, (event.name for event in log), strict=True))
        for each in (each for each in stored.values() if isinstance(each, kind)):
            end = {target: name for name, target in ends.items()}.get(each.status)
            for name in (*created, *ends):
                expected = int(name in created or name == end)
                found = counts[each.id, str(name)]
                if found > expected or (whole and found < expected):
                    yield Violation(each.id, f"was told {found} times as {name}")
        known = set(stored) | set(history.steps_by_message) | history.damaged
        for object_id in dict.fromkeys(ids):
            if object_id not in known:
                yield Violation(object_id, "was told and is not stored")
        yield from _published_as_stored(log, stored, kind, ends)


def _one_at_a_time(log: list[Event], ids: list[str], created: tuple[str, str]) -> Iterator[str]:
    """Checks that no step or message is created while another one is open (spec 04 §8, N1)."""
    opened = None
    for event, object_id in zip(log, ids, strict=True):
        if event.name == created[0]:
            if opened:
                yield f"was told as having {object_id} created while {opened} was open"
            opened = object_id
        elif event.name not in created:
            opened = None


def _withdrawn(log: Sequence[Event]) -> Iterator[str]:
    """Checks that published text of a message is withdrawn only right before the message ends."""
    ends = {move.event for move in MESSAGE}
    for event, following in zip_longest(log, log[1:]):
        if event.name == lifecycle.WITHDRAWN:
            message_id = decode(event.data, _Id).id
            ended = following is not None and following.name in ends
            if not ended or decode(following.data, _Id).id != message_id:
                yield f"was told as withdrawing text of {message_id}, which did not end then"


def _published_as_stored(
    log: list[Event],
    stored: dict[str, RunStep | Message],
    kind: type[RunStep | Message],
    ends: dict[str | None, str],
) -> Iterator[Violation]:
    """Checks that a step or message that has ended is stored as its end was published; only
    metadata may be changed later.
    """
    for event in log:
        if event.name not in ends:
            continue
        published = decode(event.data, kind)
        now = stored.get(published.id)
        if now is not None and replace(published, metadata=now.metadata) != now:
            yield Violation(published.id, f"is stored with other fields than {event.name} told")
