"""Findings about where contents are, for `perdure doctor` and the start of a server."""

from collections.abc import Iterable, Sequence

from perdure import storage
from perdure.app import Perdure, blob_stores_of
from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.commands import blob_locations, servers
from perdure.commands.blob_locations import UsedLocation
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from perdure.storage.blob_stores import UNKNOWN, BlobStores, describe
from perdure.storage.blobs import DATABASE

# A server tells of its blob stores three times as often.
_GONE_SECONDS = 90.0
# A server says that it lives three times in a lease.
_LEASES = 2
_BUCKET = "Name it by blob_url, and where new contents go by the setting contents."
_MOVE = "Run `perdure doctor --move-contents` {where}."


def findings(chosen: Settings, *, is_current: bool) -> Iterable[Finding]:
    """Yields where new contents go, and what is wrong with the locations of the others.
    `is_current`: the database has the schema of this version.
    """
    yield Finding(State.OK, "contents", f"new ones go to {chosen.contents_label}")
    exists = chosen.database_url is not None or (chosen.data_dir / "perdure.db").exists()
    if not (is_current and exists):
        return
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    stores = blob_stores_of(chosen)
    stores.identify()
    now = SystemClock().now()
    try:
        with storage.snapshot(url, chosen.data_dir) as tx:
            used = blob_locations.list_used(tx)
            oldest = servers.oldest_living(tx, since=now - _LEASES * chosen.lease_seconds)
    except ConfigurationError as error:
        yield Finding(State.FAIL, "contents", str(error))
        return
    for text, remedy in _problems(used, stores, now, oldest):
        yield Finding(State.WARN, "contents", text, remedy)


async def problems_of(app: Perdure) -> list[str]:
    """Returns the problems with the locations of a running server's contents."""
    now = SystemClock().now()
    used = await app.database.read(blob_locations.list_used)
    since = now - _LEASES * app.settings.lease_seconds
    oldest = await app.database.read(servers.oldest_living, since=since)
    return [f"{text}. {remedy}" for text, remedy in _problems(used, app.blobs, now, oldest)]


def unjudged(location: str, contents: int) -> Finding:
    """Returns the finding about contents that cannot be checked from here."""
    where = describe(location) if location else "a place that no server has told yet"
    text = f"{contents} contents in {where} cannot be judged from here"
    return Finding(State.WARN, "verify", text, "Run it where they can be reached.")


def _problems(
    used: Sequence[UsedLocation], stores: BlobStores, now: float, oldest: float | None
) -> Iterable[tuple[str, str]]:
    """Yields what is wrong with a location, and what to do about it. `oldest` is when the oldest
    living server began.
    """
    with_others = stores.at(DATABASE) is not None
    for each in used:
        count = f"{each.contents} contents ({each.bytes / 2**20:.1f} MiB)"
        if each.location == stores.location:
            continue
        if each.location == UNKNOWN:
            if with_others:
                yield (
                    f"where {count} are, no server has told yet",
                    "The server whose data folder has them tells within minutes after its start.",
                )
        elif stores.at(each.location) is not None:
            if with_others and each.location.startswith("folder:"):
                yield (
                    f"{count} are still in {describe(each.location)}, and only its server reads it",
                    _MOVE.format(where="here"),
                )
        elif not each.location.startswith("folder:"):
            yield (f"{count} are in {describe(each.location)}, which is not configured", _BUCKET)
        elif _is_gone(each, now, oldest):
            yield (
                f"{count} are in {_of_server(each)}, and its server is gone",
                "Start it again with that data folder, or restore the folder.",
            )
        else:
            yield (
                f"{count} are in {_of_server(each)}, which this server cannot reach",
                _MOVE.format(where="there"),
            )


def _is_gone(used: UsedLocation, now: float, oldest: float | None) -> bool:
    """Returns True if no server lives that had the folder when it was last told of."""
    if used.seen_at is None or oldest is None or now - used.seen_at > _GONE_SECONDS:
        return True
    return int(oldest) > used.seen_at


def _of_server(used: UsedLocation) -> str:
    where = f" ({used.path} on {used.host})" if used.path else ""
    return f"{describe(used.location)}{where}"
