"""The tables promise what spec 03 and 04 say, and nothing else."""

import pytest

from perdure import lifecycle
from perdure.lifecycle import RUN, RunStatus, Signal
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run


def test_nothing_leaves_a_terminal_status() -> None:
    assert {move.source for move in RUN} & lifecycle.TERMINAL == set()


def test_every_active_status_can_end_by_cancel_and_by_time() -> None:
    for status in lifecycle.ACTIVE:
        assert lifecycle.RUN.find(status, Signal.EXPIRE) is not None
        if status is not RunStatus.CANCELLING:
            assert lifecycle.RUN.find(status, Signal.CANCEL) is not None


def test_every_status_can_be_reached_from_queued() -> None:
    reached = {RunStatus.QUEUED}
    while more := {move.target for move in RUN if move.source in reached} - reached:
        reached |= {RunStatus(status) for status in more}
    assert reached == set(RunStatus)


def test_a_status_and_a_signal_have_one_move() -> None:
    for table in (lifecycle.RUN, lifecycle.STEP, lifecycle.MESSAGE, lifecycle.UPLOAD):
        keys = [(move.source, move.signal) for move in table]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("table", "struct"),
    [(lifecycle.RUN, Run), (lifecycle.STEP, RunStep), (lifecycle.MESSAGE, Message)],
)
def test_the_fields_that_moves_set_exist(
    table: tuple[lifecycle.Move, ...], struct: type[Run] | type[RunStep] | type[Message]
) -> None:
    named = {move.stamp for move in table if move.stamp}
    named |= {field for move in table for field in move.clears}
    assert named <= set(struct.__struct_fields__)


def test_a_terminal_status_has_the_timestamps_of_the_spec() -> None:
    """Spec 03 §2.1."""
    stamps = {move.target: move.stamp for move in RUN if move.target in lifecycle.TERMINAL}
    assert stamps == {
        RunStatus.COMPLETED: "completed_at",
        RunStatus.INCOMPLETE: "completed_at",
        RunStatus.FAILED: "failed_at",
        RunStatus.CANCELLED: "cancelled_at",
        RunStatus.EXPIRED: None,
    }


def test_only_an_expired_run_keeps_expires_at_at_its_end() -> None:
    """Spec 03 §2.1."""
    keep = {
        move.target
        for move in RUN
        if move.target in lifecycle.TERMINAL and "expires_at" not in move.clears
    }
    assert keep == {RunStatus.EXPIRED}


def test_there_are_25_stream_events_and_each_status_has_its_own() -> None:
    """Spec 04 §2."""
    assert len(set(lifecycle.STREAM_EVENTS)) == len(lifecycle.STREAM_EVENTS) == 25
    for move in RUN:
        assert move.event in (None, f"thread.run.{move.target}")
    for move in lifecycle.STEP:
        assert move.event == f"thread.run.step.{move.target}"
    for move in lifecycle.MESSAGE:
        assert move.event == f"thread.message.{move.target}"


def test_a_stream_ends_with_the_run_or_when_outputs_are_wanted() -> None:
    assert {f"thread.run.{status}" for status in [*lifecycle.TERMINAL, "requires_action"]} == (
        lifecycle.STREAM_ENDS
    )


def test_only_a_release_is_not_told() -> None:
    assert [move.signal for move in RUN if move.event is None] == [Signal.RELEASE]


def test_every_unhappy_end_says_how_open_parts_end() -> None:
    assert set(lifecycle.RUN_ENDS) == lifecycle.TERMINAL - {RunStatus.COMPLETED}
