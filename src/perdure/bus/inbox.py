"""What other servers tell of the topics that have listeners here.

An event is a hint: the log is read, and what it has is told here, in order. A delta says behind
which event it is and how many characters on, so that nothing is told twice, and what is missing is
asked for again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from perdure.bus.frames import NewEvent, Piece
from perdure.bus.memory import MemoryBus
from perdure.errors import Unavailable
from perdure.wire.events import Event, rest_of

_log = structlog.get_logger(__name__)

# Frames of one topic that wait for a look at the log.
_MOST_WAITING = 1000
_ASK_SECONDS = 0.5
# Looks at the log at once: others read, too.
_LOOKS = 2
_CANCELLING = "thread.run.cancelling"


class BusFacts(Protocol):
    """What the database says, where a message says something of it. Raises `Unavailable` while that
    is away.
    """

    async def after(self, topic: str, seq: int) -> list[Event]:
        """The events of a topic behind one, in order."""
        ...

    async def latest(self, topics: Collection[str]) -> dict[str, int]:
        """The last event of each topic that has any."""
        ...

    async def is_interrupted(self, topic: str) -> bool:
        """Whether the work on a topic that is in hand here is not to go on as it does."""
        ...


class _Followed:
    """A topic that has listeners here."""

    def __init__(self) -> None:
        # The last event that was told here, and whether the run is being cancelled since.
        self.last = 0
        self.is_cancelling = False
        self.waiting: deque[NewEvent | Piece] = deque()
        # Events that were read and whose turn has not come.
        self.read: deque[Event] = deque()
        self.looking: asyncio.Task[None] | None = None
        self.asked_at = float("-inf")

    def come_to(self, event: Event) -> bool:
        """Whether an event is news."""
        if event.seq <= self.last:
            return False
        self.last, self.is_cancelling = event.seq, event.name == _CANCELLING
        return True


class Inbox:
    """Brings to the listeners here what is told elsewhere. `ask` is called with a topic of which
    something is missing.
    """

    def __init__(self, local: MemoryBus, *, ask: Callable[[str], None]) -> None:
        self._local = local
        self._facts: BusFacts | None = None
        self._ask = ask
        self._topics: dict[str, _Followed] = {}
        self._looks = asyncio.Semaphore(_LOOKS)

    def open(self, facts: BusFacts) -> None:
        """Begins to take what is said."""
        self._facts = facts

    @property
    def topics(self) -> list[str]:
        """Those that have listeners here."""
        return list(self._topics)

    def follow(self, topic: str) -> bool:
        """Begins to follow; whether that is news."""
        if topic in self._topics:
            return False
        self._topics[topic] = _Followed()
        return True

    def leave(self, topic: str) -> None:
        """Follows no more."""
        followed = self._topics.pop(topic, None)
        if followed is not None and followed.looking is not None:
            followed.looking.cancel()

    def note(self, topic: str, event: Event) -> None:
        """An event was told by this server itself."""
        followed = self._topics.get(topic)
        if followed is not None:
            followed.come_to(event)

    def take(self, frame: NewEvent | Piece) -> None:
        """Takes what another server said."""
        followed = self._topics.get(frame.topic)
        if followed is None or self._facts is None:
            return
        if len(followed.waiting) >= _MOST_WAITING:
            followed.waiting.clear()
            self._miss(frame.topic, followed)
        followed.waiting.append(frame)
        self._proceed(frame.topic, followed)

    async def poll(self) -> None:
        """Looks for events whose word was lost."""
        topics = [topic for topic in self._topics if not self._local.is_worked_on(topic)]
        if not topics or self._facts is None:
            return
        for topic, seq in (await self._facts.latest(topics)).items():
            self.take(NewEvent(topic, seq))

    def _proceed(self, topic: str, followed: _Followed) -> None:
        """Tells what waits, as far as that needs no look at the log."""
        while followed.waiting and followed.looking is None:
            frame = followed.waiting[0]
            self._bring(topic, followed, upto=frame.seq)
            if frame.seq > followed.last:
                followed.looking = asyncio.create_task(
                    self._look(topic, followed, frame.seq), name="look"
                )
                return
            followed.waiting.popleft()
            if isinstance(frame, Piece):
                self._tell(frame, followed)

    async def _look(self, topic: str, followed: _Followed, seq: int) -> None:
        """Tells the events of the log up to one, which may not be there."""
        assert self._facts is not None  # noqa: S101 # else nothing is taken
        try:
            async with self._looks:
                events = await self._facts.after(topic, followed.last or seq - 1)
        except Unavailable:
            events = []
        except Exception:
            _log.exception("loop_step_broke", loop="bus")
            events = []
        followed.looking = None
        if self._topics.get(topic) is not followed:
            return
        followed.read = deque(events)
        self._bring(topic, followed, upto=seq)
        # What the log does not have was not said by one of us, or can not be looked up now.
        while followed.waiting and followed.waiting[0].seq > followed.last:
            followed.waiting.popleft()
        self._proceed(topic, followed)

    def _bring(self, topic: str, followed: _Followed, *, upto: int) -> None:
        """Tells the events that were read, up to one: deltas may come between them."""
        while followed.read and followed.read[0].seq <= upto:
            event = followed.read.popleft()
            if followed.come_to(event):
                self._local.publish(topic, event)

    def _tell(self, frame: Piece, followed: _Followed) -> None:
        seq, chars = self._local.reached(frame.topic)
        if seq != frame.seq or self._local.is_worked_on(frame.topic):
            return  # It is of an earlier telling.
        if followed.is_cancelling:
            # Its worker hears of it a moment later than this server: of what it tells until then
            # some was told before the event, and nobody knows how much. The end has all of it.
            return
        if frame.offset > chars:
            self._miss(frame.topic, followed)
            return
        known = chars - frame.offset
        delta = frame.delta
        if delta is not None and (not known or known < len(delta.text)):
            self._local.publish(frame.topic, rest_of(delta, known) if known else delta)

    def _miss(self, topic: str, followed: _Followed) -> None:
        now = asyncio.get_running_loop().time()
        if now - followed.asked_at >= _ASK_SECONDS:
            followed.asked_at = now
            self._ask(topic)
