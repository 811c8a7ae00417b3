"""The bus of several servers on one database.

Each server has a bus of its own, and sends the others over a link what they need: hints that
something waits, was interrupted or has an event, and the deltas of runs that have subscribers
there. A message may be lost or invented. So a hint leads to a look at the database and no further;
what was lost is found there within two seconds.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import structlog

from perdure.background import loop
from perdure.bus import frames
from perdure.bus.audience import Audience
from perdure.bus.frames import (
    MOST_TOPICS,
    FilesWait,
    Frame,
    Interrupt,
    NewEvent,
    Packer,
    Piece,
    RunsChange,
    RunsWait,
    ServerAlive,
    ServerGone,
    Subscribed,
    Unsubscribed,
)
from perdure.bus.inbox import BusFacts, Inbox
from perdure.bus.link import BusLink, LinkDown, LinkMessage
from perdure.bus.memory import MemoryBus, MemorySubscription
from perdure.bus.outbox import Outbox
from perdure.errors import Unavailable
from perdure.wire.events import (
    Delta,
    Event,
    Interrupted,
    Notice,
    Publication,
    Queued,
    RunsChanged,
    Waiting,
    is_runs_topic,
)

_log = structlog.get_logger(__name__)

# A hint that was lost is made up for within this, and the look.
_POLL_SECONDS = 1.5
_ALIVE_SECONDS = 5.0
# The topics with subscribers are sent again, in case that was lost.
_SUBSCRIBED_SECONDS = 10.0
# A server that does not receive its own messages for so long has a dead connection.
_DEAF_SECONDS = 12.0
_AGAIN_SECONDS = 0.25
_FAREWELL_SECONDS = 1.0
_MOST_CONFIRMATIONS = 1000
_MOST_COMMON = 10_000


class SharedBus:
    """Publish/subscribe and dispatch among servers; see `Bus`. `server` is this server's name."""

    def __init__(self, link: BusLink, *, server: str) -> None:
        self._local = MemoryBus()
        self._link = link
        self._server = server
        self._facts: BusFacts | None = None
        self._inbox = Inbox(self._local, ask=self._ask)
        self._audience = Audience()
        self._packer = Packer(server, most_bytes=link.most_bytes)
        # What goes to all, in order.
        self._common: list[Frame] = []
        self._confirming: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._timer: asyncio.Handle | None = None
        self._timer_due = 0.0
        self._sent_alive_at = self._sent_topics_at = self._received_self_at = 0.0
        self._is_connected = False
        self._has_lost_subscriber = asyncio.Event()

    async def start(self, facts: BusFacts) -> None:
        """Connects to the other servers. It waits for nothing: the bus works without them."""
        self._facts = facts
        self._inbox.open(facts)
        self._received_self_at = asyncio.get_running_loop().time()
        # What breaks is logged, and neither sending nor listening ends by it.
        self._tasks = [
            asyncio.create_task(loop("bus link", self._listen, every=0), name="bus link"),
            asyncio.create_task(loop("bus sender", self._send, every=0), name="bus sender"),
            asyncio.create_task(loop("bus", self.step, every=_POLL_SECONDS), name="bus"),
        ]

    async def stop(self) -> None:
        """Says that this server ends, and disconnects."""
        for task in [*self._tasks, *self._confirming.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for topic in self._inbox.topics:
            self._inbox.leave(topic)
        if self._audience:
            with suppress(LinkDown, TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._link.send([*self._to(None, [ServerGone()])])
        await self._link.close()

    def publish(self, topic: str, item: Publication) -> None:
        """See `Bus.publish`."""
        if isinstance(item, Delta):
            # The hot path: without subscribers elsewhere it costs one look-up.
            for outbox in self._audience.of(topic):
                seq, chars = self._local.reached(topic)
                if seq is not None:
                    outbox.delta(topic, seq, chars, item)
                    self._schedule(outbox)
            self._local.publish(topic, item)
            return
        self._local.publish(topic, item)
        match item:
            case Event():
                self._send_event(topic, item)
            case RunsChanged():
                for outbox in self._audience.of(topic):
                    outbox.runs_change(topic)
                    self._schedule(outbox)
            case Queued():
                self._send_to_all(RunsWait())
            case Waiting():
                self._send_to_all(FilesWait())
            case Interrupted():
                self._send_to_all(Interrupt(topic))

    def _send_event(self, topic: str, event: Event) -> None:
        self._inbox.note(topic, event)
        for outbox in self._audience.of(topic):
            outbox.event(topic, event.seq)
            self._schedule(outbox)
        if not (self._local.is_worked_on(topic) or self._local.has_subscribers(topic)):
            # The run is worked on elsewhere, or nowhere yet.
            self._local.leave(topic)

    def subscribe(self, topic: str) -> MemorySubscription:
        """See `Bus.subscribe`."""
        if self._inbox.follow(topic):
            self._send_to_all(Subscribed([topic]))
        return self._local.subscribe(topic, lambda: self._left(topic))

    async def next_runs(self) -> None:
        """See `Bus.next_runs`."""
        await self._local.next_runs()

    async def next_files(self) -> None:
        """See `Bus.next_files`."""
        await self._local.next_files()

    def on_interrupt(
        self, topic: str, callback: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """See `Bus.on_interrupt`."""
        return self._local.on_interrupt(topic, callback)

    def interruptions(self) -> AbstractContextManager[set[str]]:
        """See `Bus.interruptions`."""
        return self._local.interruptions()

    def observe(self, callback: Callable[[Notice], None]) -> None:
        """See `Bus.observe`."""
        self._local.observe(callback)

    def leave(self, topic: str) -> None:
        """See `Bus.leave`. Not while it has subscribers: another server may work on it by now."""
        if not self._local.has_subscribers(topic):
            self._local.leave(topic)

    def close(self, reason: str) -> None:
        """See `Bus.close`."""
        self._local.close(reason)

    async def wait_for_streams(self) -> None:
        """Waits until no run has subscribers here."""
        while any(map(self._is_streamed_run, self.topics)):
            self._has_lost_subscriber.clear()
            await self._has_lost_subscriber.wait()

    def _is_streamed_run(self, topic: str) -> bool:
        return self._local.has_subscribers(topic) and not is_runs_topic(topic)

    @property
    def topics(self) -> frozenset[str]:
        """The topics of which something is kept, since they are worked on or subscribed to here."""
        return self._local.topics

    @property
    def peers(self) -> frozenset[str]:
        """The other servers that live."""
        return frozenset(self._audience.peers)

    def has_subscribers(self, topic: str) -> bool:
        """Returns True if the topic has subscribers, here or at another server."""
        return self._local.has_subscribers(topic) or bool(self._audience.of(topic))

    async def step(self) -> None:
        """Says that this server lives, forgets those that do not, and looks for events whose hint
        was lost.
        """
        now = asyncio.get_running_loop().time()
        self._audience.forget_silent(now)
        if now - self._sent_alive_at >= _ALIVE_SECONDS:
            self._sent_alive_at = now
            self._put(ServerAlive())
        if now - self._sent_topics_at >= _SUBSCRIBED_SECONDS:
            self._send_topics(again=False)
        if self._is_connected and now - self._received_self_at > _DEAF_SECONDS:
            self._received_self_at, self._is_connected = now, False
            self._link.reconnect()
        # Whoever needs the database logs the reason.
        with suppress(Unavailable):
            await self._inbox.poll()

    def _connected(self) -> None:
        """Asks the others for all that may be lost: the link has just begun to listen."""
        self._is_connected = True
        self._received_self_at = asyncio.get_running_loop().time()
        self._put(ServerAlive(new=True))
        self._send_topics(again=True)

    def _receive(self, payload: str) -> None:
        """Takes a message, whoever has sent it."""
        now = asyncio.get_running_loop().time()
        message = frames.decode(payload)
        if message is None:
            return
        sender, said = message
        if sender == self._server:
            self._received_self_at = now
            return
        peer, is_new = self._audience.note_life(sender, now)
        if peer is None:
            return
        if is_new:
            self._send_topics(again=False)
        for part in said:
            frame = peer.joiner.take(part)
            if frame is not None:
                self._take(sender, frame)

    def _take(self, sender: str, frame: Frame) -> None:
        match frame:
            case RunsWait():
                self._local.publish("", Queued())
            case FilesWait():
                self._local.publish("", Waiting())
            case NewEvent() | Piece() | RunsChange():
                self._inbox.take(frame)
            case Interrupt(topic=topic):
                self._confirm_soon(topic)
            case Subscribed(topics=topics, again=again) if sender in self._audience.peers:
                news = self._audience.add(sender, topics)
                for topic in topics if again else news:
                    self._send_progress(topic, self._audience.peers[sender].outbox)
            case Unsubscribed(topics=topics) if sender in self._audience.peers:
                self._audience.remove(sender, topics)
            case ServerAlive(new=True):
                self._put(ServerAlive())
                self._send_topics(again=False)
            case ServerGone() if sender in self._audience.peers:
                self._audience.forget(sender)

    def _send_progress(self, topic: str, outbox: Outbox) -> None:
        """Sends a server that begins to subscribe what it needs to catch up."""
        if not self._local.is_worked_on(topic):
            return
        seq, _, since = self._local.progress(topic)
        if seq is None:
            return
        outbox.event(topic, seq)
        offset = 0
        for told in since:
            if isinstance(told, Delta):
                outbox.delta(topic, seq, offset, told)
                offset += len(told.text)
        self._schedule(outbox)

    def _confirm_soon(self, topic: str) -> None:
        """Interrupts the work on a topic if the database agrees."""
        facts = self._facts
        if facts is None or not self._local.can_be_interrupted(topic):
            return
        if topic in self._confirming or len(self._confirming) >= _MOST_CONFIRMATIONS:
            return

        async def confirm() -> None:
            try:
                if await facts.is_interrupted(topic):
                    self._local.publish(topic, Interrupted())
            except Unavailable:
                pass  # The heartbeat finds it.
            finally:
                del self._confirming[topic]

        self._confirming[topic] = asyncio.create_task(confirm(), name="confirm")

    def _left(self, topic: str) -> None:
        """Says that a topic has no subscribers any more, if this was the last one."""
        if self._local.has_subscribers(topic):
            return
        self._has_lost_subscriber.set()
        self._inbox.leave(topic)
        self._send_to_all(Unsubscribed([topic]))
        if not self._local.is_worked_on(topic):
            self._local.leave(topic)

    def _ask(self, topic: str) -> None:
        self._send_to_all(Subscribed([topic], again=True))

    def _send_topics(self, *, again: bool) -> None:
        self._sent_topics_at = asyncio.get_running_loop().time()
        topics = self._inbox.topics
        for at in range(0, len(topics), MOST_TOPICS):
            self._send_to_all(Subscribed(topics[at : at + MOST_TOPICS], again=again))

    def _send_to_all(self, frame: Frame) -> None:
        """Sends a frame to all other servers, if there are any."""
        if self._audience:
            self._put(frame)

    def _put(self, frame: Frame) -> None:
        if not self._common or self._common[-1] != frame:
            self._common.append(frame)
        if len(self._common) > _MOST_COMMON:
            self._common.clear()  # Nothing can be sent, and all of it is found without.
        self._wake.set()

    def _schedule(self, outbox: Outbox) -> None:
        """Sees to it that the outbox is sent when it is due."""
        due = outbox.due
        if due is None or self._wake.is_set():
            return
        running = asyncio.get_running_loop()
        if due <= running.time():
            self._wake.set()
        elif self._timer is None or due < self._timer_due:
            if self._timer is not None:
                self._timer.cancel()
            # uvloop's handle of a call that is due within a millisecond knows no time
            self._timer, self._timer_due = running.call_at(due, self._wake.set), due

    async def _listen(self) -> None:
        await self._link.listen(self._receive, self._connected)

    async def _send(self) -> None:
        """Sends what is due, together, as soon as something is."""
        await self._wake.wait()
        self._wake.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        messages = self._due()
        if messages:
            await self._send_surely(messages)
        for peer in self._audience.peers.values():
            self._schedule(peer.outbox)

    async def _send_surely(self, messages: list[LinkMessage]) -> None:
        """Sends until it succeeds: a message that comes twice does no harm."""
        while True:
            try:
                return await self._link.send(messages)
            except LinkDown:
                await asyncio.sleep(_AGAIN_SECONDS)

    def _due(self) -> list[LinkMessage]:
        now = asyncio.get_running_loop().time()
        common, self._common = self._common, []
        messages = self._to(None, common)
        for server, peer in self._audience.peers.items():
            due = peer.outbox.due
            if due is not None and due <= now:
                messages += self._to(server, peer.outbox.take(now))
        return messages

    def _to(self, server: str | None, said: list[Frame]) -> list[LinkMessage]:
        return [LinkMessage(server, payload) for payload in self._packer.pack(said)]
