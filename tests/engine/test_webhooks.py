"""Deliveries go out to a real receiver: once if all is well, again if not, and never too soon."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from openai import OpenAI

from perdure.bus.memory import MemoryBus
from perdure.settings.webhooks import EVENTS
from perdure.storage import connect
from perdure.storage.database import Database
from perdure.webhooks import deliveries as commands
from perdure.webhooks.delivery_loop import AT_ONCE, LEASE_SECONDS, Webhook, Webhooks, body_of
from perdure.webhooks.http_sender import HttpSender
from perdure.webhooks.redelivery import SPREAD, WAITS
from perdure.wire.base import encode
from tests.commands.acts import PROJECT
from tests.commands.deliveries import Row, look
from tests.engine.stage import CrashingDatabase, Stage
from tests.patience import PATIENCE_SECONDS, until
from tests.webhooks.receiver import KEY, SECRET, Receiver, receiving


class Post:
    """The webhooks of servers that a test starts, with their targets."""

    def __init__(self, stage: Stage, receiver: Receiver, rows: Callable[[], list[Row]]) -> None:
        self.stage = stage
        self.receiver = receiver
        self.rows = rows
        self.started: list[Webhooks] = []

    async def server(
        self,
        *names: str,
        urls: Mapping[str, str] | None = None,
        database: Database | None = None,
        sender: HttpSender | None = None,
    ) -> Webhooks:
        """A server that was started with these webhooks."""
        known = [
            Webhook(name, PROJECT, (urls or {}).get(name, self.receiver.url), KEY, EVENTS)
            for name in names
        ]
        webhooks = Webhooks(
            known,
            sender or HttpSender(private_targets=True, timeout_seconds=PATIENCE_SECONDS),
            database=database or self.stage.database,
            clock=self.stage.clock,
        )
        await webhooks.configure()
        self.started.append(webhooks)
        return webhooks

    async def complete(self, count: int = 1) -> list[str]:
        """Runs that have just been completed."""
        acts, ended = self.stage.acts, []
        acts.now = int(self.stage.clock.now())
        for _ in range(count):
            hold = await acts.writing()
            await acts.complete(hold)
            ended.append(hold.run_id)
        return ended

    def ids(self) -> list[str]:
        return [received.headers["webhook-id"] for received in self.receiver.received]


@pytest.fixture
async def post(stage: Stage, database_url: str | None, data_dir: Path) -> AsyncIterator[Post]:
    async with receiving() as receiver:
        post = Post(stage, receiver, lambda: look(database_url, data_dir))
        yield post
        for webhooks in post.started:
            await webhooks.settle(0)
            await webhooks.close()


async def send(webhooks: Webhooks) -> None:
    """One step, and what it began."""
    await webhooks.step()
    await asyncio.wait_for(webhooks.settle(), PATIENCE_SECONDS)


async def test_a_run_that_ended_is_delivered_once_as_its_event_told_it(post: Post) -> None:
    webhooks = await post.server("a")
    (run_id,) = await post.complete()
    await send(webhooks)
    await send(webhooks)
    (received,) = post.receiver.received
    (row,) = post.rows()
    now = int(post.stage.clock.now())
    told = json.loads(received.body)
    assert told.pop("data") == json.loads(encode(await post.stage.acts.get(run_id)))
    assert told == {
        "id": row.id,
        "object": "event",
        "type": "thread.run.completed",
        "created_at": now,
        "timestamp": "2027-01-15T08:00:00Z",
    }
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == row.id
    assert received.headers["webhook-timestamp"] == str(now)
    assert (row.run_id, row.status, row.attempts) == (run_id, "delivered", 1)


async def test_the_openai_sdk_unwraps_what_is_delivered(post: Post) -> None:
    """At the machine's own time, for the SDK refuses what is older than five minutes."""
    post.stage.clock.advance(time.time() - post.stage.clock.now())
    webhooks = await post.server("a")
    (run_id,) = await post.complete()
    await send(webhooks)
    (received,) = post.receiver.received
    client = OpenAI(api_key="any", webhook_secret=SECRET)
    event = client.webhooks.unwrap(received.body, received.headers)
    assert event.type == "thread.run.completed"  # type: ignore[comparison-overlap]
    assert (event.id, event.data.id) == (received.headers["webhook-id"], run_id)


async def test_what_fails_is_sent_again_with_the_same_id_and_body_and_a_new_timestamp(
    post: Post,
) -> None:
    webhooks = await post.server("a")
    await post.complete()
    post.receiver.answers = [web.Response(status=500), web.Response(status=302)]
    started = post.stage.clock.now()
    for attempt, wait in enumerate(WAITS[:2], start=1):
        await send(webhooks)
        (row,) = post.rows()
        assert (row.status, row.attempts) == ("waiting", attempt)
        assert wait <= row.due_at - post.stage.clock.now() <= wait * (1 + SPREAD)
        post.stage.clock.advance(wait - 0.01)
        await send(webhooks)  # too soon
        assert len(post.receiver.received) == attempt
        post.stage.clock.advance(wait * SPREAD + 0.02)
    assert post.rows()[0].last_error == "It answered with status 302."
    await send(webhooks)
    (row,) = post.rows()
    assert (row.status, row.attempts, row.last_error) == ("delivered", 3, None)
    assert post.ids() == [row.id] * 3
    assert len({received.body for received in post.receiver.received}) == 1
    timestamps = [int(each.headers["webhook-timestamp"]) for each in post.receiver.received]
    assert timestamps == sorted(set(timestamps))
    assert timestamps[0] == int(started)


async def test_what_never_arrives_is_given_up_after_the_last_attempt_and_kept(post: Post) -> None:
    webhooks = await post.server("a")
    (run_id,) = await post.complete()
    post.receiver.answers = [web.Response(status=500) for _ in range(20)]
    for wait in (*WAITS, 10 * WAITS[-1]):
        await send(webhooks)
        post.stage.clock.advance(wait * (1 + SPREAD) + 1)
    await send(webhooks)
    assert len(post.receiver.received) == len(WAITS) + 1
    (row,) = post.rows()
    assert (row.status, row.last_error) == ("given_up", "It answered with status 500.")
    assert row.data == encode(await post.stage.acts.get(run_id)).decode()


async def test_a_target_that_cannot_be_reached_is_tried_again(post: Post) -> None:
    webhooks = await post.server("a", urls={"a": "http://no-such-host.invalid/"})
    await post.complete()
    await send(webhooks)
    (row,) = post.rows()
    assert (row.status, row.last_error) == ("waiting", "Its host name is not known.")


async def test_a_private_target_is_refused_unless_it_is_allowed(post: Post) -> None:
    webhooks = await post.server("a", sender=HttpSender())
    await post.complete()
    await send(webhooks)
    assert post.receiver.received == []
    assert post.rows()[0].last_error == (
        "It is refused: its address is not public, and webhook_private_targets is not set."
    )


async def test_a_wait_that_the_target_asks_for_is_kept(post: Post) -> None:
    webhooks = await post.server("a")
    await post.complete()
    post.receiver.answers = [web.Response(status=429, headers={"Retry-After": "100"})]
    await send(webhooks)
    assert post.rows()[0].due_at == post.stage.clock.now() + 100


async def test_a_target_that_is_gone_is_sent_nothing_more_until_a_server_is_started(
    post: Post,
) -> None:
    webhooks = await post.server("a", "b")
    post.receiver.answers = [web.Response(status=410)]
    await post.complete()
    await send(webhooks)
    gone = {row.webhook: row.status for row in post.rows()}
    assert sorted(gone.values()) == ["delivered", "given_up"]
    (silent,) = [name for name, status in gone.items() if status == "given_up"]
    await post.complete()
    await send(webhooks)
    assert [row.status for row in post.rows() if row.webhook == silent] == ["given_up"]
    again = await post.server("a", "b")
    await post.complete()
    await send(again)
    statuses = [row.status for row in post.rows() if row.webhook == silent]
    assert sorted(statuses) == ["delivered", "given_up"]


async def test_a_slow_target_delays_no_other(post: Post) -> None:
    count = AT_ONCE + 2
    async with receiving() as slow, asyncio.timeout(PATIENCE_SECONDS):
        slow.open.clear()
        webhooks = await post.server("quick", "slow", urls={"slow": slow.url})
        for so_far in (count, 2 * count):
            await post.complete(count)
            await webhooks.step()
            await post.receiver.wait_received(so_far)
        await slow.wait_received(AT_ONCE)
        assert len(slow.received) == AT_ONCE
        slow.open.set()
        await webhooks.settle()
    assert len(slow.received) == 2 * count
    assert {(row.status, row.attempts) for row in post.rows()} == {("delivered", 1)}


async def test_a_step_does_not_wait_for_its_targets(post: Post) -> None:
    post.receiver.open.clear()
    webhooks = await post.server("a")
    await post.complete()
    await asyncio.wait_for(webhooks.step(), PATIENCE_SECONDS)
    await post.receiver.wait_received(1)
    assert post.rows()[0].status == "waiting"


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_behind_the_sending_makes_for_a_second_one_with_the_same_id(
    post: Post, committed: bool
) -> None:
    """The process dies at its third write: it configures, claims, and records."""
    await post.server("a")
    await post.complete()
    crashing = CrashingDatabase(post.stage.database, crash_at=3, committed=committed)
    dying = await post.server("a", database=crashing)
    await dying.step()
    await asyncio.wait_for(crashing.crashed.wait(), PATIENCE_SECONDS)
    await dying.settle()
    (row,) = post.rows()
    assert (row.status, row.attempts) == ("delivered" if committed else "waiting", 1)
    later = await post.server("a")
    await send(later)
    assert post.ids() == [row.id]
    post.stage.clock.advance(LEASE_SECONDS)
    await send(later)
    assert post.ids() == [row.id] * (1 if committed else 2)
    assert post.rows()[0].status == "delivered"


async def test_what_is_cut_off_at_shutdown_is_sent_by_the_next_start(post: Post) -> None:
    post.receiver.open.clear()
    webhooks = await post.server("a")
    await post.complete()
    await webhooks.step()
    await post.receiver.wait_received(1)
    await webhooks.settle(0)
    post.receiver.open.set()
    post.stage.clock.advance(LEASE_SECONDS)
    await send(await post.server("a"))
    assert len(set(post.ids())) == 1
    assert post.rows()[0].status == "delivered"


async def test_two_servers_of_a_database_send_each_delivery_once(
    post: Post, database_url: str | None, data_dir: Path
) -> None:
    """With PostgreSQL over connections of their own."""
    other = post.stage.database
    if database_url is not None:
        other = connect(database_url, data_dir, bus=MemoryBus())
        await other.open()
    first, second = await post.server("a"), await post.server("a", database=other)
    await post.complete(20)
    while len(post.receiver.received) < 20:
        await asyncio.gather(send(first), send(second))
    await asyncio.gather(send(first), send(second))
    assert len(post.ids()) == len(set(post.ids())) == 20
    assert [row.attempts for row in post.rows()] == [1] * 20
    if other is not post.stage.database:
        await other.close()


async def test_an_engine_delivers_by_itself(post: Post) -> None:
    webhooks = await post.server("a")
    engine = post.stage.engine(webhooks)
    await engine.start()
    run = await post.stage.begin("say: hello")
    (received,) = await post.receiver.wait_received(1)
    await until(lambda: post.rows()[0].status == "delivered")
    await engine.drain(PATIENCE_SECONDS)
    told = json.loads(received.body)
    assert (told["type"], told["data"]["id"]) == ("thread.run.completed", run.id)


async def test_what_is_due_when_a_server_stops_is_sent_before_it_ends(post: Post) -> None:
    webhooks = await post.server("a")
    engine = post.stage.engine(webhooks)
    await post.complete(3)
    await engine.drain(PATIENCE_SECONDS)
    assert len(post.receiver.received) == 3
    assert [row.status for row in post.rows()] == ["delivered"] * 3


async def test_deliveries_that_ended_are_forgotten_with_the_events(post: Post) -> None:
    webhooks = await post.server("a", "b", urls={"b": "http://no-such-host.invalid/"})
    await post.complete()
    await send(webhooks)
    engine = post.stage.engine(webhooks)
    post.stage.clock.advance(30 * 86_400)
    await engine.maintenance.forget()
    assert [row.webhook for row in post.rows()] == ["a", "b"]
    post.stage.clock.advance(2)
    await engine.maintenance.forget()
    assert [row.webhook for row in post.rows()] == ["b"]


def test_the_body_holds_the_objects_own_bytes() -> None:
    delivery = commands.Delivery("evt_1", "a", "run_1", "thread.run.failed", 0, '{"b": "ä"}', 1)
    assert body_of(delivery).endswith(',"data":{"b": "ä"}}'.encode())
    assert json.loads(body_of(delivery))["timestamp"] == "1970-01-01T00:00:00Z"
