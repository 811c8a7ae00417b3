"""Findings about where contents are, for `perdure doctor` and the start of a server."""

from collections.abc import Iterable, Sequence

from perdure import storage
from perdure.app import Perdure, blob_stores_of
from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.commands import blob_locations
from perdure.commands.blob_locations import UsedLocation
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from perdure.storage.blob_stores import UNKNOWN, BlobStores, describe
from perdure.storage.blobs import DATABASE

# A server that has not told of its blob stores for so long is gone.
_GONE_SECONDS = 600.0
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
    try:
        with storage.snapshot(url, chosen.data_dir) as tx:
            used = blob_locations.list_used(tx)
    except ConfigurationError as error:
        yield Finding(State.FAIL, "contents", str(error))
        return
    for text, remedy in _problems(used, stores, SystemClock().now()):
        yield Finding(State.WARN, "contents", text, remedy)


async def problems_of(app: Perdure) -> list[str]:
    """Returns the problems with the locations of a running server's contents."""
    used = await app.database.read(blob_locations.list_used)
    return [f"{text}. {remedy}" for text, remedy in _problems(used, app.blobs, SystemClock().now())]


def unjudged(location: str, contents: int) -> Finding:
    """Returns the finding about contents that cannot be checked from here."""
    where = describe(location) if location else "a place that no server has told yet"
    text = f"{contents} contents in {where} cannot be judged from here"
    return Finding(State.WARN, "verify", text, "Run it where they can be reached.")


def _problems(
    used: Sequence[UsedLocation], stores: BlobStores, now: float
) -> Iterable[tuple[str, str]]:
    """Yields what is wrong with a location, and what to do about it."""
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
        elif each.seen_at is None or now - each.seen_at > _GONE_SECONDS:
            yield (
                f"{count} are in {_of_server(each)}, and its server is gone",
                "Start it again with that data folder, or restore the folder.",
            )
        else:
            yield (
                f"{count} are in {_of_server(each)}, which this server cannot reach",
                _MOVE.format(where="there"),
            )


def _of_server(used: UsedLocation) -> str:
    where = f" ({used.path} on {used.host})" if used.path else ""
    return f"{describe(used.location)}{where}"
