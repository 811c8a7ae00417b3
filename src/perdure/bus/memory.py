"""The bus of one process.

Everything happens on the event loop, so a publish is a plain function call and order is the
order of the calls.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from perdure.wire.events import Closing, Delta, Event, Interrupted, Queued, Told

# A listener that has this many items waiting lags: from here on deltas are joined.
_LAG = 64


class MemorySubscription:
    """One listener's place; see `Subscription`."""

    def __init__(self, leave: Callable[["MemorySubscription"], None]) -> None:
        self._leave = leave
        self._waiting: deque[Event | Delta | Closing] = deque()
        self._joined: list[str] = []
        self._told = asyncio.Event()
        self._closed = False

    def put(self, told: Event | Delta | Closing) -> None:
        """Adds an item, or joins it to the last one when the listener lags."""
        if self._joined and not self._continues(told):
            self._close_join()
        if len(self._waiting) >= _LAG and self._continues(told):
            self._joined.append(told.text)  # type: ignore[union-attr]
        else:
            self._waiting.append(told)
        self._told.set()

    async def next(self) -> list[Event | Delta | Closing]:
        await self._told.wait()
        if not self._closed:
            self._told.clear()
        self._close_join()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def close(self) -> None:
        self._leave(self)
        self._closed = True
        self._told.set()

    def _continues(self, told: Event | Delta | Closing) -> bool:
        last = self._waiting[-1] if self._waiting else None
        return isinstance(told, Delta) and isinstance(last, Delta) and told.head == last.head

    def _close_join(self) -> None:
        # The pieces are kept in a list until then: a string that grows by a token at a time
        # would be copied at each.
        if self._joined:
            last = self._waiting.pop()
            assert isinstance(last, Delta)  # noqa: S101
            self._waiting.append(last._replace(text="".join([last.text, *self._joined])))
            self._joined.clear()


class MemoryBus:
    """Publish/subscribe and dispatch in one process; see `Bus`."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[MemorySubscription]] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._callbacks: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._closed: Closing | None = None

    def publish(self, topic: str, told: Told) -> None:
        if isinstance(told, Queued):
            self._queue.put_nowait(topic)
        elif isinstance(told, Interrupted):
            for callback in list(self._callbacks.get(topic, ())):
                callback()
        else:
            for subscription in self._listeners.get(topic, ()):
                subscription.put(told)

    def subscribe(self, topic: str) -> MemorySubscription:
        def leave(subscription: MemorySubscription) -> None:
            listeners = self._listeners.get(topic, [])
            if subscription in listeners:
                listeners.remove(subscription)
            if not listeners:
                self._listeners.pop(topic, None)

        subscription = MemorySubscription(leave)
        self._listeners.setdefault(topic, []).append(subscription)
        if self._closed:
            subscription.put(self._closed)
        return subscription

    async def next_run(self) -> str:
        return await self._queue.get()

    @contextmanager
    def on_interrupt(self, run_id: str, callback: Callable[[], None]) -> Iterator[None]:
        callbacks = self._callbacks[run_id]
        callbacks.append(callback)
        try:
            yield
        finally:
            callbacks.remove(callback)
            if not callbacks:
                self._callbacks.pop(run_id, None)

    def close(self, reason: str) -> None:
        self._closed = Closing(reason)
        for listeners in list(self._listeners.values()):
            for subscription in listeners:
                subscription.put(self._closed)
