"""What a bus promises, on the one there is."""

import asyncio

import pytest

from perdure.bus.memory import MemoryBus
from perdure.wire.events import Closing, Delta, DeltaPart, Event, Interrupted, Queued

HEAD, OTHER = b'{"part":0,', b'{"part":1,'


def delta(text: str, head: bytes = HEAD, tail: bytes = b"}") -> Delta:
    return Delta("thread.message.delta", head, text, tail, DeltaPart(0))


def event(seq: int) -> Event:
    return Event(seq, "thread.run.queued", b"{}")


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus()


async def test_every_listener_of_a_topic_gets_everything_in_order(bus: MemoryBus) -> None:
    first, second, other = bus.subscribe("a"), bus.subscribe("a"), bus.subscribe("b")
    told: list[Event | Delta | Closing] = [event(1), delta("x"), event(2)]
    for item in told:
        bus.publish("a", item)
    assert await first.next() == told
    assert await second.next() == told
    bus.publish("b", event(3))
    assert await other.next() == [event(3)]


async def test_a_listener_waits_until_something_is_told(bus: MemoryBus) -> None:
    listener = bus.subscribe("a")
    waiting = asyncio.ensure_future(listener.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish("a", event(1))
    assert await waiting == [event(1)]


async def test_a_listener_that_left_gets_nothing_and_does_not_wait(bus: MemoryBus) -> None:
    listener = bus.subscribe("a")
    waiting = asyncio.ensure_future(listener.next())
    await asyncio.sleep(0)
    listener.close()
    assert await waiting == []
    bus.publish("a", event(1))
    waiting = asyncio.ensure_future(listener.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    listener.wake()
    assert await waiting == []


async def test_a_slow_listener_gets_deltas_of_a_part_joined(bus: MemoryBus) -> None:
    """What waits for it is bounded by the text, not by the number of tokens."""
    listener = bus.subscribe("a")
    bus.publish("a", delta("first", tail=b',"annotations":[]}'))
    for _ in range(10_000):
        bus.publish("a", delta("ab"))
    bus.publish("a", delta("other", head=OTHER))
    bus.publish("a", event(1))
    told = await listener.next()
    assert len(told) < 100
    assert told[0] == delta("first", tail=b',"annotations":[]}')
    assert told[-2:] == [delta("other", head=OTHER), event(1)]
    texts = [item.text for item in told if isinstance(item, Delta) and item.head == HEAD]
    assert "".join(texts) == "first" + "ab" * 10_000


async def test_deltas_are_not_joined_across_an_event(bus: MemoryBus) -> None:
    listener = bus.subscribe("a")
    for _ in range(100):
        bus.publish("a", delta("x"))
    bus.publish("a", event(1))
    for _ in range(100):
        bus.publish("a", delta("y"))
    told = await listener.next()
    place = told.index(event(1))
    assert "".join(item.text for item in told[:place] if isinstance(item, Delta)) == "x" * 100
    assert "".join(item.text for item in told[place + 1 :] if isinstance(item, Delta)) == "y" * 100


async def test_a_fast_listener_gets_every_delta_as_it_is(bus: MemoryBus) -> None:
    listener = bus.subscribe("a")
    for piece in "abcdef":
        bus.publish("a", delta(piece))
        assert await listener.next() == [delta(piece)]


async def test_a_queued_run_goes_to_one_worker_and_to_no_listener(bus: MemoryBus) -> None:
    listener = bus.subscribe("run_1")
    takers = [asyncio.ensure_future(bus.next_run()) for _ in range(2)]
    await asyncio.sleep(0)
    bus.publish("run_1", Queued())
    await asyncio.sleep(0)
    assert [taker.done() for taker in takers] == [True, False]
    assert takers[0].result() == "run_1"
    bus.publish("run_1", event(1))
    assert await listener.next() == [event(1)]
    takers[1].cancel()


async def test_a_run_waits_in_the_queue_once_however_often_it_is_announced(
    bus: MemoryBus,
) -> None:
    for _ in range(3):
        bus.publish("run_1", Queued())
    bus.publish("run_2", Queued())
    assert [await bus.next_run() for _ in range(2)] == ["run_1", "run_2"]
    bus.publish("run_1", Queued())
    assert await bus.next_run() == "run_1"


async def test_an_interrupt_calls_back_while_somebody_listens(bus: MemoryBus) -> None:
    calls: list[str] = []
    with bus.on_interrupt("run_1", lambda: calls.append("called")):
        bus.publish("run_1", Interrupted())
        bus.publish("run_2", Interrupted())
    bus.publish("run_1", Interrupted())
    assert calls == ["called"]


async def test_closing_tells_listeners_of_now_and_of_later(bus: MemoryBus) -> None:
    early = bus.subscribe("a")
    bus.publish("a", event(1))
    bus.close("stopping")
    late = bus.subscribe("a")
    assert await early.next() == [event(1), Closing("stopping")]
    assert await late.next() == [Closing("stopping")]
