"""`perdure doctor --verify`: reads the whole database, lists all contents, and reports violations.

It reads snapshots, so that a server may run meanwhile, and it changes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from perdure import invariants, storage
from perdure.app import blob_stores_of
from perdure.errors import ConfigurationError, Unavailable
from perdure.invariants import Extent, Violation, contents
from perdure.settings import Settings
from perdure.storage.database import Transaction

# More would be the same damage over and over.
_SHOWN = 100


class Verified(NamedTuple):
    """The extent of a check, the number of violations, and the contents that it could not judge: so
    many at each location.
    """

    extent: Extent
    violations: int
    unjudged: Mapping[str, int]


def verify(chosen: Settings, report: Callable[[str], None]) -> Verified:
    """Checks all stored data.

    Each violation is reported as one line, up to a hundred. Raises `ConfigurationError` where the
    database cannot be read.
    """
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    progress = Progress(
        TextColumn("Checking"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    found = 0

    def note(violation: Violation) -> None:
        nonlocal found
        found += 1
        if found <= _SHOWN:
            report(f"{violation.id} {violation.text}")

    with storage.snapshot(url, chosen.data_dir) as tx, progress:
        extent = invariants.count(tx)
        task = progress.add_task("", total=sum(extent))
        for violation in invariants.check(tx, on_page=lambda n: progress.advance(task, n)):
            note(violation)
    unjudged = asyncio.run(_contents(chosen, lambda: storage.snapshot(url, chosen.data_dir), note))
    return Verified(extent, found, unjudged)


async def _contents(
    chosen: Settings,
    look: Callable[[], AbstractContextManager[Transaction]],
    note: Callable[[Violation], None],
) -> Mapping[str, int]:
    stores = blob_stores_of(chosen)
    await stores.open(to_look=True)
    try:
        async for violation in contents.check(stores, look):
            note(violation)
        with look() as tx:
            return contents.count_unjudged(tx, stores)
    except Unavailable as error:
        raise ConfigurationError(error.message) from None
    finally:
        await stores.close()


def describe(extent: Extent) -> str:
    """Returns the extent of the check in words."""
    return f"{extent.runs} runs, {extent.files} files and {extent.vector_stores} vector stores"
