"""The other servers on the bus: which there are, and to which topics each listens."""

from collections import defaultdict
from collections.abc import Iterable

from perdure.bus.frames import Joiner
from perdure.bus.outbox import Outbox

# Who was not heard of for so long is gone.
LIFETIME_SECONDS = 15.0
# Whoever may send messages can invent servers and topics.
_MOST_SERVERS = 128
_MOST_TOPICS = 200_000


class Peer:
    """Another server."""

    def __init__(self) -> None:
        self.heard_at = 0.0
        self.topics: set[str] = set()
        self.outbox = Outbox()
        self.joiner = Joiner()


class Audience:
    """All other servers, and who of them listens to what."""

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}
        self._listening: defaultdict[str, set[str]] = defaultdict(set)
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self.peers)

    def hear(self, server: str, now: float) -> tuple[Peer | None, bool]:
        """Notes a sign of life; the server, if there are not too many, and whether it is news."""
        peer = self.peers.get(server)
        is_new = peer is None
        if peer is None:
            if len(self.peers) >= _MOST_SERVERS:
                return None, False
            peer = self.peers[server] = Peer()
        peer.heard_at = now
        return peer, is_new

    def add(self, server: str, topics: Iterable[str]) -> list[str]:
        """A server listens to these topics; those that are news."""
        peer, added = self.peers[server], []
        for topic in topics:
            if topic not in peer.topics and self._count < _MOST_TOPICS:
                peer.topics.add(topic)
                self._listening[topic].add(server)
                self._count += 1
                added.append(topic)
        return added

    def remove(self, server: str, topics: Iterable[str]) -> None:
        """A server listens to these topics no more."""
        peer = self.peers[server]
        for topic in topics:
            if topic in peer.topics:
                peer.topics.remove(topic)
                self._count -= 1
                self._listening[topic].discard(server)
                if not self._listening[topic]:
                    del self._listening[topic]

    def forget(self, server: str) -> None:
        """A server is gone."""
        self.remove(server, list(self.peers[server].topics))
        del self.peers[server]

    def forget_silent(self, now: float) -> None:
        """Forgets the servers that gave no sign of life for too long."""
        for server, peer in list(self.peers.items()):
            if now - peer.heard_at > LIFETIME_SECONDS:
                self.forget(server)

    def of(self, topic: str) -> Iterable[Outbox]:
        """What goes to each server that listens to the topic."""
        servers = self._listening.get(topic)
        return [self.peers[server].outbox for server in servers] if servers else ()
