"""The rules that the database itself keeps, on every database."""

import sqlite3
from typing import Any

import psycopg
import pytest

from perdure.storage.database import Database, Transaction
from tests.storage.rows import add_event, add_run, add_thread, has_thread

BROKEN_RULE = (sqlite3.IntegrityError, psycopg.IntegrityError)

QUEUED: dict[str, Any] = {
    "id": "run_1",
    "was": "queued",
    "was_epoch": 0,
    "status": "queued",
    "body": "{}",
    "expires_at": 2_000_000_000,
    "ended_at": None,
    "owner": None,
    "epoch": 0,
    "lease_until": None,
    "queued_at": None,
    "error_code": None,
    "trace": None,
    "most_trace": 1000,
}
HELD = {**QUEUED, "status": "in_progress", "owner": "worker", "lease_until": 9.5, "epoch": 1}
ENDED = {**QUEUED, "status": "completed", "ended_at": 5, "expires_at": None}


def move(tx: Transaction, values: dict[str, Any]) -> int:
    return tx.run("runs.move", **values)


async def a_queued_run(database: Database) -> None:
    await database.write(add_thread, "thread_1")
    assert await database.write(add_run, "run_1", thread_id="thread_1") == 1


@pytest.mark.parametrize("legal", [QUEUED, HELD, ENDED])
async def test_a_run_may_be(database: Database, legal: dict[str, Any]) -> None:
    await a_queued_run(database)
    assert await database.write(move, legal) == 1


@pytest.mark.parametrize(
    "illegal",
    [
        pytest.param({**ENDED, "ended_at": None}, id="ended without a time"),
        pytest.param({**QUEUED, "ended_at": 5}, id="active with an end"),
        pytest.param({**QUEUED, "expires_at": None}, id="active without expiry"),
        pytest.param({**HELD, "lease_until": None}, id="owner without lease"),
        pytest.param({**HELD, "owner": None}, id="lease without owner"),
        pytest.param({**HELD, "status": "queued"}, id="queued with owner"),
        pytest.param({**QUEUED, "status": "paused"}, id="unknown status"),
    ],
)
async def test_a_run_can_not_be(database: Database, illegal: dict[str, Any]) -> None:
    await a_queued_run(database)
    with pytest.raises(BROKEN_RULE):
        await database.write(move, illegal)


@pytest.mark.parametrize("stale", [{"was": "in_progress"}, {"was_epoch": 3}])
async def test_a_move_from_what_no_longer_holds_changes_nothing(
    database: Database, stale: dict[str, Any]
) -> None:
    await a_queued_run(database)
    assert await database.write(move, {**HELD, **stale}) == 0


async def test_a_thread_has_one_active_run(database: Database) -> None:
    await a_queued_run(database)
    assert await database.write(add_run, "run_2", thread_id="thread_1") == 0
    assert await database.write(move, ENDED) == 1
    assert await database.write(add_run, "run_3", thread_id="thread_1") == 1


async def test_a_run_belongs_to_a_thread(database: Database) -> None:
    with pytest.raises(BROKEN_RULE):
        await database.write(add_run, "run_1", thread_id="thread_x")


def add_step(tx: Transaction, step_id: str) -> int:
    return tx.run(
        "run_steps.insert",
        id=step_id,
        project="p",
        thread_id="thread_1",
        run_id="run_1",
        status="in_progress",
        body="{}",
    )


def add_message(tx: Transaction, message_id: str) -> int:
    return tx.run(
        "messages.insert",
        id=message_id,
        project="p",
        thread_id="thread_1",
        run_id="run_1",
        role="assistant",
        status="in_progress",
        body="{}",
    )


@pytest.mark.parametrize("add", [add_step, add_message])
async def test_a_run_has_one_open_step_and_one_open_message(database: Database, add: Any) -> None:
    await a_queued_run(database)
    assert await database.write(add, "one") == 1
    with pytest.raises(BROKEN_RULE):
        await database.write(add, "two")


async def test_a_thread_takes_all_that_it_holds_with_it(database: Database) -> None:
    await a_queued_run(database)
    await database.write(add_step, "step_1")
    await database.write(add_message, "msg_1")
    await database.write(add_event, "run_1", "thread.run.created")

    def left(tx: Transaction) -> list[int]:
        return [
            len(tx.all("run_steps.of_run", run_id="run_1")),
            len(tx.all("messages.of_run", run_id="run_1")),
            len(tx.all("events.after", run_id="run_1", after=0)),
            int(tx.one("runs.lock", id="run_1") is not None),
        ]

    assert await database.write(left) == [1, 1, 1, 1]
    assert (
        await database.write(lambda tx: tx.run("threads.delete", id="thread_1", project="p")) == 1
    )
    assert await database.write(left) == [0, 0, 0, 0]
    assert not await database.read(has_thread, "thread_1")


async def test_the_place_of_a_deleted_row_is_never_given_again(database: Database) -> None:
    """Cursors of lists and of streams are such places."""
    await a_queued_run(database)
    first = await database.write(add_event, "run_1", "one")
    await database.write(lambda tx: tx.run("threads.delete", id="thread_1", project="p"))
    await a_queued_run(database)
    assert await database.write(add_event, "run_1", "two") > first


def _add_delivery(tx: Transaction, data: str | None = "{}") -> None:
    tx.run("webhooks.insert", name="a", project="p", event="e")
    tx.run(
        "webhook_deliveries.insert",
        id="evt_1",
        project="p",
        run_id="run_1",
        event="e",
        told_at=1,
        due_at=1.0,
        data=data,
    )


async def test_a_delivery_that_waits_has_something_to_deliver(database: Database) -> None:
    with pytest.raises(BROKEN_RULE):
        await database.write(_add_delivery, data=None)
    await database.write(_add_delivery)


async def test_a_delivery_that_ended_has_a_time_at_which_it_did(database: Database) -> None:
    await database.write(_add_delivery)

    def give_up(tx: Transaction, now: int | None) -> int:
        return tx.run("webhook_deliveries.give_up_all", webhook="a", now=now, error="-")

    with pytest.raises(BROKEN_RULE):
        await database.write(give_up, None)
    assert await database.write(give_up, 1) == 1


async def test_an_event_is_delivered_to_a_webhook_once(database: Database) -> None:
    await database.write(_add_delivery)
    with pytest.raises(BROKEN_RULE):
        await database.write(_add_delivery)
