"""What a bus promises, on each there is: of one process, and between servers on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from perdure.bus.memory import MemoryBus
from perdure.bus.shared import SharedBus
from perdure.wire.events import (
    Closing,
    Delta,
    Event,
    Interrupted,
    Publication,
    Queued,
    RunsChanged,
    Waiting,
    runs_topic,
)
from tests.bus.servers import HEAD, OTHER, Facts, Heard, delta, event, heard, server, two_servers
from tests.patience import PATIENCE_SECONDS, until

Bus = MemoryBus | SharedBus
TOPIC = "run_a"


class Buses:
    """The bus of who tells, who works on the run, and that of who listens; they may be one."""

    def __init__(self, teller: Bus, listener: Bus, facts: Facts) -> None:
        self.teller = teller
        self.listener = listener
        self.facts = facts

    def tell(self, topic: str, *told: Publication) -> None:
        """Writes what is to be found, and tells it."""
        for item in told:
            if isinstance(item, Event):
                self.facts.append(topic, item)
            if isinstance(item, Interrupted):
                self.facts.interrupted.add(topic)
            self.teller.publish(topic, item)

    async def subscribe(self, topic: str) -> Callable[[], Awaitable[list[Heard]]]:
        """Listens; what is told from now on arrives."""
        listener = self.listener.subscribe(topic)
        await until(lambda: self.teller.has_subscribers(topic))
        return lambda: asyncio.wait_for(listener.next(), PATIENCE_SECONDS)


@pytest.fixture(params=["memory", "alone on postgres", "two on postgres"])
def shared(request: pytest.FixtureRequest) -> tuple[str | None, int]:
    """The database that servers share, if any, and how many they are."""
    if request.param == "memory":
        return None, 1
    url: str = request.getfixturevalue("postgres_url")
    return url, 1 if request.param == "alone on postgres" else 2


@pytest.fixture
async def buses(shared: tuple[str | None, int]) -> AsyncIterator[Buses]:
    facts = Facts()
    url, servers = shared
    async with AsyncExitStack() as stack:
        if url is None:
            teller: Bus = MemoryBus()
            listener = teller
        elif servers == 1:
            teller = listener = await stack.enter_async_context(server(url, facts))
        else:
            teller, listener = await stack.enter_async_context(two_servers(url, facts))
        with teller.on_interrupt(TOPIC, lambda: None):
            yield Buses(teller, listener, facts)


async def test_every_listener_of_a_topic_gets_everything_in_order(buses: Buses) -> None:
    first, second = await buses.subscribe(TOPIC), await buses.subscribe(TOPIC)
    other = await buses.subscribe("run_b")
    told: list[Heard] = [
        event(1),
        delta("x"),
        event(2),
        delta("y"),
        delta("z", head=OTHER),
        event(3),
    ]
    buses.tell(TOPIC, *told)
    assert await heard(first, lambda got: got[-1:] == [event(3)]) == told
    assert await heard(second, lambda got: got[-1:] == [event(3)]) == told
    buses.tell("run_b", event(4))
    assert await other() == [event(4)]


async def test_a_listener_waits_until_something_is_told(buses: Buses) -> None:
    listener = await buses.subscribe(TOPIC)
    waiting = asyncio.ensure_future(listener())
    await asyncio.sleep(0)
    assert not waiting.done()
    buses.tell(TOPIC, event(1))
    assert await waiting == [event(1)]


async def test_a_listener_that_left_gets_nothing_and_does_not_wait(buses: Buses) -> None:
    listener = buses.listener.subscribe(TOPIC)
    waiting = asyncio.ensure_future(listener.next())
    await asyncio.sleep(0)
    listener.close()
    assert await waiting == []
    buses.tell(TOPIC, event(1))
    waiting = asyncio.ensure_future(listener.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    listener.wake()
    assert await waiting == []


async def test_a_slow_listener_gets_deltas_of_a_part_joined(buses: Buses) -> None:
    """What waits for it is bounded by the text, not by the number of tokens."""
    listener = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, event(1), delta("first", tail=b',"annotations":[]}'))
    buses.tell(TOPIC, *[delta("ab")] * 10_000)
    buses.tell(TOPIC, delta("other", head=OTHER), event(2))
    items = 0

    async def take() -> list[Heard]:
        nonlocal items
        told = await listener()
        items += len(told)
        return told

    told = await heard(take, lambda got: got[-1:] == [event(2)])
    assert items < 100
    text = delta("first" + "ab" * 10_000, tail=b',"annotations":[]}')
    assert told == [event(1), text, delta("other", head=OTHER), event(2)]


async def test_deltas_of_one_moment_are_passed_on_together_while_the_listener_waits(
    buses: Buses,
) -> None:
    listener = buses.listener.subscribe(TOPIC)
    await until(lambda: buses.teller.has_subscribers(TOPIC))
    passed: list[Heard] = []

    def pass_on(deltas: Sequence[Heard]) -> bool:
        passed.extend(deltas)
        return True

    waiting = asyncio.ensure_future(listener.next(pass_on))
    await asyncio.sleep(0)
    buses.tell(TOPIC, event(1))
    assert await waiting == [event(1)]
    waiting = asyncio.ensure_future(listener.next(pass_on))
    await asyncio.sleep(0)
    buses.tell(TOPIC, delta("a"), delta("b"))
    assert passed == []  # not within the call that publishes
    await until(lambda: "".join(each.text for each in passed if isinstance(each, Delta)) == "ab")
    assert not waiting.done()
    buses.tell(TOPIC, delta("c"), event(2))
    rest = await waiting
    assert [*passed, *rest][-1] == event(2)
    assert "".join(each.text for each in [*passed, *rest] if isinstance(each, Delta)) == "abc"
    buses.tell(TOPIC, delta("d"))
    assert await listener.next() == [delta("d")]  # nobody takes it while nobody waits


@pytest.mark.parametrize("is_broken", [False, True])
async def test_a_listener_that_takes_no_more_deltas_is_woken(
    buses: Buses, *, is_broken: bool
) -> None:
    listener = buses.listener.subscribe(TOPIC)
    await until(lambda: buses.teller.has_subscribers(TOPIC))
    passed: list[Heard] = []

    def pass_on(deltas: Sequence[Heard]) -> bool:
        passed.extend(deltas)
        if is_broken:
            raise ConnectionError
        return False

    buses.tell(TOPIC, event(1))
    assert await listener.next(pass_on) == [event(1)]
    waiting = asyncio.ensure_future(listener.next(pass_on))
    await asyncio.sleep(0)
    buses.tell(TOPIC, delta("a"))
    if is_broken:
        with pytest.raises(ConnectionError):
            await waiting
    else:
        assert await waiting == []
    assert passed == [delta("a")]


async def test_deltas_are_not_joined_across_an_event(buses: Buses) -> None:
    listener = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, event(1), *[delta("x")] * 100, event(2), *[delta("y")] * 100)
    told = await heard(listener, lambda got: _text(got).count("y") == 100)
    assert told == [event(1), delta("x" * 100), event(2), delta("y" * 100)]


def _text(told: list[Heard]) -> str:
    return "".join(item.text for item in told if isinstance(item, Delta))


async def test_a_text_of_any_length_arrives_whole(buses: Buses) -> None:
    listener = await buses.subscribe(TOPIC)
    text = 'quote " back\\slash \x01 line\n é 漢 😀 ' * 8_000
    buses.tell(TOPIC, event(1), delta(text), event(2))
    told = await heard(listener, lambda got: got[-1:] == [event(2)])
    assert told == [event(1), delta(text), event(2)]


async def test_a_head_of_any_length_arrives_whole(buses: Buses) -> None:
    listener = await buses.subscribe(TOPIC)
    head = HEAD.replace(b'"part":0', b'"note":"%b"' % (b"long " * 20_000))
    buses.tell(TOPIC, event(1), delta("x", head=head), event(2))
    told = await heard(listener, lambda got: got[-1:] == [event(2)])
    assert told == [event(1), delta("x", head=head), event(2)]


async def test_who_comes_later_is_given_what_was_told_since_the_last_event(buses: Buses) -> None:
    """As long as the run is worked on; what was before is in the log."""
    buses.tell(TOPIC, event(1), delta("lost with its event"), event(2))
    buses.tell(TOPIC, delta("so "), delta("far"))
    late = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, delta(", and on"), event(3))
    told = await heard(late, lambda got: got[-1:] == [event(3)])
    # Where the listener is elsewhere, the event comes with it: it may have missed that.
    if buses.teller is not buses.listener:
        assert told.pop(0) == event(2)
    assert told == [delta("so far, and on"), event(3)]


async def test_workers_hear_that_a_run_waits_and_listeners_do_not(buses: Buses) -> None:
    listener = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, Queued())
    await asyncio.wait_for(buses.listener.next_runs(), PATIENCE_SECONDS)
    if buses.teller is not buses.listener:
        await asyncio.wait_for(buses.teller.next_runs(), PATIENCE_SECONDS)
    buses.tell(TOPIC, event(1))
    assert await listener() == [event(1)]


async def test_workers_hear_that_files_wait(buses: Buses) -> None:
    await buses.subscribe(TOPIC)
    buses.tell(TOPIC, Waiting())
    await asyncio.wait_for(buses.listener.next_files(), PATIENCE_SECONDS)


async def test_workers_hear_once_of_all_that_was_queued_before_they_had_time(
    buses: Buses,
) -> None:
    await buses.subscribe(TOPIC)
    for run_id in ("run_1", "run_2", "run_1"):
        buses.tell(run_id, Queued())
    await asyncio.wait_for(buses.listener.next_runs(), PATIENCE_SECONDS)
    waiting = asyncio.ensure_future(buses.listener.next_runs())
    await asyncio.sleep(0)
    assert not waiting.done()
    buses.tell("run_1", Queued())
    await asyncio.wait_for(waiting, PATIENCE_SECONDS)


async def test_an_interrupt_calls_back_who_works_on_the_topic(buses: Buses) -> None:
    await buses.subscribe(TOPIC)
    calls: list[str] = []
    with buses.listener.on_interrupt("run_1", lambda: calls.append("called")):
        buses.tell("run_2", Interrupted())
        buses.tell("run_1", Interrupted())
        await until(lambda: calls)
    buses.tell("run_1", Interrupted())
    assert calls == ["called"]


async def test_who_is_being_given_work_hears_of_all_that_is_interrupted(buses: Buses) -> None:
    await buses.subscribe(TOPIC)
    with buses.listener.interruptions() as interrupted:
        buses.tell("run_2", Interrupted())
        await until(lambda: interrupted)
    assert set(interrupted) == {"run_2"}


async def test_closing_tells_listeners_of_now_and_of_later(buses: Buses) -> None:
    early = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, event(1))
    assert await early() == [event(1)]
    buses.listener.close("stopping")
    late = buses.listener.subscribe(TOPIC)
    assert await early() == [Closing("stopping")]
    assert (await late.next())[-1:] == [Closing("stopping")]


async def test_a_run_that_ended_leaves_nothing_for_who_comes_later(buses: Buses) -> None:
    first = await buses.subscribe(TOPIC)
    buses.tell(TOPIC, event(1), delta("x"), event(2, "thread.run.completed"))
    await heard(first, lambda got: got[-1:] == [event(2, "thread.run.completed")])
    assert buses.listener.subscribe(TOPIC).seq is None


async def test_listeners_of_a_project_hear_that_runs_have_changed_and_those_of_runs_do_not(
    buses: Buses,
) -> None:
    topic = runs_topic("proj_a")
    heard_of = await buses.subscribe(topic)
    run = buses.listener.subscribe(TOPIC)
    for _ in range(3):
        buses.tell(topic, RunsChanged())
    # However often it was told, until somebody had time.
    assert await heard_of() == [RunsChanged()]
    buses.tell(topic, RunsChanged())
    assert await heard_of() == [RunsChanged()]
    run.wake()
    assert await run.next() == []


async def test_nothing_is_kept_of_changes_that_nobody_listens_to(buses: Buses) -> None:
    buses.tell(runs_topic("proj_a"), RunsChanged())
    assert runs_topic("proj_a") not in buses.teller.topics
