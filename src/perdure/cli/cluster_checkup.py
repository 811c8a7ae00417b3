"""Findings of the doctor about the servers that share a PostgreSQL."""

import asyncio
from collections.abc import Iterator

from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.errors import ConfigurationError
from perdure.storage.checkup import DatabaseReport, ServerRow

# A server says that it lives three times in a lease.
_LEASES = 2
_POOLER = (
    "Connect past the pooler, or let it pool sessions: LISTEN needs one. Until then servers hear "
    "of each other's work seconds late."
)


def findings(url: str, seen: DatabaseReport, *, lease_seconds: float) -> Iterator[Finding]:
    """Yields a finding for each server, for runs that wait and that no server works on, and for the
    notifications between servers.
    """
    now = SystemClock().now()
    living = [server for server in seen.servers if now - server.seen_at < _LEASES * lease_seconds]
    for server in seen.servers:
        yield _server(server, now, lives=server in living)
    if seen.queued and not any(server.role in ("all", "worker") for server in living):
        yield Finding(
            State.FAIL,
            "cluster",
            f"{seen.queued} runs wait, and no server lives that could work on them",
            "Start a server with the role all or worker.",
        )
    yield _notifications(url)


def _server(server: ServerRow, now: float, *, lives: bool) -> Finding:
    age = f"started {_ago(now - server.started_at)}, seen {_ago(now - server.seen_at)}"
    text = f"{server.address} ({server.role}, Perdure {server.version}, {server.id}): {age}"
    if lives:
        return Finding(State.OK, "cluster", f"{text}, {server.runs} runs in hand")
    return Finding(State.WARN, "cluster", f"{text}: it is gone, and did not end in good order")


def _ago(seconds: float) -> str:
    if seconds < 120:  # where minutes say too little
        return f"{max(0, seconds):.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _notifications(url: str) -> Finding:
    from perdure.storage import notifications  # only this database needs it

    try:
        arrives = asyncio.run(notifications.check(url))
    except ConfigurationError as error:
        return Finding(State.FAIL, "cluster", str(error), "Check that it is the primary server.")
    if arrives:
        return Finding(State.OK, "cluster", "servers hear of each other (LISTEN and NOTIFY)")
    text = "what a server tells the others does not arrive: a pooler in transaction mode is between"
    return Finding(State.WARN, "cluster", text, _POOLER)
