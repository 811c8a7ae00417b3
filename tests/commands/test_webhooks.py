"""Deliveries are written with the event they tell, claimed by one, and settled once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.commands import events, run_writes, threads, webhook_deliveries
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import RUN, STREAM_ENDS
from perdure.settings.webhooks import EVENTS
from perdure.storage import checkup
from perdure.storage.database import Database, Transaction
from perdure.webhooks import deliveries, redelivery
from perdure.webhooks.deliveries import Delivery, WebhookSubscription
from perdure.webhooks.redelivery import GivenUp
from perdure.wire.base import decode
from perdure.wire.runs import Run
from perdure.wire.webhook_deliveries import delivery_list_query
from tests.commands.acts import LIFETIME, PROJECT, USAGE, Acts, text
from tests.commands.deliveries import Row, look

LEASE = 60.0


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


@pytest.fixture
def rows(database_url: str | None, data_dir: Path) -> Callable[[], list[Row]]:
    return lambda: look(database_url, data_dir)


async def hear(acts: Acts, *webhook_names: str, **heard: str) -> None:
    """Webhooks by name for every event, or for the one that is given."""
    subscriptions = [
        WebhookSubscription(name, PROJECT, event) for name in webhook_names for event in EVENTS
    ]
    subscriptions += [WebhookSubscription(name, PROJECT, event) for name, event in heard.items()]
    await acts.database.write(deliveries.configure, subscriptions, now=acts.now)


async def claim(acts: Acts, **most: int) -> list[Delivery]:
    return await acts.database.write(
        deliveries.claim, most, now=float(acts.now), lease_seconds=LEASE
    )


async def disable(acts: Acts, webhook: str) -> None:
    """The target answers to a delivery that it wants no more."""
    (delivery,) = await claim(acts, **{webhook: 1})
    await acts.database.write(
        deliveries.disable, delivery, now=acts.now, error="Gone.", response_status=410
    )


async def completed(acts: Acts) -> str:
    hold = await acts.writing()
    await acts.complete(hold)
    return hold.run_id


def test_the_events_to_hear_are_the_ends_and_requires_action() -> None:
    assert EVENTS == (
        "thread.run.cancelled",
        "thread.run.completed",
        "thread.run.expired",
        "thread.run.failed",
        "thread.run.incomplete",
        "thread.run.requires_action",
    )


async def test_each_event_that_is_heard_is_written_once_as_it_was_told(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a")
    ended = [await completed(acts)]
    for end in (acts.truncate, acts.fail):
        hold = await acts.writing()
        await end(hold)
        ended.append(hold.run_id)
    ended.append((await acts.asking()).run_id)
    queued = await acts.queued()
    await acts.cancel(queued.id)
    ended.append(queued.id)
    due = await acts.queued()
    acts.now += LIFETIME
    assert await acts.expire(due.id)
    ended.append(due.id)
    written = {row.run_id: (row.event, row.data) for row in rows()}
    assert len(rows()) == len(written) == len(EVENTS)
    assert {event for event, _ in written.values()} == set(EVENTS)
    for run_id in ended:
        told = await acts.database.read(events.after, run_id, 0)
        (heard,) = [event for event in told if event.name in STREAM_ENDS]
        assert written[run_id] == (heard.name, heard.data.decode())


async def test_a_write_that_fails_leaves_neither_event_nor_delivery(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a")
    hold = await acts.writing()

    def complete_and_break(tx: Transaction) -> None:
        run_writes.complete(tx, hold, [text("Hi")], usage=USAGE)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await acts.database.write(complete_and_break)
    assert rows() == []
    assert (await acts.get(hold.run_id)).status == "in_progress"
    await acts.complete(hold)
    assert [row.event for row in rows()] == ["thread.run.completed"]


async def test_the_delivery_outlives_the_thread(acts: Acts) -> None:
    await hear(acts, "a")
    run_id = await completed(acts)
    run = await acts.get(run_id)
    await acts.database.write(threads.delete, run.thread_id, project=PROJECT, now=acts.now)
    (delivery,) = await claim(acts, a=10)
    assert decode(delivery.data, Run) == run


async def test_a_thread_that_is_deleted_tells_the_end_of_its_run(acts: Acts) -> None:
    await hear(acts, "a")
    run = await acts.queued()
    await acts.database.write(threads.delete, run.thread_id, project=PROJECT, now=acts.now)
    (delivery,) = await claim(acts, a=10)
    assert (delivery.run_id, delivery.event) == (run.id, "thread.run.cancelled")


async def test_webhooks_of_one_project_are_each_told_under_one_id(acts: Acts) -> None:
    await hear(acts, "a", "b")
    await completed(acts)
    first, second = await claim(acts, a=10, b=10)
    assert (first.webhook, second.webhook) == ("a", "b")
    assert first.id == second.id
    assert first.id.startswith("evt_")


async def test_webhooks_hear_of_their_project_and_their_events_only(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    subscriptions = [
        WebhookSubscription("mine", PROJECT, "thread.run.completed"),
        WebhookSubscription("failures", PROJECT, "thread.run.failed"),
        WebhookSubscription("theirs", "proj_other", "thread.run.completed"),
    ]
    await acts.database.write(deliveries.configure, subscriptions, now=acts.now)
    await completed(acts)
    assert [row.webhook for row in rows()] == ["mine"]


async def test_without_webhooks_nothing_is_written(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await completed(acts)
    assert rows() == []


async def test_the_settings_of_the_last_start_count(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, a="thread.run.completed", b="thread.run.completed")
    await hear(acts, b="thread.run.completed", c="thread.run.completed")
    await completed(acts)
    assert [row.webhook for row in rows()] == ["b", "c"]
    moved = [WebhookSubscription("b", "proj_other", "thread.run.completed")]
    await acts.database.write(deliveries.configure, moved, now=acts.now)
    await completed(acts)
    assert len(rows()) == 2


async def test_what_waits_for_a_webhook_that_is_gone_from_the_settings_is_given_up(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a", "b")
    await completed(acts)
    acts.now += 5
    await hear(acts, "b")
    assert [(row.webhook, row.status, row.ended_at) for row in rows()] == [
        ("a", "given_up", acts.now),
        ("b", "waiting", None),
    ]
    assert rows()[0].last_error == "The webhook is not in the settings any more."


async def test_a_claimed_delivery_is_nobody_elses_until_the_lease_is_over(acts: Acts) -> None:
    await hear(acts, "a")
    await completed(acts)
    (first,) = await claim(acts, a=10)
    assert first.attempt == 1
    acts.now += int(LEASE) - 1
    assert await claim(acts, a=10) == []
    acts.now += 1
    assert await claim(acts, a=10) == [first._replace(attempt=2)]


async def test_claims_at_the_same_time_share_the_deliveries(acts: Acts) -> None:
    await hear(acts, "a")
    made = {await completed(acts) for _ in range(6)}
    claims = await asyncio.gather(*(claim(acts, a=2) for _ in range(5)))
    assert [len(claimed) for claimed in claims] == [2, 2, 2, 0, 0]
    assert {delivery.run_id for claimed in claims for delivery in claimed} == made


async def test_only_webhooks_that_are_asked_for_are_claimed_or_due(acts: Acts) -> None:
    await hear(acts, "a", "b")
    await completed(acts)
    read = acts.database.read
    assert await read(deliveries.due, ["a", "b", "c"], now=acts.now) == ["a", "b"]
    assert await read(deliveries.due, ["a"], now=acts.now - 1) == []
    assert [delivery.webhook for delivery in await claim(acts, b=10)] == ["b"]
    assert await read(deliveries.due, ["a", "b"], now=acts.now) == ["a"]


async def test_a_delivery_ends_with_its_arrival_and_its_text_is_dropped(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a")
    await completed(acts)
    (delivery,) = await claim(acts, a=1)
    await acts.database.write(deliveries.deliver, delivery, now=acts.now + 1, response_status=204)
    (row,) = rows()
    assert (row.status, row.attempts, row.ended_at) == ("delivered", 1, acts.now + 1)
    assert (row.data, row.last_error) == (None, None)
    acts.now += 10 * int(LEASE)
    assert await claim(acts, a=1) == []


async def test_a_postponed_delivery_comes_back_at_its_time(acts: Acts) -> None:
    await hear(acts, "a")
    await completed(acts)
    (delivery,) = await claim(acts, a=1)
    error = "It answered with status 500."
    await acts.database.write(
        deliveries.postpone, delivery, due_at=acts.now + 5.5, error=error, response_status=500
    )
    acts.now += 5
    assert await claim(acts, a=1) == []
    acts.now += 1
    assert [again.attempt for again in await claim(acts, a=1)] == [2]


async def test_an_attempt_that_was_overtaken_writes_nothing(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a")
    await completed(acts)
    (slow,) = await claim(acts, a=1)
    acts.now += int(LEASE)
    (quick,) = await claim(acts, a=1)
    write = acts.database.write
    before = rows()
    error = "It answered with status 500."
    await write(deliveries.give_up, slow, now=acts.now, error=error, response_status=500)
    await write(deliveries.postpone, slow, due_at=acts.now + 5.0, error="-", response_status=None)
    await write(deliveries.deliver, slow, now=acts.now, response_status=200)
    assert rows() == before
    await write(deliveries.deliver, quick, now=acts.now, response_status=200)
    assert rows()[0].status == "delivered"


async def test_a_silenced_webhook_is_told_nothing_until_a_server_is_started(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    await hear(acts, "a", "b")
    await completed(acts)
    await disable(acts, "a")
    await completed(acts)
    assert sorted((row.webhook, row.status) for row in rows()) == [
        ("a", "given_up"),
        ("b", "waiting"),
        ("b", "waiting"),
    ]
    await hear(acts, "a", "b")
    await completed(acts)
    assert sorted(row.webhook for row in rows() if row.status == "waiting") == ["a", *"bbb"]


async def test_the_doctor_counts_what_waits_and_what_was_given_up(
    acts: Acts, database_url: str | None, data_dir: Path
) -> None:
    await hear(acts, "a", "b")
    for _ in range(3):
        await completed(acts)
    await disable(acts, "a")
    (delivery,) = await claim(acts, b=1)
    await acts.database.write(deliveries.deliver, delivery, now=acts.now, response_status=204)
    seen = checkup.look(database_url, data_dir)
    assert (seen.waiting, seen.given_up) == (2, 3)


def test_every_status_at_which_a_run_rests_can_be_heard() -> None:
    at_rest = {"requires_action", "cancelled", "failed", "completed", "incomplete", "expired"}
    assert {move.event for move in RUN if move.target in at_rest} == set(EVENTS)


async def given_up(acts: Acts) -> str:
    """The id of a delivery that a webhook outside of the settings will not get."""
    await hear(acts, "a")
    await completed(acts)
    await acts.database.write(deliveries.configure, [], now=acts.now)
    page = await acts.database.read(
        webhook_deliveries.page, delivery_list_query([("status", "given_up")]), project=PROJECT
    )
    return page.ids[0]


async def send_again(acts: Acts, delivery_id: str, *webhooks: str, project: str = PROJECT) -> str:
    """The status that the delivery has then."""
    delivery = await acts.database.write(
        webhook_deliveries.send_again,
        delivery_id,
        webhooks=webhooks,
        project=project,
        now=acts.now,
    )
    return delivery.status


async def test_what_was_given_up_is_sent_again_only_to_webhooks_of_the_settings(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    delivery_id = await given_up(acts)
    with pytest.raises(BadRequest) as refused:
        await send_again(acts, delivery_id, "b")
    assert refused.value.code == "webhook_not_configured"
    acts.now += 5
    assert await send_again(acts, delivery_id, "a", "b") == "waiting"
    (row,) = rows()
    assert (row.status, row.ended_at, row.last_error, row.due_at) == (
        "waiting", None, None, acts.now,
    )  # fmt: skip
    assert [each.attempt for each in await claim(acts, a=10)] == [1]


async def test_deliveries_of_another_project_are_not_found(acts: Acts) -> None:
    delivery_id = await given_up(acts)
    page = await acts.database.read(
        webhook_deliveries.page, delivery_list_query([]), project="proj_other"
    )
    assert page.ids == []
    with pytest.raises(NotFound):
        await acts.database.read(webhook_deliveries.get, delivery_id, project="proj_other")
    with pytest.raises(NotFound):
        await send_again(acts, delivery_id, "a", project="proj_other")


async def test_an_attempt_more_is_what_a_delivery_gets_that_had_all_of_them(
    acts: Acts, rows: Callable[[], list[Row]]
) -> None:
    delivery_id = await given_up(acts)
    for _ in range(len(redelivery.WAITS) + 1):
        await send_again(acts, delivery_id, "a")
        (delivery,) = await claim(acts, a=1)
        await acts.database.write(
            deliveries.give_up, delivery, now=acts.now, error="-", response_status=500
        )
    await send_again(acts, delivery_id, "a")
    (delivery,) = await claim(acts, a=1)
    assert redelivery.decide(delivery, "It did not answer.", now=acts.now) == GivenUp(
        "It did not answer."
    )
