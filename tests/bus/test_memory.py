"""What only the bus of one process does."""

from perdure.bus.memory import MemoryBus
from tests.bus.servers import delta, event


async def test_a_fast_listener_gets_every_delta_as_it_is() -> None:
    bus = MemoryBus()
    listener = bus.subscribe("a")
    for piece in "abcdef":
        bus.publish("a", delta(piece))
        assert await listener.next() == [delta(piece)]


async def test_a_listener_knows_the_event_that_the_deltas_follow_which_it_is_given() -> None:
    bus = MemoryBus()
    for told in (event(1), delta("so"), delta(" far")):
        bus.publish("a", told)
    listener = bus.subscribe("a")
    assert listener.seq == 1
    assert await listener.next() == [delta("so far")]


async def test_an_event_that_was_told_already_takes_nothing_from_who_comes_later() -> None:
    bus = MemoryBus()
    for told in (event(1), event(2), delta("so far"), event(1)):
        bus.publish("a", told)
    assert bus.subscribe("a").seq == 2
    assert bus.progress("a").since == [delta("so far")]
