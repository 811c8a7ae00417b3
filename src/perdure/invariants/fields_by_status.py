"""The fields that an object may have set in a status, found by walking the tables.

Each way from a new object through the moves of its table leaves some fields set, and others null. A
state that no way leads to is a violation.
"""

from collections.abc import Iterable, Mapping

from perdure.lifecycle import MESSAGE, RUN, STEP, MessageStatus, Move, RunStatus, Signal, StepStatus

Shape = frozenset[str]

# What commands set with a signal, beside the timestamp that the table names.
_RUN_SETS = {
    Signal.ASK: {"required_action"},
    Signal.FAIL: {"last_error"},
    Signal.TRUNCATE: {"incomplete_details"},
}
_STEP_SETS = {Signal.FAIL: {"last_error"}}
_MESSAGE_SETS = {Signal.TRUNCATE: {"incomplete_details"}}


def _walk(
    start: str,
    shape: Shape,
    moves: Iterable[Move],
    sets: Mapping[Signal, set[str]],
    clears: Shape = frozenset(),
) -> frozenset[tuple[str, Shape]]:
    """Returns all statuses with the shapes that moves lead to. `clears` are the fields that each
    move clears.
    """
    found = {(start, shape)}
    waiting = [(start, shape)]
    while waiting:
        status, shape = waiting.pop()
        for move in moves:
            if move.source != status:
                continue
            stamp = {move.stamp} if move.stamp else set()
            left = shape - clears - set(move.clears)
            reached = (move.target, left | stamp | sets.get(move.signal, set()))
            if reached not in found:
                found.add(reached)
                waiting.append(reached)
    return frozenset(found)


RUN_SHAPES = _walk(RunStatus.QUEUED, frozenset({"expires_at"}), RUN, _RUN_SETS)
# A step's time to expire goes with its end, whichever that is (spec 01 §7).
STEP_SHAPES = _walk(
    StepStatus.IN_PROGRESS,
    frozenset({"expires_at"}),
    STEP,
    _STEP_SETS,
    frozenset({"expires_at"}),
)
MESSAGE_SHAPES = _walk(MessageStatus.IN_PROGRESS, frozenset(), MESSAGE, _MESSAGE_SETS)


def shape_problem(body: object, status: str, shapes: frozenset[tuple[str, Shape]]) -> str | None:
    """Returns a sentence about fields that may not be set as they are, or None."""
    watched = frozenset[str]().union(*(shape for _, shape in shapes))
    shape = frozenset(name for name in watched if getattr(body, name) is not None)
    if (status, shape) in shapes:
        return None
    fields = ", ".join(sorted(shape)) or "nothing"
    return f"is {status} with {fields} set, to which no way through the table leads"
