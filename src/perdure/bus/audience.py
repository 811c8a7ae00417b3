"""The other servers on the bus, and the topics that each has subscribers of."""

from collections import defaultdict
from collections.abc import Iterable

from perdure.bus.frames import Joiner
from perdure.bus.outbox import Outbox

# A server without a sign of life for so long is gone.
LIFETIME_SECONDS = 15.0
# Whoever may send messages can invent servers and topics.
_MOST_SERVERS = 128
_MOST_TOPICS = 200_000


class Peer:
    """Another server."""

    def __init__(self) -> None:
        self.seen_at = 0.0
        self.topics: set[str] = set()
        self.outbox = Outbox()
        self.joiner = Joiner()


class Audience:
    """The other servers, with the topics that they have subscribers of."""

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}
        self._subscribed: defaultdict[str, set[str]] = defaultdict(set)
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self.peers)

    def note_life(self, server: str, now: float) -> tuple[Peer | None, bool]:
        """Notes a sign of life. Returns the server, or None where there are too many, and True if
        it is new.
        """
        peer = self.peers.get(server)
        is_new = peer is None
        if peer is None:
            if len(self.peers) >= _MOST_SERVERS:
                return None, False
            peer = self.peers[server] = Peer()
        peer.seen_at = now
        return peer, is_new

    def add(self, server: str, topics: Iterable[str]) -> list[str]:
        """Notes that a server has subscribers of these topics. Returns the new ones."""
        peer, added = self.peers[server], []
        for topic in topics:
            if topic not in peer.topics and self._count < _MOST_TOPICS:
                peer.topics.add(topic)
                self._subscribed[topic].add(server)
                self._count += 1
                added.append(topic)
        return added

    def remove(self, server: str, topics: Iterable[str]) -> None:
        """Notes that a server has no subscribers of these topics any more."""
        peer = self.peers[server]
        for topic in topics:
            if topic in peer.topics:
                peer.topics.remove(topic)
                self._count -= 1
                self._subscribed[topic].discard(server)
                if not self._subscribed[topic]:
                    del self._subscribed[topic]

    def forget(self, server: str) -> None:
        """Forgets a server."""
        self.remove(server, list(self.peers[server].topics))
        del self.peers[server]

    def forget_silent(self, now: float) -> None:
        """Forgets the servers that gave no sign of life for too long."""
        for server, peer in list(self.peers.items()):
            if now - peer.seen_at > LIFETIME_SECONDS:
                self.forget(server)

    def of(self, topic: str) -> Iterable[Outbox]:
        """Returns the outboxes of the servers that have subscribers of the topic."""
        servers = self._subscribed.get(topic)
        return [self.peers[server].outbox for server in servers] if servers else ()
