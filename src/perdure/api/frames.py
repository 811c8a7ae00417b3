"""What is told about a run, as the frames of a stream of server-sent events (spec 04 §1).

No I/O: `EventStream` fetches and sends, `Frames` knows what has been told and what comes next.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from perdure import lifecycle
from perdure.errors import BadRequest
from perdure.wire.base import decode, encode
from perdure.wire.events import (
    FIRST_TEXT_TAIL,
    REFUSAL_TAIL,
    TEXT_TAIL,
    Closing,
    Delta,
    Event,
    annotation_head,
    image_part_delta,
    refusal_head,
    text_head,
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
_MESSAGE_OPEN = lifecycle.MESSAGE_CREATED[-1]
_MESSAGE_ENDS = frozenset(move.event for move in lifecycle.MESSAGE)


class Place(NamedTuple):
    """How far a listener has come: the last event it was told, and so many characters of the
    deltas after it. On the wire, the id of an event: `12`, or `12.345` for a delta.

    `deaf`: the listener has heard some of a part that is now told from its beginning again, so it
    hears no deltas until the next part. On the wire `12.0`.
    """

    seq: int = 0
    chars: int = 0
    deaf: bool = False

    @property
    def id(self) -> bytes:
        return b"%d.%d" % self[:2] if self.chars or self.deaf else b"%d" % self.seq


def place(text: str) -> Place:
    """The place that an event id names; the start for an empty one. Raises `BadRequest`."""
    if not text:
        return Place()
    match = re.fullmatch(r"(\d{1,18})(?:\.(\d{1,18}))?", text, re.ASCII)
    if match is None:
        raise BadRequest(
            f"Invalid 'after': '{text[:64]}'. Expected the id of an event of this run's stream.",
            param="after",
            code="invalid_value",
        )
    chars = int(match[2] or 0)
    return Place(int(match[1]), chars, deaf=match[2] is not None and not chars)


class Frames:
    """The frames for one listener, from its place on.

    `renamed` are events that the listener knows by another name; `contents` says that it wants
    those of search results (`include[]`).
    """

    def __init__(
        self,
        begin: Place = Place(),  # noqa: B008  # a value
        *,
        renamed: Mapping[str, str] = MappingProxyType({}),
        contents: bool = False,
    ) -> None:
        self.place = begin
        self.ended = False
        self._renamed = renamed
        self._contents = contents
        self._last = ""
        # How many characters of deltas have come by since the last event, told or not.
        self._passed = 0
        self._resumed = begin != Place()

    def replay(self, log: list[Event], *, upto: int | None) -> bytes:
        """What the log has beyond the place, up to an event after which the bus takes over.

        Without such an event nobody works on the run here, and the log tells it all: where it
        ends with the run at rest, the stream does too. `log` begins with the event at the place.
        """
        self._resumed = True
        frames: list[bytes] = []
        for event in log:
            if event.seq <= self.place.seq:
                self._last = event.name
            elif upto is None or event.seq <= upto:
                frames += self._event(event)
        if upto is None and (not log or log[-1].name in lifecycle.STREAM_ENDS):
            frames.append(self._end())
        return b"".join(frames)

    def tell(self, told: Iterable[Event | Delta | Closing]) -> bytes:
        """What the bus brought."""
        frames: list[bytes] = []
        for item in told:
            if isinstance(item, Delta):
                frames.append(self._delta(item))
            elif isinstance(item, Closing):
                frames.append(b"event: %b\ndata: %b\n\n" % (b"error", _error(item.reason)))
                self.ended = True
            elif item.seq > self.place.seq:
                frames += self._event(item)
                if item.name in lifecycle.STREAM_ENDS:
                    frames.append(self._end())
            if self.ended:
                break
        return b"".join(frames)

    def _event(self, event: Event) -> Iterator[bytes]:
        if self._resumed and self._last == _MESSAGE_OPEN and event.name in _MESSAGE_ENDS:
            yield from self._missed(event)
        deaf = self.place.deaf
        if event.name == _CLAIMED:
            # The run was resumed. The part that was open is told from its beginning again, which
            # is news to those only who heard nothing of it before.
            deaf = deaf or self.place.chars > 0
        elif ".step." in event.name or event.name.startswith("thread.message."):
            deaf = False
        self.place, self._passed, self._last = Place(event.seq, deaf=deaf), 0, event.name
        yield self._frame(self._renamed.get(event.name, event.name), self._shown(event))

    def _shown(self, event: Event) -> bytes:
        if self._contents or not event.name.startswith("thread.run.step."):
            return event.data
        return without_contents(event.data)

    def _delta(self, delta: Delta) -> bytes:
        if self.place.deaf:
            return b""
        known = max(0, self.place.chars - self._passed)
        self._passed += len(delta.text)
        if known and self._passed <= self.place.chars:
            return b""
        if known:
            tail = TEXT_TAIL if delta.tail == FIRST_TEXT_TAIL else delta.tail
            delta = delta._replace(text=delta.text[known:], tail=tail)
        self.place = Place(self.place.seq, self._passed)
        return self._frame(delta.name, delta.data())

    def _missed(self, event: Event) -> Iterator[bytes]:
        """The text of a message that ended while its listener was away."""
        message = decode(event.data, Message)
        known = self.place.chars
        for index, part in enumerate(message.content):
            for delta in _deltas(message.id, index, part):
                if len(delta.text) > known:
                    rest = delta.text[known:]
                    tail = TEXT_TAIL if known and delta.tail == FIRST_TEXT_TAIL else delta.tail
                    self.place = Place(self.place.seq, self.place.chars + len(rest))
                    yield self._frame(delta.name, delta._replace(text=rest, tail=tail).data())
                known = max(0, known - len(delta.text))

    def _frame(self, name: str, data: bytes) -> bytes:
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (self.place.id, name.encode(), data)

    def _end(self) -> bytes:
        self.ended = True
        return _DONE


def _deltas(message_id: str, index: int, part: Part) -> Iterator[Delta]:
    """The fewest deltas that tell a part: one, and one for each annotation."""
    name = lifecycle.MESSAGE_DELTA
    if isinstance(part, RefusalPart):
        yield Delta(name, refusal_head(message_id, index), part.refusal, REFUSAL_TAIL)
    if isinstance(part, ImageFilePart):
        yield image_part_delta(message_id, index, part.image_file.file_id)
    if not isinstance(part, TextPart):
        return
    text, at, tail = part.text.value, 0, FIRST_TEXT_TAIL
    notes = part.text.annotations
    for number, note in enumerate(notes):
        if note.start_index > at:
            yield Delta(name, text_head(message_id, index), text[at : note.start_index], tail)
        tail, at = TEXT_TAIL, note.end_index
        yield Delta(name, annotation_head(message_id, index, note, number), note.text, tail)
    if at < len(text) or not notes:
        yield Delta(name, text_head(message_id, index), text[at:], tail)


def _error(message: str) -> bytes:
    # Bare keys and an `error` member that holds the same: the one form that makes every SDK
    # raise (spec 04 §7).
    detail = {"message": message, "type": "server_error", "param": None, "code": None}
    return encode({**detail, "error": detail})
