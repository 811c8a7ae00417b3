"""Request bodies: the bound on how much of them is in memory, and their decoding.

No function here blocks the event loop for longer than it takes to decode the largest text and the
most members that are allowed.
"""

import asyncio
from types import TracebackType
from typing import Self, TypeVar

from perdure.errors import Overloaded, TooLarge
from perdure.wire import refusals, scan
from perdure.wire.scan import JsonSize
from perdure.wire.validation import parse

T = TypeVar("T")

# What each connection may have in hand in any case: small requests are always taken.
_FREE_BYTES = 64 * 1024
# So many large bodies are read between two turns of the event loop.
_LARGE_AT_ONCE = 4
# Deeper than any real body, and less than what breaks a function that calls itself.
_MOST_DEPTH = 100
# What is wrong with so many members is found out in a thread: that is Python's work, and slow.
_MANY_MEMBERS = 2000


class HeldBytes:
    """The bytes of all bodies that are in memory, and their bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        # the number of bodies that are not small
        self.large = 0

    def take(self, count: int) -> None:
        """Adds to the count. Raises `Overloaded` where it exceeds the bound."""
        if self._held + count > self._most:
            raise Overloaded(
                "The server has too many large requests in hand; please try again.",
                code="too_many_bytes_in_hand",
            )
        self._held += count

    def give_back(self, count: int) -> None:
        """Subtracts from the count."""
        self._held -= count


class RequestBytes:
    """The bytes of one request that are in memory, until its block ends."""

    def __init__(self, held: HeldBytes) -> None:
        self._held = held
        self._bytes = 0
        self._taken = 0

    def add(self, count: int) -> None:
        """Counts bytes that have arrived. Raises `Overloaded`."""
        self._bytes += count
        more = max(0, self._bytes - _FREE_BYTES) - self._taken
        self._held.take(more)
        if more and not self._taken:
            self._held.large += 1
        self._taken += more

    async def rest(self) -> None:
        """Lets others go first before more of a large body is read: where many come in together,
        only a few of them are read in each turn of the event loop.
        """
        if self._taken:
            for _ in range(self._held.large // _LARGE_AT_ONCE):
                await asyncio.sleep(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.give_back(self._taken)
        self._held.large -= self._taken > 0
        self._bytes = self._taken = 0


class Decoding:
    """Decodes bodies of at most so many members."""

    def __init__(self, most_members: int) -> None:
        self._most = JsonSize(most_members, _MOST_DEPTH)
        # Each would take as much of the interpreter as all others together.
        self._lock = asyncio.Lock()

    async def decode(self, body: bytes, kind: type[T]) -> T:
        """Returns the body as a struct. Raises `BadRequest` (spec 05 §3.3) and `TooLarge`."""
        size = await scan.measure(body, most=self._most)
        if size.members > self._most.members:
            raise TooLarge(
                f"The request body has too many members: at most {self._most.members} are accepted "
                "in all of its objects and arrays together.",
                code="too_many_members",
            )
        if size.depth > self._most.depth:
            raise refusals.bad_json()
        if size.members <= _MANY_MEMBERS:
            return parse(body, kind)
        async with self._lock:
            return await asyncio.to_thread(parse, body, kind)
