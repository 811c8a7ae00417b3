"""Which event of a stream may follow which (spec 04 §3), as one table.

`docs/lifecycle.md` shows it, and `tests/api/test_run_ends.py` holds the server's streams to it.
"""

from collections.abc import Sequence
from itertools import pairwise

# The beginning of a stream.
BEGIN = ""

FOLLOWERS: dict[str, tuple[str, ...]] = {
    # the last one where tool outputs were submitted
    BEGIN: ("thread.created", "thread.run.created", "thread.run.step.completed"),
    "thread.created": ("thread.run.created",),
    "thread.run.created": ("thread.run.queued",),
    "thread.run.queued": (
        "thread.run.in_progress",
        "thread.run.cancelled",
        "thread.run.expired",
    ),
    "thread.run.in_progress": (
        "thread.run.step.created",
        "thread.run.incomplete",
        "thread.run.failed",
        "thread.run.cancelled",
        "thread.run.expired",
    ),
    "thread.run.step.created": ("thread.run.step.in_progress",),
    "thread.run.step.in_progress": (
        "thread.message.created",
        "thread.run.step.delta",
        # without its deltas, when it is told again
        "thread.run.requires_action",
        "thread.run.step.failed",
        "thread.run.step.cancelled",
        "thread.run.step.expired",
    ),
    "thread.message.created": ("thread.message.in_progress",),
    "thread.message.in_progress": (
        "thread.message.delta",
        "thread.message.completed",
        "thread.message.incomplete",
    ),
    "thread.message.delta": (
        "thread.message.delta",
        "thread.message.completed",
        "thread.message.incomplete",
    ),
    "thread.message.completed": ("thread.run.step.completed",),
    "thread.message.incomplete": (
        "thread.run.step.completed",
        "thread.run.step.failed",
        "thread.run.step.cancelled",
        "thread.run.step.expired",
    ),
    "thread.run.step.delta": (
        "thread.run.step.delta",
        "thread.run.requires_action",
        "thread.run.step.completed",
        "thread.run.step.failed",
        "thread.run.step.cancelled",
        "thread.run.step.expired",
    ),
    "thread.run.step.completed": (
        "thread.run.step.created",
        "thread.run.queued",
        "thread.run.completed",
        "thread.run.incomplete",
        "thread.run.failed",
        "thread.run.cancelled",
        "thread.run.expired",
    ),
    # the first one where a resumed run could not use what a dead worker had begun
    "thread.run.step.failed": ("thread.run.step.created", "thread.run.failed"),
    "thread.run.step.cancelled": ("thread.run.cancelled",),
    "thread.run.step.expired": ("thread.run.expired",),
    # those of steps when it is told again
    "thread.run.requires_action": (
        "done",
        "thread.run.step.completed",
        "thread.run.step.cancelled",
        "thread.run.step.expired",
    ),
    "thread.run.completed": ("done",),
    "thread.run.incomplete": ("done",),
    "thread.run.failed": ("done",),
    "thread.run.cancelled": ("done",),
    "thread.run.expired": ("done",),
}

# Come in between whenever somebody cancels, and at any place where the server stops.
ANYWHERE = ("thread.run.cancelling", "error")


def out_of_order(names: Sequence[str]) -> list[tuple[str, str]]:
    """The neighbours in a stream that may not be neighbours."""
    told = [BEGIN, *(name for name in names if name not in ANYWHERE)]
    return [pair for pair in pairwise(told) if pair[1] not in FOLLOWERS.get(pair[0], ())]
