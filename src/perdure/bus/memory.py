"""The bus of one process.

Everything happens on the event loop, so a publish is a plain function call, and the order is that
of the calls.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from perdure.bus.bus import DeltaReceiver
from perdure.lifecycle import STREAM_ENDS
from perdure.wire.events import (
    Closing,
    Delta,
    Event,
    Interrupted,
    Notice,
    Publication,
    Queued,
    RunsChanged,
    StreamItem,
    Waiting,
)

# A subscriber that has this many items waiting lags: from here on deltas are joined.
_LAG = 64


class _ItemQueue:
    """A queue of items. When it has more than so many, deltas of the same part are joined."""

    def __init__(self, lag: int, items: Iterable[StreamItem] = ()) -> None:
        self._lag = lag
        self._items = list(items)
        # The texts that continue the last item: a string that grows by a token at a time
        # would be copied at each.
        self._joined: list[str] = []

    def put(self, item: StreamItem) -> None:
        items = self._items
        if isinstance(item, Delta):
            if len(items) > self._lag:
                last = items[-1]
                if isinstance(last, Delta) and item.head == last.head:
                    self._joined.append(item.text)
                    return
        elif items and isinstance(item, RunsChanged) and isinstance(items[-1], RunsChanged):
            return
        if self._joined:
            self._close_join()
        items.append(item)

    def all(self) -> list[StreamItem]:
        self._close_join()
        return list(self._items)

    def take(self) -> list[StreamItem]:
        if self._joined:
            self._close_join()
        items, self._items = self._items, []
        return items

    def _close_join(self) -> None:
        last = self._items[-1] if self._joined else None
        if isinstance(last, Delta):
            self._items[-1] = last.with_text("".join([last.text, *self._joined]))
            self._joined.clear()


class _Topic:
    """A run whose events are published here: its subscriptions, the last event, and the deltas
    since.
    """

    def __init__(self) -> None:
        self.subscriptions: list[MemorySubscription] = []
        self.seq: int | None = None
        self.since = _ItemQueue(0)
        # The number of characters of deltas since then.
        self.chars = 0

    def note(self, item: StreamItem) -> None:
        """Keeps what a later subscription needs to catch up."""
        if isinstance(item, Delta):
            self.since.put(item)
            self.chars += len(item.text)
        elif isinstance(item, Event):
            if item.name in STREAM_ENDS:
                self.rest()
            elif self.seq is None or item.seq > self.seq:
                self.reach(item.seq)

    def pass_delta(self, delta: Delta) -> None:
        """Keeps a delta, and passes it to the subscriptions. Once a token."""
        self.since.put(delta)
        self.chars += len(delta.text)
        for subscription in self.subscriptions:
            subscription.put(delta)

    def reach(self, seq: int | None) -> None:
        self.seq = seq
        self.chars = 0
        self.since.take()

    def rest(self) -> None:
        """Says that this server no longer works on the run: the log has all its events."""
        self.reach(None)


class MemorySubscription:
    """A subscription in this process; see `Subscription`."""

    def __init__(self, topic: _Topic, leave: Callable[["MemorySubscription"], None]) -> None:
        self.seq = topic.seq
        self._leave = leave
        self._queue = _ItemQueue(_LAG, topic.since.all())
        self._waiting: asyncio.Future[None] | None = None
        self._awake = bool(topic.since.all())
        # What takes deltas while the subscriber waits, and whether it is about to be called.
        self._pass_on: DeltaReceiver | None = None
        self._is_passing = False

    def put(self, item: StreamItem) -> None:
        """Adds an item, or joins it to the last one if the subscriber lags."""
        self._queue.put(item)
        if self._pass_on is None or not isinstance(item, Delta):
            self.wake()
        elif not self._is_passing:
            # All that is published before it is called goes together.
            self._is_passing = True
            asyncio.get_running_loop().call_soon(self._pass)

    async def next(self, pass_on: DeltaReceiver | None = None) -> list[StreamItem]:
        if not self._awake:
            self._waiting, self._pass_on = asyncio.get_running_loop().create_future(), pass_on
            try:
                await self._waiting
            finally:
                self._pass_on = None
        self._awake = False
        return self._queue.take()

    def _pass(self) -> None:
        """Gives the deltas that wait to the subscriber, unless it is woken to take them itself."""
        self._is_passing = False
        if self._pass_on is None or self._waiting is None or self._waiting.done():
            return
        try:
            if not self._pass_on(self._queue.take()):
                self.wake()
        except Exception as error:  # it is the subscriber's, who waits for it
            self._waiting.set_exception(error)

    def wake(self) -> None:
        self._awake = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        self._leave(self)
        self.wake()


class TopicProgress(NamedTuple):
    """Progress of a topic: its last event, if it is known, and what was published since."""

    seq: int | None
    chars: int
    since: list[StreamItem]


class MemoryBus:
    """Publish/subscribe and dispatch in one process; see `Bus`."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._runs = asyncio.Event()
        self._files = asyncio.Event()
        self._callbacks: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._interruptions: list[set[str]] = []
        self._observers: list[Callable[[Notice], None]] = []
        self._closed: Closing | None = None

    def publish(self, topic: str, item: Publication) -> None:
        if isinstance(item, Delta) and topic in self._topics:
            self._topics[topic].pass_delta(item)
        elif isinstance(item, Interrupted):
            self._interrupt(topic)
        elif isinstance(item, Queued):
            self._runs.set()
            self.leave(topic)
        elif isinstance(item, Waiting):
            self._files.set()
        elif isinstance(item, Notice):
            for observe in self._observers:
                observe(item)
        else:
            self._tell(topic, item)

    def _tell(self, topic: str, item: StreamItem) -> None:
        """Passes an item to the subscribers, and keeps it for those that come later."""
        found = self._topics.get(topic)
        if found is None:
            if isinstance(item, RunsChanged):
                return
            found = self._topics[topic] = _Topic()
        found.note(item)
        for subscription in found.subscriptions:
            subscription.put(item)
        if isinstance(item, Event):
            self._drop_if_idle(topic)

    def _interrupt(self, topic: str) -> None:
        for interrupted in self._interruptions:
            interrupted.add(topic)
        for callback in list(self._callbacks.get(topic, ())):
            callback()

    def subscribe(self, topic: str, left: Callable[[], None] | None = None) -> MemorySubscription:
        """See `Bus.subscribe`. `left` is called when the subscription has been closed."""

        def leave(subscription: MemorySubscription) -> None:
            if subscription in found.subscriptions:
                found.subscriptions.remove(subscription)
                if left is not None:
                    left()
            self._drop_if_idle(topic)

        found = self._topics.setdefault(topic, _Topic())
        subscription = MemorySubscription(found, leave)
        found.subscriptions.append(subscription)
        if self._closed:
            subscription.put(self._closed)
        return subscription

    async def next_runs(self) -> None:
        await self._runs.wait()
        self._runs.clear()

    async def next_files(self) -> None:
        await self._files.wait()
        self._files.clear()

    @contextmanager
    def on_interrupt(self, topic: str, callback: Callable[[], None]) -> Iterator[None]:
        callbacks = self._callbacks[topic]
        callbacks.append(callback)
        try:
            yield
        finally:
            callbacks.remove(callback)
            if not callbacks:
                self._callbacks.pop(topic, None)

    @contextmanager
    def interruptions(self) -> Iterator[set[str]]:
        interrupted: set[str] = set()
        self._interruptions.append(interrupted)
        try:
            yield interrupted
        finally:
            # Not by its value: there may be others that are equal.
            self._interruptions = [each for each in self._interruptions if each is not interrupted]

    def observe(self, callback: Callable[[Notice], None]) -> None:
        self._observers.append(callback)

    def leave(self, topic: str) -> None:
        if topic in self._topics:
            self._topics[topic].rest()
            self._drop_if_idle(topic)

    @property
    def topics(self) -> frozenset[str]:
        """The topics of which something is kept: they are worked on here, or have subscribers."""
        return frozenset(self._topics)

    def is_worked_on(self, topic: str) -> bool:
        """Returns True if somebody here waits for an interrupt, as the worker of a run does."""
        return topic in self._callbacks

    def can_be_interrupted(self, topic: str) -> bool:
        """Returns True if an interrupt of the topic concerns somebody here."""
        return bool(self._interruptions) or self.is_worked_on(topic)

    def has_subscribers(self, topic: str) -> bool:
        """Returns True if the topic has subscribers here."""
        return topic in self._topics and bool(self._topics[topic].subscriptions)

    def reached(self, topic: str) -> tuple[int | None, int]:
        """Returns the last event that was published on the topic, and the characters of deltas
        since.
        """
        found = self._topics.get(topic)
        return (None, 0) if found is None else (found.seq, found.chars)

    def progress(self, topic: str) -> TopicProgress:
        """Returns the progress of the topic."""
        found = self._topics.get(topic)
        if found is None:
            return TopicProgress(None, 0, [])
        return TopicProgress(found.seq, found.chars, found.since.all())

    def close(self, reason: str) -> None:
        self._closed = Closing(reason)
        for topic in list(self._topics.values()):
            for subscription in topic.subscriptions:
                subscription.put(self._closed)

    def _drop_if_idle(self, topic: str) -> None:
        found = self._topics.get(topic)
        if found and not found.subscriptions and found.seq is None:
            del self._topics[topic]
