"""Every row of spec 03 §2, as rows, steps, messages and events, on both databases."""

from collections.abc import Awaitable, Callable

import pytest

from perdure.commands import events, leases, run_steps, run_writes, runs
from perdure.commands.leases import HeldLease
from perdure.errors import BadRequest, LeaseLost
from perdure.lifecycle import RunStatus, Signal
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode
from perdure.wire.messages import IncompleteMessage, Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run, SubmitToolOutputs, ToolOutput
from tests.commands.acts import CALLS, LIFETIME, PROJECT, START, USAGE, Acts, text


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


async def told(acts: Acts, run_id: str) -> list[str]:
    log = await acts.database.read(events.after, run_id, 0)
    assert [event.seq for event in log] == sorted({event.seq for event in log})
    return [event.name.removeprefix("thread.") for event in log]


async def last_told(acts: Acts, run_id: str) -> Run:
    """The run as the last event about it told it."""
    log = await acts.database.read(events.after, run_id, 0)
    return decode(
        [
            event
            for event in log
            if event.name.startswith("thread.run.") and ".step." not in event.name
        ][-1].data,
        Run,
    )


async def steps(acts: Acts, run_id: str) -> list[RunStep]:
    found = await acts.database.read(run_steps.of_run, run_id)
    return [step for step, _ in found]


def _messages(tx: Transaction, run_id: str) -> list[Message]:
    return [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run_id)]


async def written(acts: Acts, run_id: str) -> list[Message]:
    return await acts.database.read(_messages, run_id)


async def submit(acts: Acts, hold: HeldLease, **outputs: str | None) -> Run:
    run = await acts.get(hold.run_id)
    body = SubmitToolOutputs(
        tool_outputs=[
            ToolOutput(tool_call_id=f"call_{key}", output=o) for key, o in outputs.items()
        ]
    )
    return await acts.database.write(
        runs.submit, run.id, body, thread_id=run.thread_id, project=PROJECT, now=acts.now
    )


BEGUN = ["run.created", "run.queued", "run.in_progress"]
MESSAGE = ["run.step.created", "run.step.in_progress", "message.created", "message.in_progress"]
CALLED = ["run.step.created", "run.step.in_progress"]


async def test_a_new_run_is_queued_and_told_twice_alike(acts: Acts) -> None:
    run = await acts.queued()
    assert (run.status, run.created_at, run.expires_at) == ("queued", START, START + LIFETIME)
    assert (run.started_at, run.completed_at, run.usage, run.required_action) == (None,) * 4
    log = await acts.database.read(events.after, run.id, 0)
    assert [event.name for event in log] == ["thread.run.created", "thread.run.queued"]
    assert decode(log[0].data, Run) == decode(log[1].data, Run) == run


async def test_a_claimed_run_is_in_progress_since_now(acts: Acts) -> None:
    run = await acts.queued()
    acts.now += 5
    await acts.claim(run)
    claimed = await acts.get(run.id)
    assert (claimed.status, claimed.started_at) == ("in_progress", START + 5)
    assert claimed.expires_at == START + LIFETIME
    assert await told(acts, run.id) == BEGUN


async def test_a_run_completes_with_its_message_step_and_usage(acts: Acts) -> None:
    hold = await acts.writing()
    await acts.complete(hold._replace(now=START + 3))
    run = await acts.get(hold.run_id)
    assert (run.status, run.completed_at, run.expires_at, run.usage) == (
        "completed", START + 3, None, USAGE,
    )  # fmt: skip
    (step,) = await steps(acts, run.id)
    assert (step.status, step.completed_at, step.usage, step.type) == (
        "completed", START + 3, USAGE, "message_creation",
    )  # fmt: skip
    (message,) = await written(acts, run.id)
    assert (message.status, message.completed_at, message.content) == (
        "completed", START + 3, [text("Hi")],
    )  # fmt: skip
    assert (message.run_id, message.assistant_id) == (run.id, run.assistant_id)
    ended = ["message.completed", "run.step.completed", "run.completed"]
    assert await told(acts, run.id) == BEGUN + MESSAGE + ended
    assert await last_told(acts, run.id) == run


async def test_a_run_that_asks_waits_with_its_step_open(acts: Acts) -> None:
    hold = await acts.asking()
    run = await acts.get(hold.run_id)
    assert (run.status, run.usage, run.started_at) == ("requires_action", None, START)
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [(call.id, call.function.name) for call in calls] == [("call_a", "f"), ("call_b", "g")]
    (step,) = await steps(acts, run.id)
    assert (step.status, step.usage) == ("in_progress", None)
    assert await told(acts, run.id) == [*BEGUN, *CALLED, "run.requires_action"]


async def test_submitted_outputs_end_the_step_and_queue_the_run(acts: Acts) -> None:
    hold = await acts.asking()
    acts.now += 10
    run = await submit(acts, hold, b="2", a=None)
    assert (run.status, run.required_action, run.started_at) == ("queued", None, START)
    assert run.expires_at == START + LIFETIME
    (step,) = await steps(acts, run.id)
    assert (step.status, step.completed_at, step.usage) == ("completed", START + 10, USAGE)
    outputs = [call.function.output for call in step.step_details.tool_calls]  # type: ignore[union-attr]
    assert outputs == ["", "2"]
    assert (await told(acts, run.id))[-2:] == ["run.step.completed", "run.queued"]
    await acts.claim(run)
    assert (await acts.get(run.id)).started_at == START + 10


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"a": "1"}, "['call_a']"),
        ({"a": "1", "b": "2", "c": "3"}, "['call_a', 'call_b', 'call_c']"),
        ({"a": "1", "x": "2"}, "['call_a', 'call_x']"),
        ({}, "[]"),
    ],
)
async def test_outputs_must_be_exactly_those_expected(
    acts: Acts, given: dict[str, str], got: str
) -> None:
    hold = await acts.asking()
    with pytest.raises(BadRequest) as refused:
        await submit(acts, hold, **given)
    assert refused.value.message == (
        f"Expected tool outputs for call_ids ['call_a', 'call_b'], got {got}"
    )
    assert (await acts.get(hold.run_id)).status == "requires_action"


async def test_the_second_of_two_submits_meets_the_wrong_state(acts: Acts) -> None:
    hold = await acts.asking()
    await submit(acts, hold, a="1", b="2")
    with pytest.raises(BadRequest, match='status "queued" do not accept'):
        await submit(acts, hold, a="1", b="2")


async def test_a_budget_ends_the_run_incomplete_and_its_step_completed(acts: Acts) -> None:
    hold = await acts.writing()
    await acts.truncate(hold)
    run = await acts.get(hold.run_id)
    assert (run.status, run.completed_at, run.expires_at) == ("incomplete", START, None)
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    assert run.usage == USAGE
    (message,) = await written(acts, run.id)
    assert message.incomplete_details is not None
    assert (message.status, message.incomplete_at, message.incomplete_details.reason) == (
        "incomplete", START, "max_tokens",
    )  # fmt: skip
    assert message.content == [text("Hi th")]
    ended = ["message.incomplete", "run.step.completed", "run.incomplete"]
    assert (await told(acts, run.id))[-3:] == ended


async def test_a_failure_shows_in_the_run_and_in_its_step_and_message(acts: Acts) -> None:
    hold = await acts.writing()
    await acts.fail(hold)
    run = await acts.get(hold.run_id)
    assert run.last_error is not None
    assert (run.status, run.failed_at, run.last_error.code, run.usage) == (
        "failed", START, "rate_limit_exceeded", None,
    )  # fmt: skip
    (step,) = await steps(acts, run.id)
    assert step.last_error is not None
    assert (step.status, step.failed_at, step.last_error.message) == ("failed", START, "Slow down.")
    (message,) = await written(acts, run.id)
    assert message.incomplete_details is not None
    assert message.incomplete_details.reason == "run_failed"
    ended = ["message.incomplete", "run.step.failed", "run.failed"]
    assert (await told(acts, run.id))[-3:] == ended


async def test_a_held_run_is_cancelled_by_its_worker(acts: Acts) -> None:
    hold = await acts.writing()
    run = await acts.cancel(hold.run_id)
    assert (run.status, run.cancelled_at, run.expires_at) == ("cancelling", None, START + LIFETIME)
    acts.now += 1
    await acts.release(hold)
    run = await acts.get(hold.run_id)
    assert (run.status, run.cancelled_at, run.expires_at, run.usage) == (
        "cancelled", START + 1, None, USAGE,
    )  # fmt: skip
    (step,) = await steps(acts, run.id)
    assert (step.status, step.cancelled_at) == ("cancelled", START + 1)
    (message,) = await written(acts, run.id)
    assert message.incomplete_details is not None
    assert message.incomplete_details.reason == "run_cancelled"
    assert message.content == [text("Hi th")]
    ended = ["run.cancelling", "message.incomplete", "run.step.cancelled", "run.cancelled"]
    assert (await told(acts, run.id))[-4:] == ended


async def test_a_run_that_nobody_holds_is_cancelled_at_once(acts: Acts) -> None:
    queued = await acts.queued()
    asking = await acts.asking()
    for run_id, also in ((queued.id, []), (asking.run_id, ["run.step.cancelled"])):
        run = await acts.cancel(run_id)
        assert (run.status, run.required_action) == ("cancelling", None)
        assert (await acts.get(run_id)).status == "cancelled"
        assert (await told(acts, run_id))[-2 - len(also) :] == [
            "run.cancelling", *also, "run.cancelled",
        ]  # fmt: skip


async def test_a_run_being_cancelled_may_still_complete(acts: Acts) -> None:
    """Spec 03 §2, row 13."""
    hold = await acts.cancelling()
    await acts.complete(hold)
    assert (await acts.get(hold.run_id)).status == "completed"


async def test_a_run_being_cancelled_does_not_ask_but_stops(acts: Acts) -> None:
    hold = await acts.claimed()
    await acts.database.write(run_writes.open_calls, hold)
    await acts.cancel(hold.run_id)
    await acts.database.write(run_writes.ask, hold, CALLS, usage=USAGE)
    run = await acts.get(hold.run_id)
    assert (run.status, run.required_action, run.usage) == ("cancelled", None, USAGE)


@pytest.mark.parametrize("ending", ["complete", "truncate", "fail", "cancel", "expire"])
async def test_a_run_that_has_ended_cannot_be_cancelled_or_given_outputs(
    acts: Acts, ending: str
) -> None:
    hold = await acts.writing()
    if ending == "cancel":
        await acts.cancel(hold.run_id)
        await acts.release(hold)
    elif ending == "expire":
        acts.now += LIFETIME
        await acts.release(hold)
    else:
        await getattr(acts, ending)(hold)
    run = await acts.get(hold.run_id)
    with pytest.raises(BadRequest) as refused:
        await acts.cancel(run.id)
    assert refused.value.message == f"Cannot cancel run with status '{run.status}'."
    with pytest.raises(BadRequest) as refused:
        await submit(acts, hold, a="1")
    assert refused.value.message == f'Runs in status "{run.status}" do not accept tool outputs.'
    assert await acts.get(run.id) == run


async def test_a_second_cancel_is_refused(acts: Acts) -> None:
    hold = await acts.cancelling()
    with pytest.raises(BadRequest, match=r"^Cannot cancel run with status 'cancelling'\.$"):
        await acts.cancel(hold.run_id)


Act = Callable[[Acts], Awaitable[str]]


async def _queued(acts: Acts) -> str:
    return (await acts.queued()).id


async def _asking(acts: Acts) -> str:
    return (await acts.asking()).run_id


async def _abandoned(acts: Acts) -> str:
    """In progress, and its worker let the lease run out long before."""
    return (await acts.writing()).run_id


@pytest.mark.parametrize("begin", [_queued, _asking, _abandoned])
async def test_an_active_run_that_nobody_works_on_expires(acts: Acts, begin: Act) -> None:
    run_id = await begin(acts)
    acts.now += LIFETIME - 1
    assert await acts.expire(run_id) is False
    acts.now += 1
    assert await acts.expire(run_id) is True
    run = await acts.get(run_id)
    assert (run.status, run.expires_at, run.required_action) == (
        "expired", START + LIFETIME, None,
    )  # fmt: skip
    assert {step.status for step in await steps(acts, run_id)} <= {"expired"}
    assert all(step.expired_at == acts.now for step in await steps(acts, run_id))
    for message in await written(acts, run_id):
        assert message.incomplete_details == IncompleteMessage(reason="run_expired")
    assert (await told(acts, run_id))[-1] == "run.expired"
    assert await acts.expire(run_id) is False


async def test_a_worker_expires_its_own_run_with_the_text_so_far(acts: Acts) -> None:
    acts_hold = await acts.writing()
    renewed = {acts_hold.run_id: acts_hold.lease}
    acts.now += LIFETIME
    await acts.database.write(leases.renew, renewed, now=float(acts.now), lease_seconds=30)
    assert await acts.expire(acts_hold.run_id) is False
    await acts.release(acts_hold)
    assert (await acts.get(acts_hold.run_id)).status == "expired"
    (message,) = await written(acts, acts_hold.run_id)
    assert message.content == [text("Hi th")]


async def test_a_released_run_is_queued_without_being_told_and_resumed_where_it_was(
    acts: Acts,
) -> None:
    hold = await acts.writing()
    await acts.release(hold)
    run = await acts.get(hold.run_id)
    assert (run.status, run.expires_at) == ("queued", START + LIFETIME)
    assert await told(acts, run.id) == BEGUN + MESSAGE
    again = await acts.claim(run, "worker_2")
    (before,) = await written(acts, run.id)
    assert await acts.database.write(run_writes.open_message, again) == before.id
    await acts.complete(again)
    assert len(await steps(acts, run.id)) == len(await written(acts, run.id)) == 1
    ended = ["run.in_progress", "message.completed", "run.step.completed", "run.completed"]
    assert await told(acts, run.id) == BEGUN + MESSAGE + ended


async def test_what_a_resumed_run_cannot_use_is_closed_legally(acts: Acts) -> None:
    """The model answered with text, then the worker died; now it calls functions."""
    hold = await acts.writing()
    await acts.release(hold)
    again = await acts.claim(await acts.get(hold.run_id))
    await acts.database.write(run_writes.open_calls, again)
    closed, opened = await steps(acts, hold.run_id)
    assert (closed.type, closed.status) == ("message_creation", "failed")
    assert (opened.type, opened.status) == ("tool_calls", "in_progress")
    assert (await told(acts, hold.run_id))[-5:] == [
        "run.in_progress", "message.incomplete", "run.step.failed", *CALLED,
    ]  # fmt: skip


async def test_a_zombie_can_write_nothing(acts: Acts) -> None:
    """Its lease ran out, another worker took the run; then it wakes up."""
    zombie = await acts.writing()
    acts.now += 31
    await acts.database.write(leases.rescue, now=float(acts.now), everybody=False, limit=10)
    await acts.claim(await acts.get(zombie.run_id), "worker_2")
    before = await told(acts, zombie.run_id)
    for attempt in (acts.complete, acts.truncate, acts.fail, acts.release):
        with pytest.raises(LeaseLost):
            await attempt(zombie)
    for command in (run_writes.open_message, run_writes.open_calls):
        with pytest.raises(LeaseLost):
            await acts.database.write(command, zombie)
    assert await told(acts, zombie.run_id) == before
    lost = await acts.database.write(
        leases.renew, {zombie.run_id: zombie.lease}, now=float(acts.now), lease_seconds=30
    )
    assert lost == [zombie.run_id]


async def test_a_run_is_claimed_once(acts: Acts) -> None:
    run = await acts.queued()
    await acts.claim(run)
    again = await acts.database.write(
        leases.claim, run.id, owner="worker_2", now=float(acts.now), lease_seconds=30
    )
    assert again is None


async def test_a_claim_that_comes_too_late_expires_the_run(acts: Acts) -> None:
    run = await acts.queued()
    acts.now += LIFETIME
    assert (
        await acts.database.write(
            leases.claim, run.id, owner="w", now=float(acts.now), lease_seconds=30
        )
        is None
    )
    assert (await acts.get(run.id)).status == "expired"


async def test_a_renewed_lease_is_not_rescued(acts: Acts) -> None:
    hold = await acts.writing()
    acts.now += 20
    held = {hold.run_id: hold.lease}
    await acts.database.write(leases.renew, held, now=float(acts.now), lease_seconds=30)
    acts.now += 20
    freed = await acts.database.write(leases.rescue, now=float(acts.now), everybody=False, limit=10)
    assert freed == []
    assert (await acts.get(hold.run_id)).status == "in_progress"


async def test_a_rescued_run_that_was_being_cancelled_is_cancelled(acts: Acts) -> None:
    hold = await acts.cancelling()
    acts.now += 31
    await acts.database.write(leases.rescue, now=float(acts.now), everybody=False, limit=10)
    assert (await acts.get(hold.run_id)).status == "cancelled"


async def test_no_signal_moves_a_run_that_the_table_does_not_let(acts: Acts) -> None:
    hold = await acts.writing()
    await acts.complete(hold)

    def force(tx: Transaction) -> None:
        held = runs.lock(tx, hold.run_id)
        assert held is not None
        runs.signal(tx, held, Signal.CANCEL, now=acts.now)

    with pytest.raises(BadRequest, match="status 'completed'"):
        await acts.database.write(force)
    assert (await acts.get(hold.run_id)).status is RunStatus.COMPLETED


async def test_a_message_step_before_calls_of_the_same_round_completes_without_usage(
    acts: Acts,
) -> None:
    """The usage of the round belongs to its last step (spec 03 §10)."""
    hold = await acts.writing()
    await acts.database.write(run_writes.close_message, hold, [text("Let me look.")])
    await acts.database.write(run_writes.open_calls, hold)
    await acts.database.write(run_writes.ask, hold, CALLS, usage=USAGE)
    await submit(acts, hold, a="1", b="2")
    first, second = await steps(acts, hold.run_id)
    assert (first.status, first.usage) == ("completed", None)
    assert (second.status, second.usage) == ("completed", USAGE)
