"""The servers of a database, and the code sessions that they have."""

from collections.abc import Collection
from typing import NamedTuple

from perdure.storage.database import Transaction
from perdure.wire.servers import Role, Server

# A server that is gone is remembered for so long, so that what it left can be told with its name.
FORGET_SECONDS = 86_400.0
# A session that stands still for so long within a transaction belongs to a server that hangs.
_HUNG_SECONDS = 10.0
# It says that it lives three times in a lease.
_LEASES = 2
_MOST = 1000


class ServerIdentity(NamedTuple):
    """A server: its id, where it listens, its version and role, and since when, in Unix seconds."""

    id: str
    address: str
    version: str
    role: Role
    started_at: float


class SeenServer(NamedTuple):
    """A server by where it listens, and its last sign of life in Unix seconds."""

    address: str
    seen_at: float


class CodeSessions(NamedTuple):
    """The threads whose code sessions a server has begun, still has, and has no more."""

    begun: Collection[str] = ()
    kept: Collection[str] = ()
    dropped: Collection[str] = ()


def beat(
    tx: Transaction,
    server: ServerIdentity,
    *,
    runs: int,
    sessions: CodeSessions,
    now: float,
    until: float,
) -> None:
    """Notes that a server lives, how many runs it works on, and its code sessions, which it has
    `until` then unless it says so again. Forgets servers without a sign of life for a day.
    """
    tx.run("servers.beat", **server._asdict(), runs=runs, now=now)
    for thread_id in sorted(sessions.begun):
        tx.run("sessions.keep", thread_id=thread_id, server=server.id, until=until)
    for thread_id in sorted(sessions.kept):
        tx.run("sessions.renew", thread_id=thread_id, server=server.id, until=until)
    for thread_id in sorted(sessions.dropped):
        tx.run("sessions.drop", thread_id=thread_id, server=server.id)
    tx.run("servers.forget", before=now - FORGET_SECONDS)
    tx.run("sessions.forget", before=now - FORGET_SECONDS)


def sessions_of(tx: Transaction, server_id: str) -> frozenset[str]:
    """Returns the threads whose code sessions a server has."""
    return frozenset(row["thread_id"] for row in tx.all("sessions.of_server", server=server_id))


def leave(tx: Transaction, server_id: str) -> None:
    """Removes the row of a server that ends."""
    tx.run("sessions.drop_of_server", server=server_id)
    tx.run("servers.leave", id=server_id)


def list_known(tx: Transaction, *, now: float, lease_seconds: float) -> list[Server]:
    """Returns the servers of the database, in the order in which they started: those that live, and
    for a day those that did not end in good order.
    """
    gone_at = now - _LEASES * lease_seconds
    return [
        _shown(
            ServerIdentity(*(row[name] for name in ServerIdentity._fields)),
            runs=row["runs"],
            seen_at=row["seen_at"],
            lives=row["seen_at"] > gone_at,
        )
        for row in tx.all("servers.known", limit=_MOST)
    ]


def show_alone(server: ServerIdentity, *, runs: int, now: float) -> Server:
    """Returns the server that is alone on its database, which has no row there."""
    return _shown(server, runs=runs, seen_at=now, lives=True)


def _shown(server: ServerIdentity, *, runs: int, seen_at: float, lives: bool) -> Server:
    return Server(
        id=server.id,
        address=server.address,
        version=server.version,
        role=server.role,
        status="alive" if lives else "gone",
        started_at=int(server.started_at),
        last_seen_at=int(seen_at),
        runs_in_hand=runs,
    )


def address(tx: Transaction, server_id: str) -> str | None:
    """Returns the address at which a server listens, or did; None if it is unknown."""
    row = tx.one("servers.address", id=server_id)
    return None if row is None else str(row["address"])


def others(tx: Transaction, server_id: str, *, since: float) -> dict[str, SeenServer]:
    """Returns the servers that were seen since then, other than this one, by id."""
    rows = tx.all("servers.others", id=server_id, since=since)
    return {row["id"]: SeenServer(row["address"], row["seen_at"]) for row in rows}


def oldest_living(tx: Transaction, *, since: float) -> float | None:
    """Returns when the oldest server began that was seen since then; None if there is none."""
    row = tx.one("servers.oldest_living", since=since)
    return None if row is None else row["started_at"]


def lacks_worker(tx: Transaction, *, since: float) -> bool:
    """Returns True if a run waits, and no server that works on runs was seen since then."""
    return bool(tx.all("runs.queued", limit=1)) and (
        tx.one("servers.living_worker", since=since) is None
    )


def end_hung(tx: Transaction, *, seconds: float = _HUNG_SECONDS) -> int:
    """Ends the database sessions of servers that have hung for so long in the middle of a
    transaction, and keep rows from all others. Returns how many there were.
    """
    return len(tx.all("servers.end_hung", seconds=seconds))
