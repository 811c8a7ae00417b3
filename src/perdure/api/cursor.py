"""The position of a subscriber in a stream, as the ids of the events give it
(docs/streaming.md).
"""

import re
from dataclasses import dataclass

from perdure.errors import BadRequest
from perdure.wire.events import DeltaPart

_COUNTS = r"\d{1,6}(?:-\d{1,6})*"
_ID = re.compile(rf"(\d{{1,18}})(?:\.(\d{{1,18}})(?:\.({_COUNTS})(?:\.({_COUNTS}))?)?)?", re.ASCII)
# Beyond any id that a stream has given out.
_LONGEST = 4096


@dataclass(frozen=True)
class Parts:
    """A set of parts of the message or step that is open.

    `counts` has a number for each content part or tool call. 0 means no part of it. 1 means the
    content part, or the text of the call that the model wrote. n + 1 means the first n outputs of
    the call's code too. On the wire the numbers are joined by hyphens.
    """

    counts: tuple[int, ...] = ()
    everything: bool = False

    def __contains__(self, part: DeltaPart) -> bool:
        if self.everything:
            return True
        return part.item < len(self.counts) and part.output < self.counts[part.item]

    def __bool__(self) -> bool:
        return self.everything or bool(self.counts)

    def plus(self, part: DeltaPart) -> "Parts":
        """Returns this set with one more part. Outputs come in order, so an output brings the
        earlier ones with it.
        """
        if part in self:
            return self
        counts = [*self.counts, *[0] * (part.item + 1 - len(self.counts))]
        counts[part.item] = part.output + 1
        return Parts(tuple(counts))

    @property
    def text(self) -> str:
        """Returns the set as it stands in the id of an event."""
        return "-".join(map(str, self.counts))


NOTHING = Parts()
EVERYTHING = Parts(everything=True)
_FIRST = Parts((1,))


@dataclass(frozen=True)
class Cursor:
    """The last event that a subscriber received, and how many characters of the deltas after it.

    `received` are the parts of which the subscriber received something. `muted` are the parts whose
    deltas it no longer receives, because they are published from their beginning again. On the wire
    a cursor is `12`, or `12.345` after a delta of the first part, else `12.345.1-1`. Muted parts
    follow: `12.345.1-1.1`. `12.0` mutes all open parts.
    """

    seq: int = 0
    chars: int = 0
    received: Parts = NOTHING
    muted: Parts = NOTHING

    @property
    def id(self) -> bytes:
        """Returns the id of the event that brought the subscriber to this position."""
        return (
            b"%d.%d%b" % (self.seq, self.chars, self.parts) if self.received else b"%d" % self.seq
        )

    @property
    def parts(self) -> bytes:
        """Returns the end of the id, behind the count of characters."""
        if self.received.everything or (self.received == _FIRST and self.chars and not self.muted):
            return b""
        muted = f".{self.muted.text}" if self.muted.counts else ""
        return f".{self.received.text}{muted}".encode()


def cursor(text: str) -> Cursor:
    """Returns the cursor of an event id, and the start for an empty id. Raises `BadRequest`."""
    if not text:
        return Cursor()
    match = _ID.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise BadRequest(
            f"Invalid 'after': '{text[:64]}'. Expected the id of an event of this run's stream.",
            param="after",
            code="invalid_value",
        )
    seq, chars, received, muted = match.groups()
    if received:
        return Cursor(int(seq), int(chars), _parts(received), _parts(muted))
    if chars is None:
        return Cursor(int(seq))
    if int(chars):
        return Cursor(int(seq), int(chars), _FIRST)
    return Cursor(int(seq), 0, EVERYTHING, EVERYTHING)


def _parts(text: str | None) -> Parts:
    return Parts(tuple(map(int, text.split("-")))) if text else NOTHING
