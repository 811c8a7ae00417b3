"""Messages of other servers about topics that have subscribers here.

An event comes as a hint: the log is read, and its events are published here, in order. A delta has
the event that it follows and the number of characters since, so that nothing is published twice,
and a gap is noticed and asked for.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from perdure.bus.frames import NewEvent, Piece, RunsChange
from perdure.bus.memory import MemoryBus
from perdure.errors import Unavailable
from perdure.wire.events import Event, RunsChanged, is_runs_topic, rest_of

_log = structlog.get_logger(__name__)

# Frames of one topic that wait for a look at the log.
_MOST_WAITING = 1000
_ASK_SECONDS = 0.5
# Looks at the log at once: others read, too.
_LOOKS = 2
_CANCELLING = "thread.run.cancelling"


class BusFacts(Protocol):
    """Facts of the database that messages are checked against. Raises `Unavailable` while the
    database is away.
    """

    async def after(self, topic: str, seq: int) -> list[Event]:
        """Returns the events of a topic behind one, in order."""
        ...

    async def latest(self, topics: Collection[str]) -> dict[str, int]:
        """Returns the last event of each topic that has any."""
        ...

    async def is_interrupted(self, topic: str) -> bool:
        """Returns True if the work on a topic must stop, or look at its row again."""
        ...


class _Followed:
    """A topic that has subscribers here."""

    def __init__(self) -> None:
        # The last event that was published here, and whether it is that the run is being cancelled.
        self.last = 0
        self.is_cancelling = False
        self.waiting: deque[NewEvent | Piece] = deque()
        # Events that were read and whose turn has not come.
        self.read: deque[Event] = deque()
        self.looking: asyncio.Task[None] | None = None
        self.asked_at = float("-inf")

    def come_to(self, event: Event) -> bool:
        """Notes an event. Returns True if it is new."""
        if event.seq <= self.last:
            return False
        self.last, self.is_cancelling = event.seq, event.name == _CANCELLING
        return True


class Inbox:
    """Publishes here what other servers send. `ask` is called with a topic of which something is
    missing.
    """

    def __init__(self, local: MemoryBus, *, ask: Callable[[str], None]) -> None:
        self._local = local
        self._facts: BusFacts | None = None
        self._ask = ask
        self._topics: dict[str, _Followed] = {}
        self._looks = asyncio.Semaphore(_LOOKS)

    def open(self, facts: BusFacts) -> None:
        """Begins to take messages."""
        self._facts = facts

    @property
    def topics(self) -> list[str]:
        """The topics that have subscribers here."""
        return list(self._topics)

    def follow(self, topic: str) -> bool:
        """Begins to follow a topic. Returns True if it was not followed before."""
        if topic in self._topics:
            return False
        self._topics[topic] = _Followed()
        return True

    def leave(self, topic: str) -> None:
        """Stops following a topic."""
        followed = self._topics.pop(topic, None)
        if followed is not None and followed.looking is not None:
            followed.looking.cancel()

    def note(self, topic: str, event: Event) -> None:
        """Notes an event that this server itself has published."""
        followed = self._topics.get(topic)
        if followed is not None:
            followed.come_to(event)

    def take(self, frame: NewEvent | Piece | RunsChange) -> None:
        """Takes a frame of another server."""
        if isinstance(frame, RunsChange):
            if is_runs_topic(frame.topic):
                self._local.publish(frame.topic, RunsChanged())
            return
        followed = self._topics.get(frame.topic)
        if followed is None or self._facts is None:
            return
        if len(followed.waiting) >= _MOST_WAITING:
            followed.waiting.clear()
            self._miss(frame.topic, followed)
        followed.waiting.append(frame)
        self._proceed(frame.topic, followed)

    async def poll(self) -> None:
        """Looks for events whose hint was lost."""
        for topic in filter(is_runs_topic, self._topics):
            self._local.publish(topic, RunsChanged())
        topics = [
            topic
            for topic in self._topics
            if not (is_runs_topic(topic) or self._local.is_worked_on(topic))
        ]
        if not topics or self._facts is None:
            return
        for topic, seq in (await self._facts.latest(topics)).items():
            self.take(NewEvent(topic, seq))

    def _proceed(self, topic: str, followed: _Followed) -> None:
        """Publishes the frames that wait, up to one that needs a look at the log."""
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
        """Publishes the events of the log up to one, which may not be there."""
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
        # An event that the log lacks is invented, or cannot be looked up now.
        while followed.waiting and followed.waiting[0].seq > followed.last:
            followed.waiting.popleft()
        self._proceed(topic, followed)

    def _bring(self, topic: str, followed: _Followed, *, upto: int) -> None:
        """Publishes the events that were read, up to one: deltas may come between them."""
        while followed.read and followed.read[0].seq <= upto:
            event = followed.read.popleft()
            if followed.come_to(event):
                self._local.publish(topic, event)

    def _tell(self, frame: Piece, followed: _Followed) -> None:
        seq, chars = self._local.reached(frame.topic)
        if seq != frame.seq or self._local.is_worked_on(frame.topic):
            return  # It is of an earlier attempt.
        if followed.is_cancelling:
            # The worker learns of it later than this server, and publishes deltas until then that
            # were not received here: the text would have a gap. The message that ends has all of
            # it.
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
