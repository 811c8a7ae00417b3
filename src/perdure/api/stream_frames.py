"""Events and deltas of a run as the frames of a stream of server-sent events (spec 04 §1).

This module does no I/O. `EventStream` fetches and sends; `Frames` knows what was sent and what
follows.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from perdure import lifecycle
from perdure.api.cursor import NOTHING, Cursor
from perdure.wire.base import decode, encode
from perdure.wire.events import (
    Closing,
    Delta,
    DeltaPart,
    Event,
    StreamItem,
    annotated_delta,
    first_text_delta,
    image_part_delta,
    refusal_delta,
    rest_of,
    text_delta,
)
from perdure.wire.messages import (
    ImageFilePart,
    Message,
    Part,
    RefusalPart,
    TextPart,
)
from perdure.wire.run_steps import without_contents

_DONE = f"event: {lifecycle.DONE}\ndata: [DONE]\n\n".encode()
_CLAIMED = "thread.run.in_progress"
_CANCELLING = "thread.run.cancelling"
# The events that can come while a part is streamed. Before any other, the part is complete.
_MID_PART = (_CLAIMED, _CANCELLING)
_STEP = "thread.run.step."
_MESSAGE_OPEN = lifecycle.MESSAGE_CREATED[-1]
_MESSAGE_ENDS = frozenset(move.event for move in lifecycle.MESSAGE)


class Frames:
    """The frames for one subscriber, from its cursor on.

    `renamed` are events that the subscriber knows by another name. `contents` says that it asked
    for the contents of search results (`include[]`).
    """

    def __init__(
        self,
        begin: Cursor = Cursor(),  # noqa: B008  # a value
        *,
        renamed: Mapping[str, str] = MappingProxyType({}),
        contents: bool = False,
    ) -> None:
        self.ended = False
        self._renamed = renamed
        self._contents = contents
        self._seq, self._received, self._muted = begin.seq, begin.received, begin.muted
        # The number of characters of deltas since the last event, sent or not, and the number of
        # them that the subscriber had from an earlier connection.
        self._passed, self._known = 0, begin.chars
        self._last = ""
        # True if all that followed the last event has come over the bus.
        self._is_gapless = True
        # The last event that came over the bus: its deltas follow that one. None: it is not known.
        self._bus_seq: int | None = None
        # The part of the last delta, True if it is muted, and the end of its ids.
        self._part: DeltaPart | None = None
        self._is_muted = False
        self._id_end = b""

    @property
    def cursor(self) -> Cursor:
        """Returns the position of the subscriber."""
        return Cursor(self._seq, max(self._passed, self._known), self._received, self._muted)

    def replay(self, log: list[Event], *, upto: int | None) -> bytes:
        """Returns the frames of the log beyond the cursor, up to the event after which the bus
        takes over.

        Without such an event no worker of this server has the run, and the log is the only source:
        the stream ends where the log ends with the run at rest. `log` begins with the event at the
        cursor.
        """
        self._bus_seq, self._is_gapless = upto, False
        frames: list[bytes] = []
        for event in log:
            if event.seq == self._seq:
                self._last = event.name
            elif event.seq > self._seq and (upto is None or event.seq <= upto):
                frames += self._from_log(event)
        if upto is None and (not log or log[-1].name in lifecycle.STREAM_ENDS):
            frames.append(self._end())
        return b"".join(frames)

    def follow(self, items: Iterable[StreamItem], *, log: Iterable[Event] = ()) -> bytes:
        """Returns the frames of items that the bus delivered; before each event, those of earlier
        events in the log.
        """
        frames: list[bytes] = []
        for item in items:
            if isinstance(item, Delta):
                frames.append(self._delta(item))
            elif isinstance(item, Closing):
                frames.append(b"event: %b\ndata: %b\n\n" % (b"error", _error(item.reason)))
                self.ended = True
            elif isinstance(item, Event):
                frames.append(self.catch_up(event for event in log if event.seq < item.seq))
                frames.append(self._from_bus(item))
            if self.ended:
                break
        return b"".join(frames)

    def catch_up(self, log: Iterable[Event]) -> bytes:
        """Returns the frames of events in the log that the bus did not deliver, because another
        server published them.
        """
        frames: list[bytes] = []
        for event in log:
            if event.seq > self._seq and not self.ended:
                frames += self._from_log(event)
                if event.name in lifecycle.STREAM_ENDS:
                    frames.append(self._end())
        return b"".join(frames)

    def _from_bus(self, event: Event) -> bytes:
        """Returns the frames of an event from the bus, unless the log had it before."""
        self._bus_seq = event.seq
        if event.seq <= self._seq or self.ended:
            return b""
        frames = [] if self._is_gapless else [*self._missed(event)]
        frames.append(self._event(event))
        if event.name == lifecycle.WITHDRAWN:
            return b"".join(frames)
        if event.name in lifecycle.STREAM_ENDS:
            frames.append(self._end())
        if event.name not in _MID_PART:
            # All that follows comes over the bus, from its beginning.
            self._is_gapless = True
        elif event.name == _CANCELLING:
            self._is_gapless = False
        return b"".join(frames)

    def _from_log(self, event: Event) -> Iterator[bytes]:
        """Yields the frames of an event from the log, after the frames that were missed before
        it.
        """
        yield from self._missed(event)
        # Deltas before it may have been missed, so those that follow do not join on.
        self._is_gapless, self._muted = False, self._received
        yield self._event(event)

    def _event(self, event: Event) -> bytes:
        if event.name == _CLAIMED:
            # Open parts are published from their beginning again. Only those of which this
            # subscriber received nothing are new to it.
            self._muted = self._received
        elif event.name == lifecycle.WITHDRAWN:
            # A subscriber with some of the text finds the whole in the message, which ends now.
            self._muted = self._received
        elif event.name not in _MID_PART:
            self._received = self._muted = NOTHING
        self._seq, self._passed, self._known = event.seq, 0, 0
        self._last, self._part = event.name, None
        if event.name == lifecycle.WITHDRAWN:
            return b""
        return self._frame(self._renamed.get(event.name, event.name), self._shown(event))

    def _shown(self, event: Event) -> bytes:
        if self._contents or not event.name.startswith(_STEP):
            return event.data
        return without_contents(event.data)

    def _delta(self, delta: Delta) -> bytes:
        if self._bus_seq is not None and self._bus_seq < self._seq:
            return b""  # The log already has the event that ended its part.
        known = self._known - self._passed
        self._passed += len(delta.text)
        if known > 0:
            if self._passed <= self._known:
                return b""
            delta = rest_of(delta, known)
        if delta.part != self._part:
            self._enter(delta.part)
        if self._is_muted:
            return b""
        return b"id: %d.%d%b\nevent: %b\ndata: %b\n\n" % (
            self._seq,
            self._passed,
            self._id_end,
            delta.name.encode(),
            delta.data(),
        )

    def _enter(self, part: DeltaPart) -> None:
        """Notes that deltas of another part follow, and whether this subscriber receives them."""
        self._part = part
        # Once a run is being cancelled, what still comes may be the rest of a part.
        is_rest = self._last == _CANCELLING and part not in self._received
        self._is_muted = part in self._muted or is_rest
        if not self._is_muted:
            self._received = self._received.plus(part)
        self._id_end = self.cursor.parts

    def _missed(self, event: Event) -> Iterator[bytes]:
        """Yields what this subscriber did not receive of a message, if the event ends one.

        That is the text of a part of which it received nothing, or the rest of a part that it
        received from its beginning. Any other part is whole in the event itself.
        """
        if event.name not in _MESSAGE_ENDS:
            return
        message = decode(event.data, Message)
        # Else they are counted from somewhere in the middle.
        is_counted = self._last in (_MESSAGE_OPEN, _CLAIMED)
        known, end = self.cursor.chars, 0
        for index, content in enumerate(message.content):
            part = DeltaPart(index)
            has_received = part in self._received
            is_silent = has_received and (part in self._muted or not is_counted)
            for delta in _deltas(message.id, index, content):
                begin, end = end, end + len(delta.text)
                if end > (known if has_received else begin) and not is_silent:
                    self._received = self._received.plus(part)
                    self._passed = end
                    rest = (
                        rest_of(delta, known - begin) if has_received and known > begin else delta
                    )
                    yield self._frame(rest.name, rest.data())

    def _frame(self, name: str, data: bytes) -> bytes:
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (self.cursor.id, name.encode(), data)

    def _end(self) -> bytes:
        self.ended = True
        return _DONE


def _deltas(message_id: str, index: int, part: Part) -> Iterator[Delta]:
    """Yields the fewest deltas that carry a part: one, and one for each annotation."""
    if isinstance(part, RefusalPart):
        yield refusal_delta(message_id, index).with_text(part.refusal)
    if isinstance(part, ImageFilePart):
        yield image_part_delta(message_id, index, part.image_file.file_id)
    if not isinstance(part, TextPart):
        return
    text, at, delta = part.text.value, 0, first_text_delta(message_id, index)
    later = text_delta(message_id, index)
    notes = part.text.annotations
    for number, note in enumerate(notes):
        if note.start_index > at:
            yield delta.with_text(text[at : note.start_index])
        at, delta = note.end_index, later
        yield annotated_delta(message_id, index, note, number, text=note.text)
    if at < len(text) or not notes:
        yield delta.with_text(text[at:])


def _error(message: str) -> bytes:
    # Bare keys and an `error` member that holds the same: the one form that makes every SDK
    # raise (spec 04 §7).
    detail = {"message": message, "type": "server_error", "param": None, "code": None}
    return encode({**detail, "error": detail})
