"""The living sessions, one for each key: reused, started when missing, ended when unused.

A few sessions that have run nothing are kept ready. One that has been used belongs to its key and
never goes back. There are never more than `most` with a key: when another is needed, the one that
was unused the longest ends; when all are in use, callers wait in the order in which they came. Each
caller needs one place only, so that none waits for ever.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import structlog

from perdure.clock import Clock
from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import Sandbox, Session

_log = structlog.get_logger(__name__)

# for so many keys we remember why they lost their session
_REMEMBERED = 10_000
_UNUSED = "It was not used for a long time."
_EVICTED = "Other threads needed its place."
# If none can be started, that is retried after so long, and then half as often each time.
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0


class HeldSession:
    """A session that is the caller's alone.

    `is_new`: no caller before this one has finished with it. `lost`: the reason why the former
    session of its key is gone, with its variables and files; None if there was none, or this is
    still it.
    """

    def __init__(self, session: Session, *, is_new: bool, lost: str | None) -> None:
        self.session = session
        self.is_new = is_new
        self.lost = lost
        self.why_ended: str | None = None

    async def end(self, why: str) -> None:
        """Ends the session. The next user of its key is told why."""
        self.why_ended = self.session.lost or why
        await self.session.close()


class _Owned:
    """The session of a key."""

    def __init__(self, session: Session, used_at: float) -> None:
        self.session = session
        self.used_at = used_at
        self.is_new = True


class _Use:
    """The users of a key's session, present and waiting: one at a time, first come, first
    served.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Sessions:
    """Sessions by key. `spare`: the number that is kept ready; `idle_seconds`: the time after which
    an unused one ends.
    """

    def __init__(
        self, sandbox: Sandbox, *, clock: Clock, most: int, spare: int, idle_seconds: float
    ) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._most = most
        self._spare = spare
        self._idle_seconds = idle_seconds
        # The session of a key that is in use is changed by who has its lock, and by nobody else.
        self._owned: dict[str, _Owned] = {}
        self._uses: dict[str, _Use] = {}
        self._lost: OrderedDict[str, str] = OrderedDict()
        # places that have a session, or will have one soon; who is first in line for the next one
        self._taken = 0
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()
        self._ready: deque[Session] = deque()
        self._filling: asyncio.Task[None] | None = None
        self._fill_at = 0.0
        self._pause = _PAUSE_SECONDS
        self._refusal: str | None = None

    async def packages(self) -> tuple[str, ...]:
        """Returns the names of packages that are installed for code; see `Sandbox`."""
        return await self._sandbox.packages()

    @asynccontextmanager
    async def hold(self, key: str, *, until: ExitStack | None = None) -> AsyncIterator[HeldSession]:
        """Yields the session of this key to this caller alone. Others of the key wait.

        The session keeps its place from now until the stack `until` is closed, however many others
        wait. Raises `ConfigurationError` where none can be started.
        """
        if until is not None:
            until.enter_context(self._used(key))
        with self._used(key) as lock:
            async with lock:
                owned = await self._own(key)
                lost = self._lost.get(key) if owned.is_new else None
                held = HeldSession(owned.session, is_new=owned.is_new, lost=lost)
                try:
                    yield held
                    # One that was interrupted may not have told it to anybody.
                    owned.is_new = False
                    self._lost.pop(key, None)
                finally:
                    why = held.why_ended or owned.session.lost
                    if why is not None:
                        self._drop(key, why)
                        self._free()

    def live_session(self, key: str) -> Session | None:
        """Returns the session that a key has now, to be inspected; None if there is none."""
        owned = self._owned.get(key)
        return owned.session if owned is not None and owned.session.lost is None else None

    @property
    def owners(self) -> list[str]:
        """The keys that have a session, in use or not."""
        return list(self._owned)

    @property
    def keys(self) -> list[str]:
        """The keys with a session that is not in use."""
        return [key for key, _ in self._unused()]

    async def end(self, key: str) -> None:
        """Ends the session of a key, once it is not in use, and forgets that there was one."""
        with self._used(key) as lock:
            async with lock:
                owned = self._owned.get(key)
                if owned is not None:
                    self._drop(key, "")
                    await self._close(owned.session)
                self._lost.pop(key, None)

    async def step(self) -> None:
        """Ends sessions that were unused for too long, and starts spare ones."""
        oldest = self._clock.now() - self._idle_seconds
        ended: list[Session] = []
        # Nothing is waited for in here: meanwhile, one of them might be used again.
        for key, owned in self._unused():
            if owned.session.lost is not None:
                self._drop(key, owned.session.lost)
                self._free()
            elif owned.used_at <= oldest:
                self._drop(key, _UNUSED)
                ended.append(owned.session)
        self._refill()
        await asyncio.gather(*(self._close(session) for session in ended))
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

    @contextmanager
    def _used(self, key: str) -> Iterator[asyncio.Lock]:
        """Keeps a key's session from ending as unused."""
        use = self._uses.setdefault(key, _Use())
        use.users += 1
        try:
            yield use.lock
        finally:
            use.users -= 1
            if not use.users:
                del self._uses[key]
                if key in self._owned:
                    self._owned[key].used_at = self._clock.now()
                self._freed.set()

    async def _own(self, key: str) -> _Owned:
        """Returns the session of this key, perhaps a new one."""
        owned = self._owned.get(key)
        if owned is not None and owned.session.lost is None:
            return owned
        if owned is not None:
            self._drop(key, owned.session.lost or "")
            self._free()
        evicted = await self._take_place()
        try:
            if evicted is not None:
                await evicted.close()
            session = await self._fresh()
        except BaseException:
            self._free()
            raise
        self._owned[key] = owned = _Owned(session, self._clock.now())
        return owned

    async def _take_place(self) -> Session | None:
        """Waits in line for a place. Returns the session to end first if the place is that of one,
        so that no other caller has to wait for its end.
        """
        async with self._line:
            while self._taken >= self._most:
                unused = self._unused()
                if unused:
                    key, owned = min(unused, key=lambda item: item[1].used_at)
                    self._drop(key, _EVICTED)
                    return owned.session
                self._freed.clear()
                await self._freed.wait()
            self._taken += 1
            return None

    def _unused(self) -> list[tuple[str, _Owned]]:
        return [(key, owned) for key, owned in self._owned.items() if key not in self._uses]

    def _drop(self, key: str, why: str) -> None:
        """Removes the session of a key; its next user will be told why. The place is still
        taken.
        """
        del self._owned[key]
        self._lost[key] = why
        while len(self._lost) > _REMEMBERED:
            self._lost.popitem(last=False)

    def _free(self) -> None:
        self._taken -= 1
        self._freed.set()

    async def _close(self, session: Session) -> None:
        """Ends a session that has no key any more, and frees its place."""
        try:
            await session.close()
        finally:
            self._free()

    async def _fresh(self) -> Session:
        """Returns a spare session that is still alive, or starts one."""
        while self._ready:
            session = self._ready.popleft()
            self._refill()
            if session.lost is None:
                return session
        # The caller waits for this one, so it comes first, and brings what it needs and no more.
        try:
            return await self._sandbox.start()
        finally:
            self._refill()

    def _refill(self) -> None:
        if self._filling is None and self._clock.now() >= self._fill_at:
            self._filling = asyncio.create_task(self._fill(), name="spare sessions")
            self._filling.add_done_callback(self._filled)

    async def _fill(self) -> None:
        self._ready = deque(session for session in self._ready if session.lost is None)
        while len(self._ready) < self._spare:
            # until one has started: whatever comes of it, it is not tried again at once
            self._fill_at = self._clock.now() + self._pause
            try:
                session = await self._sandbox.start(warm=True)
            except ConfigurationError as error:
                # the caller that needs a session is told; `perdure doctor` says it too
                if str(error) != self._refusal:
                    _log.warning("no_spare_session", reason=str(error))
                self._refusal = str(error)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
                return
            self._ready.append(session)
            self._fill_at, self._pause, self._refusal = 0.0, _PAUSE_SECONDS, None

    def _filled(self, filling: asyncio.Task[None]) -> None:
        self._filling = None
        if not filling.cancelled() and filling.exception() is not None:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
            _log.error("spare_session_broke", exc_info=filling.exception())
