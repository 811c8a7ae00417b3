"""The link between the servers of a PostgreSQL database: LISTEN and NOTIFY; see `BusLink`.

Each server listens on a channel of its own and on one for all, over a connection that does nothing
else. Another connection sends: what is sent together is one statement and one commit, since each
commit with notifications waits for all others of the database cluster. Nothing has to be on the
disk for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, sql

from perdure import ids
from perdure.bus.link import LinkDown, LinkMessage
from perdure.errors import ConfigurationError
from perdure.storage.postgres import check_url, connection_settings

_log = structlog.get_logger(__name__)

_COMMON = "perdure"
# PostgreSQL takes payloads of less than 8000 bytes.
_MOST_BYTES = 7999
_AGAIN_SECONDS = (0.1, 0.25, 0.5, 1.0)
_STATEMENT_SECONDS = 10
# Payloads come in the order of the arrays.
_NOTIFY = (
    "SELECT pg_notify(channel, payload) "
    "FROM unnest(%s::text[], %s::text[]) AS sent (channel, payload)"
)
_SESSION = f"SET synchronous_commit = off; SET statement_timeout = '{_STATEMENT_SECONDS}s'"
_PROBE_SECONDS = 5.0

_Connection = AsyncConnection[Any]


class Notifications:
    """See `BusLink`. `server` is the name of this server, `url` a libpq connection URL."""

    most_bytes = _MOST_BYTES

    def __init__(self, url: str, *, server: str) -> None:
        self._url = url
        self._channel = _channel(server)
        self._session: asyncio.Task[None] | None = None
        self._is_listening = False
        self._sending: _Connection | None = None
        self._was_lost = False

    async def listen(self, received: Callable[[str], None], connected: Callable[[], None]) -> None:
        """See `BusLink.listen`."""
        attempt = 0
        while True:
            session = asyncio.create_task(self._listen(received, connected), name="listen")
            self._session = session
            try:
                await asyncio.wait({session})
            finally:
                session.cancel()
                (ended,) = await asyncio.gather(session, return_exceptions=True)
            if ended is None or isinstance(ended, asyncio.CancelledError):
                attempt, reason = 0, "the connection was given up"
            elif isinstance(ended, psycopg.Error | OSError):
                reason = str(ended).split("\n", maxsplit=1)[0]
            else:
                raise ended
            attempt = 0 if self._is_listening else attempt + 1
            self._is_listening = False
            self._lose(reason)
            await asyncio.sleep(_AGAIN_SECONDS[min(attempt, len(_AGAIN_SECONDS) - 1)])

    async def _listen(self, received: Callable[[str], None], connected: Callable[[], None]) -> None:
        """Listens over one connection, as long as that lives."""
        async with await self._connect() as connection:
            for channel in (self._channel, _COMMON):
                listen = sql.SQL("LISTEN {}").format(sql.Identifier(channel))
                await connection.execute(listen)
            self._is_listening = True
            self._find()
            connected()
            async for notification in connection.notifies():
                received(notification.payload)

    async def send(self, messages: Sequence[LinkMessage]) -> None:
        """See `BusLink.send`."""
        channels = [_COMMON if each.to is None else _channel(each.to) for each in messages]
        try:
            if self._sending is None or self._sending.closed:
                self._sending = await self._connect()
                await self._sending.execute(_SESSION)
            await self._sending.execute(_NOTIFY, (channels, [each.payload for each in messages]))
        except (psycopg.Error, OSError) as error:
            await self._drop_sender()
            raise LinkDown(str(error)) from error
        except asyncio.CancelledError:
            # In the middle of a statement it can not be used again.
            await self._drop_sender()
            raise

    def reconnect(self) -> None:
        """See `BusLink.reconnect`."""
        # The task closes its connection when it is no longer looked at: else uvloop would end the
        # process.
        if self._is_listening and self._session is not None:
            self._session.cancel()

    async def close(self) -> None:
        """See `BusLink.close`."""
        await self._drop_sender()

    async def _connect(self) -> _Connection:
        return await AsyncConnection.connect(
            self._url, autocommit=True, **connection_settings(self._url)
        )

    async def _drop_sender(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            with suppress(psycopg.Error, OSError):
                await sending.close()

    def _lose(self, reason: str) -> None:
        if not self._was_lost:
            _log.warning("notifications_lost", reason=reason)
        self._was_lost = True

    def _find(self) -> None:
        if self._was_lost:
            _log.info("notifications_back")
        self._was_lost = False


def _channel(server: str) -> str:
    return f"{_COMMON}_{server}"


async def check(url: str) -> bool:
    """Returns True if notifications get through to a session that listens. They do not behind a
    pooler that gives a connection to one transaction at a time. Raises `ConfigurationError` if the
    database cannot be reached.
    """
    check_url(url)
    server = ids.new("doctor")
    link = Notifications(url, server=server)
    arrived = asyncio.Event()
    listening = asyncio.Event()
    try:
        # Whether the database can be reached at all.
        await link.send([LinkMessage(server, "")])
    except LinkDown as error:
        raise ConfigurationError(f"Notifications cannot be sent: {error}") from None
    task = asyncio.create_task(link.listen(lambda _: arrived.set(), listening.set))
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            await listening.wait()
            await link.send([LinkMessage(server, "")])
            await arrived.wait()
    except (TimeoutError, LinkDown):
        return False
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()
    return True
