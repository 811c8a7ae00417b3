"""The messages between the server and the process that parses a file, over a socket.

The server sends one `ParsingTask`, with the open file; then come any number of `ParsedChunks`, and
one `ParsingEnd` or `ParsingRefusal`. Each is preceded by its length.
"""

from typing import Final

import msgspec

from perdure.parsing.chunks import Chunk
from perdure.parsing.formats import Code
from perdure.parsing.limits import MiB, ParsingLimits

# How many bytes give the length of a frame.
LENGTH: Final = 4
# A batch is full with so many chunks, which make a good piece of the index, or characters.
CHUNKS_PER_BATCH: Final = 100
CHARACTERS_PER_BATCH: Final = 4_000_000
# Longer frames are not ours: a character has at most four bytes, a chunk at most 400,000 of them.
LONGEST: Final = 32 * MiB


class ParsingTask(msgspec.Struct, frozen=True, tag=True):
    """The order to parse the file that comes along."""

    extension: str
    max_tokens: int
    overlap: int
    limits: ParsingLimits


class ParsedChunks(msgspec.Struct, frozen=True, tag=True):
    """The next chunks, in order."""

    chunks: list[Chunk]


class ParsingEnd(msgspec.Struct, frozen=True, tag=True):
    """The end of the chunks."""


class ParsingRefusal(msgspec.Struct, frozen=True, tag=True):
    """There are no chunks to be had, or no more: an `Unparsable` on its way."""

    message: str
    code: Code


Answer = ParsedChunks | ParsingEnd | ParsingRefusal

encode = msgspec.msgpack.Encoder().encode


def frame(message: ParsingTask | Answer) -> bytes:
    """The message with its length in front."""
    body = encode(message)
    return len(body).to_bytes(LENGTH, "big") + body
