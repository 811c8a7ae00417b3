"""Buses for the tests: of one process, and of servers on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from perdure import ids
from perdure.bus.link import LinkMessage
from perdure.bus.shared import SharedBus
from perdure.storage.notifications import Notifications
from perdure.wire.events import Closing, Delta, DeltaPart, Event, RunsChanged
from tests.patience import until

HEAD, OTHER = (
    b'{"object":"thread.message.delta","part":0,"text":',
    b'{"object":"thread.message.delta","part":1,"text":',
)
Heard = Event | Delta | RunsChanged | Closing


def delta(text: str, head: bytes = HEAD, tail: bytes = b"}") -> Delta:
    return Delta("thread.message.delta", head, text, tail, DeltaPart(0))


def event(seq: int, name: str = "thread.run.queued") -> Event:
    return Event(seq, name, b"{}")


class Facts:
    """What the database says, as the tests have written it."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self.interrupted: set[str] = set()
        self.looks = 0

    def append(self, topic: str, *events: Event) -> None:
        self.events.setdefault(topic, []).extend(events)

    async def after(self, topic: str, seq: int) -> list[Event]:
        self.looks += 1
        await asyncio.sleep(0)
        return [each for each in self.events.get(topic, ()) if each.seq > seq]

    async def latest(self, topics: Collection[str]) -> dict[str, int]:
        return {topic: self.events[topic][-1].seq for topic in topics if self.events.get(topic)}

    async def is_interrupted(self, topic: str) -> bool:
        await asyncio.sleep(0)
        return topic in self.interrupted


class Wire:
    """What messages go over in the tests: in order, unless they are lost."""

    def __init__(self) -> None:
        self.ends: dict[str, WireEnd] = {}
        # The messages that were sent, and whether those that come are lost.
        self.sent: list[LinkMessage] = []
        self.is_broken = False
        # What the next one meets.
        self.fault: Exception | None = None


class WireEnd:
    """The end of the wire at one server; see `BusLink`."""

    most_bytes = 1000

    def __init__(self, wire: Wire, server: str) -> None:
        self._wire = wire
        self._heard: Callable[[str], None] | None = None
        self.connected: Callable[[], None] | None = None
        self.reconnections = 0
        wire.ends[server] = self

    async def listen(self, heard: Callable[[str], None], connected: Callable[[], None]) -> None:
        self._heard, self.connected = heard, connected
        connected()
        await asyncio.Event().wait()

    async def send(self, messages: Sequence[LinkMessage]) -> None:
        fault, self._wire.fault = self._wire.fault, None
        if fault is not None:
            raise fault
        self._wire.sent += messages
        if self._wire.is_broken:
            return
        for message in messages:
            for name, end in self._wire.ends.items():
                if message.to in (None, name):
                    end.hear(message.payload)

    def hear(self, payload: str) -> None:
        """A message comes in."""
        if self._heard is not None:
            self._heard(payload)

    def reconnect(self) -> None:
        self.reconnections += 1

    async def close(self) -> None:
        """Is not used any more."""
        self._heard = None


@asynccontextmanager
async def wired(wire: Wire, name: str, facts: Facts) -> AsyncIterator[SharedBus]:
    """A bus at the end of a wire."""
    bus = SharedBus(WireEnd(wire, name), server=name)
    await bus.start(facts)
    try:
        yield bus
    finally:
        await bus.stop()


@asynccontextmanager
async def server(url: str, facts: Facts) -> AsyncIterator[SharedBus]:
    """A bus on this database that has begun to talk."""
    name = ids.new("server")
    bus = SharedBus(Notifications(url, server=name), server=name)
    await bus.start(facts)
    try:
        yield bus
    finally:
        await bus.stop()


@asynccontextmanager
async def two_servers(url: str, facts: Facts) -> AsyncIterator[tuple[SharedBus, SharedBus]]:
    """Two buses that know each other."""
    async with server(url, facts) as one, server(url, facts) as other:
        await until(lambda: one.peers and other.peers)
        yield one, other


async def heard(
    take: Callable[[], Awaitable[list[Heard]]], is_enough: Callable[[list[Heard]], bool]
) -> list[Heard]:
    """All that a listener was told until that is enough, with deltas of a part joined."""
    told: list[Heard] = []
    while not is_enough(told):
        for item in await take():
            last = told[-1] if told else None
            if isinstance(item, Delta) and isinstance(last, Delta) and last.head == item.head:
                told[-1] = last._replace(text=last.text + item.text)
            else:
                told.append(item)
    return told
