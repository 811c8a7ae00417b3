"""The living sessions, one for each key: found again, started when missing, ended when unused.

A few sessions that have run nothing are kept ready. One that has been used belongs to its key and
never goes back. There are never more than `most` with a key: when another is needed, the one that
was unused the longest ends; when all are in use, callers wait in the order in which they came.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog

from perdure.clock import Clock
from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import Sandbox, Session

_log = structlog.get_logger(__name__)

# for so many keys we remember why they lost their session
_REMEMBERED = 10_000
_UNUSED = "It was not used for a long time."
_EVICTED = "Other threads needed its place."


class Held(NamedTuple):
    """A session that is the caller's alone. `lost`: why the one that its key had before is gone,
    with its variables and files; None if there was none, or this is still it.
    """

    session: Session
    is_new: bool
    lost: str | None


class _Owned:
    """The session of a key."""

    def __init__(self, session: Session, used_at: float) -> None:
        self.session = session
        self.used_at = used_at


class _Turn:
    """One caller of a key at a time, first come, first served."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.callers = 0


class Sessions:
    """Sessions by key. `spare`: how many are kept ready; `idle_seconds`: how long an unused one
    lives.
    """

    def __init__(
        self, sandbox: Sandbox, *, clock: Clock, most: int, spare: int, idle_seconds: float
    ) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._most = most
        self._spare = spare
        self._idle_seconds = idle_seconds
        self._owned: dict[str, _Owned] = {}
        self._turns: dict[str, _Turn] = {}
        self._lost: OrderedDict[str, str] = OrderedDict()
        # places that have a session, or will have one soon; who is first in line for the next one
        self._taken = 0
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()
        self._ready: deque[Session] = deque()
        self._filling: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[Held]:
        """The session of this key, for this caller alone; others of the key wait their turn.

        Raises `ConfigurationError` where none can be started.
        """
        async with self._turn(key):
            owned, is_new = await self._own(key)
            lost = self._lost.pop(key, None) if is_new else None
            try:
                yield Held(owned.session, is_new, lost)
            finally:
                owned.used_at = self._clock.now()
                if owned.session.lost is not None:
                    self._forget(key, owned.session.lost)

    @property
    def keys(self) -> list[str]:
        """Who has a session."""
        return list(self._owned)

    async def end(self, key: str) -> None:
        """Ends the session of a key, once nobody uses it, and forgets that there was one."""
        async with self._turn(key):
            owned = self._owned.get(key)
            if owned is not None:
                await owned.session.close()
                self._forget(key, "")
            self._lost.pop(key, None)

    async def step(self) -> None:
        """Ends what was unused for too long, and sees to it that some are ready."""
        oldest = self._clock.now() - self._idle_seconds
        for key, owned in self._unused():
            if owned.session.lost is not None:
                self._forget(key, owned.session.lost)
            elif owned.used_at <= oldest:
                self._forget(key, _UNUSED)
                await owned.session.close()
        self._refill()
        if self._filling is not None:
            await asyncio.wait({self._filling})

    async def close(self) -> None:
        """Ends all sessions, those in use too."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait({self._filling})
        sessions = [*self._ready, *(owned.session for owned in self._owned.values())]
        await asyncio.gather(*(session.close() for session in sessions))
        await self._sandbox.close()

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(key, _Turn())
        turn.callers += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.callers -= 1
            if not turn.callers:
                del self._turns[key]
                self._freed.set()

    async def _own(self, key: str) -> tuple[_Owned, bool]:
        """The session of this key, and whether it is new."""
        owned = self._owned.get(key)
        if owned is not None and owned.session.lost is None:
            return owned, False
        if owned is not None:
            self._forget(key, owned.session.lost or "")
        await self._take_place()
        try:
            session = await self._fresh()
        except BaseException:
            self._taken -= 1
            self._freed.set()
            raise
        self._owned[key] = owned = _Owned(session, self._clock.now())
        return owned, True

    async def _take_place(self) -> None:
        async with self._line:
            while self._taken >= self._most:
                unused = self._unused()
                if unused:
                    key, owned = min(unused, key=lambda item: item[1].used_at)
                    self._forget(key, _EVICTED)
                    await owned.session.close()
                else:
                    self._freed.clear()
                    await self._freed.wait()
            self._taken += 1

    def _unused(self) -> list[tuple[str, _Owned]]:
        return [(key, owned) for key, owned in self._owned.items() if key not in self._turns]

    def _forget(self, key: str, why: str) -> None:
        """The key has no session any more; it will be told why."""
        del self._owned[key]
        self._taken -= 1
        self._freed.set()
        self._lost[key] = why
        while len(self._lost) > _REMEMBERED:
            self._lost.popitem(last=False)

    async def _fresh(self) -> Session:
        """One that is ready, if there is one that is well."""
        while self._ready:
            session = self._ready.popleft()
            self._refill()
            if session.lost is None:
                return session
        self._refill()
        return await self._sandbox.start()

    def _refill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill(), name="spare sessions")

    async def _fill(self) -> None:
        self._ready = deque(session for session in self._ready if session.lost is None)
        while len(self._ready) < self._spare:
            try:
                self._ready.append(await self._sandbox.start())
            except ConfigurationError as error:
                # who needs a session is told; `perdure doctor` says it too
                _log.warning("no_spare_session", reason=str(error))
                return
