"""What the server and the process that parses a file tell each other, over a socket.

The server sends one `Task`, with the open file; then come `Batch`es, and one `End` or `Refusal`.
Each is preceded by its length.
"""

from typing import Final

import msgspec

from perdure.retrieval.chunk import Chunk
from perdure.retrieval.formats import Code
from perdure.retrieval.limits import Limits, MiB

# How many bytes give the length of a frame.
LENGTH: Final = 4
# A batch is of so many chunks: few enough that no frame is large.
CHUNKS_PER_BATCH: Final = 32
# Longer frames are not ours: a chunk has at most 400,000 characters of at most four bytes.
LONGEST: Final = CHUNKS_PER_BATCH * 2 * MiB


class Task(msgspec.Struct, frozen=True, tag=True):
    """What to do with the file that comes along."""

    extension: str
    max_tokens: int
    overlap: int
    limits: Limits


class Batch(msgspec.Struct, frozen=True, tag=True):
    """The next chunks, in order."""

    chunks: list[Chunk]


class End(msgspec.Struct, frozen=True, tag=True):
    """All chunks have been told."""


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """There are no chunks to be had, or no more: an `Unparsable` on its way."""

    message: str
    code: Code


Answer = Batch | End | Refusal

encode = msgspec.msgpack.Encoder().encode


def frame(message: Task | Answer) -> bytes:
    """The message with its length in front."""
    body = encode(message)
    return len(body).to_bytes(LENGTH, "big") + body
