"""The messages between servers: frames of JSON, of bounded length.

Whoever may use the database can send a message, so they are hostile: they are decoded against types
with bounds, and what does not fit is dropped. A delta must be JSON in one line, under one of the
two names. The data of an event is never in a message; it is read from the log.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from perdure import lifecycle
from perdure.wire.events import Delta, DeltaPart

VERSION: Literal[1] = 1
# Characters of a message that frames may take; the rest is for its head.
_HEAD = 200
# A character takes six bytes of JSON at most.
_LONGEST = 6
# A frame may be in so many pieces.
_MOST_PIECES = 512
MOST_TOPICS = 50

Server = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_]+$")]
Topic = Annotated[str, Meta(min_length=1, max_length=200)]
Place = Annotated[int, Meta(ge=0, le=2**62)]
_Index = Annotated[int, Meta(ge=0, le=1_000_000)]


class RunsWait(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """Runs wait for a worker."""


class FilesWait(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """Files wait to be read."""


class Interrupt(msgspec.Struct, frozen=True, array_like=True, tag="i"):
    """The worker of the topic is to look at its row."""

    topic: Topic


class NewEvent(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """The log has an event of the topic."""

    topic: Topic
    seq: Place


class RunsChange(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """The log has events of the runs of a project; the topic is its `runs_topic`."""

    topic: Topic


class Piece(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """A delta that begins `offset` characters behind the event `seq`."""

    topic: Topic
    seq: Place
    offset: Place
    name: Literal["thread.message.delta", "thread.run.step.delta"]
    head: str
    text: str
    tail: str
    item: _Index
    output: _Index

    @property
    def delta(self) -> Delta | None:
        """The delta for subscribers; None if it is not one."""
        delta = Delta(
            self.name,
            self.head.encode(),
            self.text,
            self.tail.encode(),
            DeltaPart(self.item, self.output),
        )
        if "\n" in self.head + self.tail or "\r" in self.head + self.tail:
            return None
        try:
            said = msgspec.json.decode(delta.data())
        except msgspec.MsgspecError:
            return None
        return delta if isinstance(said, dict) and said.get("object") == self.name else None


class Subscribed(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """The sender has subscribers of these topics; `again`: it asks for the progress of each."""

    topics: Annotated[list[Topic], Meta(max_length=MOST_TOPICS)]
    again: bool = False


class Unsubscribed(msgspec.Struct, frozen=True, array_like=True, tag="u"):
    """The sender has no subscribers of these topics any more."""

    topics: Annotated[list[Topic], Meta(max_length=MOST_TOPICS)]


class ServerAlive(msgspec.Struct, frozen=True, array_like=True, tag="h"):
    """The sender lives; `new`: it asks the others which topics they have subscribers of."""

    new: bool = False


class ServerGone(msgspec.Struct, frozen=True, array_like=True, tag="b"):
    """The sender stops."""


class FramePart(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """A part of the JSON of a frame that is too long for one message; parts come one after the
    other.
    """

    index: _Index
    count: Annotated[int, Meta(ge=2, le=_MOST_PIECES)]
    text: str


Frame = (
    RunsWait
    | FilesWait
    | Interrupt
    | NewEvent
    | RunsChange
    | Piece
    | Subscribed
    | Unsubscribed
    | ServerAlive
    | ServerGone
    | FramePart
)


class BusMessage(msgspec.Struct, frozen=True, array_like=True):
    """Some frames of one server, in order. `number` makes it unlike any other message: of two that
    are the same a database may drop one.
    """

    version: Literal[1]
    sender: Server
    number: Place
    frames: Annotated[list[msgspec.Raw], Meta(max_length=10_000)]


_encoder = msgspec.json.Encoder()
_message = msgspec.json.Decoder(BusMessage)
_frame = msgspec.json.Decoder(Frame)


def decode(payload: str) -> tuple[str, list[Frame]] | None:
    """The sender and the frames of a message; None if it is none. Frames of a kind that is not
    known here, as a newer version may send them, are left out.
    """
    try:
        message = _message.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return message.sender, [frame for raw in message.frames if (frame := _decoded(raw)) is not None]


def _decoded(raw: msgspec.Raw | bytes) -> Frame | None:
    try:
        return _frame.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


class Packer:
    """Packs frames into messages of one sender, none longer than `most_bytes`."""

    def __init__(self, sender: str, *, most_bytes: int) -> None:
        self._sender = sender
        self._room = most_bytes - _HEAD
        self._number = 0

    def pack(self, frames: Iterable[Frame]) -> Iterator[str]:
        """The messages, in order."""
        waiting: list[bytes] = []
        size = 0
        for data in self._pieces(frames):
            if waiting and size + len(data) + 1 > self._room:
                yield self._message(waiting)
                waiting, size = [], 0
            waiting.append(data)
            size += len(data) + 1
        if waiting:
            yield self._message(waiting)

    def _pieces(self, frames: Iterable[Frame]) -> Iterator[bytes]:
        for frame in frames:
            data = _encoder.encode(frame)
            if len(data) <= self._room:
                yield data
                continue
            text = data.decode()
            length = (self._room - _HEAD) // _LONGEST
            texts = [text[at : at + length] for at in range(0, len(text), length)]
            if len(texts) > _MOST_PIECES:
                continue  # what is missing is asked for again, or found in the log
            for index, part in enumerate(texts):
                yield _encoder.encode(FramePart(index, len(texts), part))

    def _message(self, frames: list[bytes]) -> str:
        self._number += 1
        raws = [msgspec.Raw(data) for data in frames]
        return _encoder.encode(BusMessage(VERSION, self._sender, self._number, raws)).decode()


class Joiner:
    """Joins the parts of long frames of one sender; anything out of order is dropped."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def take(self, frame: Frame) -> Frame | None:
        """The frame, whole; None where parts of it are to come."""
        if not isinstance(frame, FramePart):
            self._texts.clear()
            return frame
        if frame.index != len(self._texts):
            self._texts.clear()
            return None
        self._texts.append(frame.text)
        if len(self._texts) < frame.count:
            return None
        whole = "".join(self._texts)
        self._texts.clear()
        found = _decoded(whole.encode())
        return None if isinstance(found, FramePart) else found


def piece(topic: str, seq: int, offset: int, delta: Delta) -> Piece:
    """The frame of a delta."""
    name = delta.name
    assert name in (lifecycle.MESSAGE_DELTA, lifecycle.STEP_DELTA)  # noqa: S101 # there are no others
    return Piece(
        topic,
        seq,
        offset,
        name,  # type: ignore[arg-type] # one of the two
        delta.head.decode(),
        delta.text,
        delta.tail.decode(),
        delta.part.item,
        delta.part.output,
    )
