"""The frames on their way to one other server that has subscribers.

For each topic they go in the order in which they were published. Deltas wait a twentieth of a
second at most, and are joined; an event waits for nothing, and takes what was published before it
along.
"""

from collections.abc import Iterator

from perdure.bus.frames import Frame, NewEvent, RunsChange, piece
from perdure.wire.events import Delta, rest_of

PAUSE_SECONDS = 0.05
# So much text waits at most while nothing can be sent; what is dropped is asked for again.
_MOST_CHARS = 4_000_000
# Text of one frame.
_PIECE_CHARS = 50_000


class _JoinedDelta:
    """Deltas of one part that follow each other."""

    def __init__(self, topic: str, seq: int, offset: int, delta: Delta) -> None:
        self.topic, self.seq, self.offset = topic, seq, offset
        self.first = delta
        self.texts = [delta.text]
        self.end = offset + len(delta.text)

    def is_continued_by(self, seq: int, offset: int, delta: Delta) -> bool:
        return seq == self.seq and offset == self.end and delta.head == self.first.head

    def add(self, text: str) -> None:
        self.texts.append(text)
        self.end += len(text)

    def frames(self) -> Iterator[Frame]:
        whole = self.first._replace(text="".join(self.texts))
        for at in range(0, max(1, len(whole.text)), _PIECE_CHARS):
            part = rest_of(whole, at) if at else whole
            part = part._replace(text=part.text[:_PIECE_CHARS])
            yield piece(self.topic, self.seq, self.offset + at, part)


class Outbox:
    """The frames for one server. `due` says when they are to go, in the time of the event loop."""

    def __init__(self) -> None:
        self._items: list[_JoinedDelta | NewEvent | RunsChange] = []
        self._last: dict[str, _JoinedDelta] = {}
        # The topics of hints that wait.
        self._changed: set[str] = set()
        self._chars = 0
        self._free_at = 0.0
        self._is_urgent = False

    @property
    def due(self) -> float | None:
        """When something is to go; None where nothing waits."""
        if not self._items:
            return None
        return 0.0 if self._is_urgent else self._free_at

    def event(self, topic: str, seq: int) -> None:
        """Adds an event."""
        self._last.pop(topic, None)
        self._items.append(NewEvent(topic, seq))
        self._is_urgent = True

    def runs_change(self, topic: str) -> None:
        """Adds a hint that runs of a project have changed, unless one waits already."""
        if topic not in self._changed:
            self._changed.add(topic)
            self._items.append(RunsChange(topic))

    def delta(self, topic: str, seq: int, offset: int, delta: Delta) -> None:
        """Adds a delta that begins so many characters behind the event."""
        self._chars += len(delta.text)
        if self._chars > _MOST_CHARS:
            self._items = [item for item in self._items if not isinstance(item, _JoinedDelta)]
            self._last.clear()
            self._chars = 0
            return
        last = self._last.get(topic)
        if last is not None and last.is_continued_by(seq, offset, delta):
            last.add(delta.text)
            return
        self._last[topic] = joined = _JoinedDelta(topic, seq, offset, delta)
        self._items.append(joined)

    def take(self, now: float) -> list[Frame]:
        """Takes all frames out; after deltas and hints, the next ones have to wait a little."""
        items, self._items = self._items, []
        if not all(isinstance(item, NewEvent) for item in items):
            self._free_at = now + PAUSE_SECONDS
        self._last.clear()
        self._changed.clear()
        self._chars, self._is_urgent = 0, False
        frames: list[Frame] = []
        for item in items:
            frames += item.frames() if isinstance(item, _JoinedDelta) else [item]
        return frames
