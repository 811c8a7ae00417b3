"""Checks of JSON before it is decoded: its size, its depth, and the place of one member.

Decoding cannot be interrupted, its cost grows with the members, and deep nesting breaks recursive
functions. So size and depth must be known before. Each check lets other tasks run after about a
millisecond.
"""

import asyncio
import re
from collections.abc import Generator
from itertools import accumulate
from typing import NamedTuple, TypeVar

R = TypeVar("R")

_BLOCK_BYTES = 16 * 1024
_PLAIN_BYTES = 512 * 1024
# So many looks at a place take as long as a block.
_LOOKS = 256
_COLON = re.compile(rb"\s*:\s*")
# A longer string is no name of anything.
_STRING = re.compile(rb'"(?:[^"\\]|\\.){0,1000}"', re.DOTALL)


# Which bytes are no brackets, and what each bracket does to the depth.
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = tuple(1 if byte in b"[{" else -1 for byte in range(256))


class JsonSize(NamedTuple):
    """The number of members in all, and the greatest number of brackets that are open at once."""

    members: int
    depth: int


class JsonSpan(NamedTuple):
    """The place of a value in the text, quotes included."""

    start: int
    stop: int


class JsonSizeScanner:
    """Counts the members of JSON block by block. Text that is not JSON gives any numbers, and no
    error.

    The greatest depth is known only with `measures`, which takes several times as long.
    """

    def __init__(self, *, measures: bool = False) -> None:
        self.members = 0
        """The commas and opening brackets outside of strings: as many as there are members, or a
        few more."""
        self.depth = 0
        """The brackets that are open."""
        self.deepest = 0
        """The most that were open at once."""
        self.inside = False
        """True if the next byte belongs to a string."""
        self._escape = b""
        self._measures = measures

    def feed(self, block: bytes) -> None:
        """Reads the next block."""
        block = self._escape + block
        odd = (len(block) - len(block.rstrip(b"\\"))) % 2
        # The last backslash escapes what comes next.
        block, self._escape = (block[:-1], b"\\") if odd else (block, b"")
        parts = block.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        outside = b"".join(parts[self.inside :: 2])
        self.inside ^= len(parts) % 2 == 0
        brackets = outside.translate(None, _NO_BRACKETS)
        opened = brackets.count(b"{") + brackets.count(b"[")
        self.members += opened + outside.count(b",")
        if not self._measures:
            self.depth += 2 * opened - len(brackets)
            return
        depths = [*accumulate(map(_STEPS.__getitem__, brackets), initial=self.depth)]
        self.depth, self.deepest = depths[-1], max(self.deepest, *depths)


async def measure(text: bytes, *, most: JsonSize) -> JsonSize:
    """Returns the size of the JSON, or a larger one; measuring ends beyond `most`."""
    return await _patiently(_measure(text, most))


async def find(text: bytes, name: str) -> JsonSpan | None:
    """Returns the place of the string that the outermost object has under a name without escapes.

    Of several it is the last one, which decoders take too. Returns None if there is none.
    """
    return await _patiently(_find(text, name))


async def _patiently(work: Generator[None, None, R]) -> R:
    """Returns the result of a work, and lets other tasks run whenever it yields."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: R = end.value
            return result
        await asyncio.sleep(0)


def _measure(text: bytes, most: JsonSize) -> Generator[None, None, JsonSize]:
    commas = brackets = 0
    for start in range(0, len(text), _PLAIN_BYTES):
        block = text[start : start + _PLAIN_BYTES]
        commas += block.count(b",")
        brackets += block.count(b"[") + block.count(b"{")
        if commas + brackets > most.members or brackets > most.depth:
            break
        if start:
            yield
    else:
        return JsonSize(commas + brackets, brackets)
    # There may be as many in long texts.
    scanner = JsonSizeScanner(measures=True)
    for start in range(0, len(text), _BLOCK_BYTES):
        scanner.feed(text[start : start + _BLOCK_BYTES])
        if scanner.members > most.members or scanner.deepest > most.depth:
            break
        yield
    return JsonSize(scanner.members, scanner.deepest)


def _find(text: bytes, name: str) -> Generator[None, None, JsonSpan | None]:
    key = f'"{name}"'.encode()
    scanner, read, looks = JsonSizeScanner(), 0, 0
    found: JsonSpan | None = None
    place = text.find(key)
    while place >= 0:
        while read < place:
            block = text[read : min(place, read + _BLOCK_BYTES)]
            scanner.feed(block)
            read += len(block)
            looks += 1 + len(block) * _LOOKS // _BLOCK_BYTES
            if looks > _LOOKS:
                looks = 0
                yield
        colon = _COLON.match(text, place + len(key))
        if colon and scanner.depth == 1 and not scanner.inside:
            value = _STRING.match(text, colon.end())
            found = JsonSpan(*value.span()) if value else None
        place = text.find(key, place + 1)
    return found
