"""Readiness: a load balancer or an orchestrator asks if the server can be given work now."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from perdure.clock import Clock
from perdure.commands import schema
from perdure.errors import Unavailable
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database

T = TypeVar("T")

OK = "ok"
# Each part has so long to answer, and is asked at most so often.
MOST_SECONDS = 2.0
_CACHED_SECONDS = 1.0


class Readiness(NamedTuple):
    """A word for each part: `ok`, or what is the matter, without anything that is secret."""

    parts: dict[str, str]

    @property
    def is_ready(self) -> bool:
        """True if all parts are as they should be."""
        return all(each == OK for each in self.parts.values())


class ReadinessCheck:
    """Checks the parts that a server cannot work without. `is_draining` says whether it stops."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStores,
        clock: Clock,
        *,
        is_draining: Callable[[], bool],
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._is_draining = is_draining
        self._most_seconds = most_seconds
        # What the start of this server left. A later version may have added to it.
        self._schema: frozenset[str] = frozenset()
        self._checking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._found: dict[str, str] = {}

    async def open(self) -> None:
        """Notes the schema, which fits now. Raises `Unavailable`."""
        self._schema = await self._database.read(schema.names)

    async def check(self) -> Readiness:
        """Returns how the parts are; what was found a moment ago holds for all who ask."""
        async with self._checking:
            if not 0 <= self._clock.now() - self._checked_at < _CACHED_SECONDS:
                self._found = await self._parts()
                self._checked_at = self._clock.now()
        draining = "the server is stopping" if self._is_draining() else OK
        return Readiness({**self._found, "draining": draining})

    async def _parts(self) -> dict[str, str]:
        (database, names), (contents, _) = await asyncio.gather(
            self._answer(self._database.read(schema.names)),
            self._answer(self._blobs.require_reachable()),
        )
        fits = OK
        if names is None:
            fits = "not known"
        elif missing := self._schema - names:
            fits = f"{max(missing)} is missing"
        return {"database": database, "schema": fits, "contents": contents}

    async def _answer(self, asked: Awaitable[T]) -> tuple[str, T | None]:
        """Returns the word for a part, and what it has answered."""
        try:
            async with asyncio.timeout(self._most_seconds):
                return OK, await asked
        except Unavailable:
            return "not available", None
        except TimeoutError:
            return f"no answer within {self._most_seconds:g} seconds", None
