"""The row of a server among the others of its database: that it lives, and what it has."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial

import structlog

from perdure.clock import Clock
from perdure.commands import servers
from perdure.commands.servers import CodeSessions, SeenServer, ServerIdentity
from perdure.errors import Unavailable
from perdure.storage.database import Database

_log = structlog.get_logger(__name__)

# Beside the beat, changes of the code sessions are told within this.
STEP_SECONDS = 0.5
END_HUNG_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_BEATS_A_LEASE = 3
# A sign of life may be late.
_BEATS_WAITED = 2


class Membership:
    """The row of one server. `in_hand` are the runs that it works on, `sessions` the threads whose
    code sessions it has; `end_session` ends one that another server has replaced, so that no code
    runs in a session that lacks what has happened since. A server that is alone on its database
    needs none of it.
    """

    def __init__(
        self,
        server: ServerIdentity,
        database: Database,
        clock: Clock,
        *,
        lease_seconds: float,
        in_hand: Callable[[], Collection[str]],
        sessions: Callable[[], Collection[str]] = tuple,
        end_session: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._in_hand = in_hand
        self._sessions = sessions
        self._end_session = end_session
        self._ending: dict[str, asyncio.Future[None]] = {}
        self._told: frozenset[str] = frozenset()
        self._beat_at = float("-inf")
        self._lacked_worker = False

    async def step(self) -> None:
        """Notes that the server lives, when that is due, and its sessions, when they change."""
        if self._database.exclusive:
            return
        now = self._clock.now()
        held = frozenset(self._sessions())
        is_time = now - self._beat_at >= self._lease_seconds / _BEATS_A_LEASE
        if self._told & held:
            await self._end_replaced(self._told & held)
        if not is_time and held == self._told:
            return
        await self._database.write(
            servers.beat,
            self._server,
            runs=len(self._in_hand()),
            sessions=CodeSessions(
                begun=held - self._told,
                kept=held & self._told if is_time else (),
                dropped=self._told - held,
            ),
            now=now,
            until=now + self._lease_seconds,
        )
        self._told = held
        if is_time:
            self._beat_at = now
            await self._look_for_worker(now)

    async def _end_replaced(self, threads: frozenset[str]) -> None:
        """Ends the sessions of threads whose code has run at another server since."""
        own = await self._database.read(servers.sessions_of, self._server.id)
        for thread_id in threads - own:
            if self._end_session is not None and thread_id not in self._ending:
                # It waits for who uses the session.
                ending = asyncio.ensure_future(self._end_session(thread_id))
                self._ending[thread_id] = ending
                ending.add_done_callback(partial(self._ended, thread_id))

    def _ended(self, thread_id: str, _: asyncio.Future[None]) -> None:
        del self._ending[thread_id]

    async def end_hung(self) -> None:
        """Takes from servers that hang the rows that they have locked. Not by a write: those may
        be waiting for just these rows.
        """
        if self._database.exclusive:
            return
        if ended := await self._database.read(servers.end_hung):
            _log.warning(
                "hung_sessions_ended", count=ended, reason="a server hung within a transaction"
            )

    async def find_other(self) -> str | None:
        """Returns the address of another server that lives, if there is one.

        A row with this server's own address may be what it left itself when it was killed, or that
        of a server on another machine. The latter gives a sign of life while one is waited for.
        """
        if self._database.exclusive:
            return None
        began = self._clock.now()
        since = began - self._lease_seconds
        first = await self._others(since)
        for other in first.values():
            if other.address != self._server.address:
                return other.address
        waited = _BEATS_WAITED * self._lease_seconds / _BEATS_A_LEASE
        while first and self._clock.now() - began < waited:
            await asyncio.sleep(_LOOK_SECONDS)
            for server_id, other in (await self._others(since)).items():
                if server_id not in first or other.seen_at > first[server_id].seen_at:
                    return other.address
        return None

    async def _others(self, since: float) -> dict[str, SeenServer]:
        return await self._database.read(servers.others, self._server.id, since=since)

    async def leave(self) -> None:
        """Notes that the server ends. If the database is away, its row grows old."""
        if self._database.exclusive:
            return
        try:
            await self._database.write(servers.leave, self._server.id)
        except Unavailable as error:
            _log.info("server_not_removed", reason=error.message)

    async def _look_for_worker(self, now: float) -> None:
        """Warns once when runs wait and no server lives that could work on them."""
        since = now - 2 * self._lease_seconds
        lacks = await self._database.read(servers.lacks_worker, since=since)
        if lacks and not self._lacked_worker:
            _log.warning(
                "no_worker", reason="runs wait, and no server with the role all or worker lives"
            )
        self._lacked_worker = lacks
