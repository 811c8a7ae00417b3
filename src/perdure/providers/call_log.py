"""Notes of a provider about one model call, for the trace of its run: no text of a server, and no
secret.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection

from msgspec.structs import replace

from perdure.wire.traces import Attempt

# Bodies up to this size are hashed at once, which takes less than handing them to a thread.
_HASHED_AT_ONCE = 256 * 1024
# Attempts that are kept, apart from those that are like the one before.
_MOST_ATTEMPTS = 50


class CallLog:
    """The notes of one call. `now` gives the time; without it, or if it is not `kept` for a trace,
    only what is counted is noted.
    """

    def __init__(self, now: Callable[[], float] | None = None, *, kept: bool = True) -> None:
        self._clock = now
        self._now = now if kept else None
        # of the attempts that led to no answer
        self.failures = 0
        self.last_code: str | None = None
        self.last_status: int | None = None
        self.server: str | None = None
        self.model: str | None = None
        self.adjustments: tuple[str, ...] = ()
        self.body_sha256: str | None = None
        self.body_bytes: int | None = None
        self.attempts: list[Attempt] = []
        self.first_token_at: float | None = None
        # the place in a distributed trace that the request is sent with
        self.traceparent: str | None = None

    def note_server(self, server: str, model: str, adjustments: Collection[str]) -> None:
        """Notes where the request goes, the model's name there, and how the request is adjusted."""
        self.server, self.model, self.adjustments = server, model, tuple(sorted(adjustments))

    async def note_body(self, body: bytes) -> None:
        """Notes the bytes that are sent."""
        if self._now is None:
            return
        self.body_bytes = len(body)
        self.body_sha256 = await sha256(body)

    def note_failure(self, code: str, status: int | None = None) -> None:
        """Notes that an attempt led to no answer; `code` is a word of ours."""
        self.failures += 1
        self.last_code, self.last_status = code, status
        if self._now is None:
            return
        last = self.attempts[-1] if self.attempts else None
        if last is not None and (last.code, last.status, last.adjustments) == (code, status, []):
            self.attempts[-1] = replace(last, count=last.count + 1)
        elif len(self.attempts) < _MOST_ATTEMPTS:
            self.attempts.append(Attempt(at=self._now(), status=status, code=code))

    def note_adjusted(self, names: Collection[str]) -> None:
        """Notes the adjustments that the last refusal called for."""
        if self.attempts:
            self.attempts[-1] = replace(self.attempts[-1], adjustments=sorted(names))

    def note_token(self) -> None:
        """Notes that the answer has begun, the first time."""
        if self.first_token_at is None and self._clock is not None:
            self.first_token_at = self._clock()


async def sha256(body: bytes) -> str:
    """Returns the hash of bytes in hexadecimal; of many, it is computed in a thread."""
    if len(body) <= _HASHED_AT_ONCE:
        return _hex(body)
    return await asyncio.to_thread(_hex, body)


def _hex(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
