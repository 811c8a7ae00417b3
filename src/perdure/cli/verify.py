"""`perdure doctor --verify`: reads the whole database and tells what cannot be.

It reads one snapshot, so that a server may go on meanwhile, and it changes nothing.
"""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from perdure import store
from perdure.commands import invariants
from perdure.commands.invariants import Extent
from perdure.settings import Settings

# More would be the same damage over and over.
_SHOWN = 100


def verify(chosen: Settings, tell: Callable[[str], None]) -> tuple[Extent, int]:
    """Checks all that is stored; how much was looked at, and how many violations were found.

    Each violation is told as one line, up to a hundred. Raises `ConfigurationError` where the
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
    with store.snapshot(url, chosen.data_dir) as tx, progress:
        extent = invariants.count(tx)
        task = progress.add_task("", total=sum(extent))
        for violation in invariants.check(tx, looked_at=lambda n: progress.advance(task, n)):
            found += 1
            if found <= _SHOWN:
                tell(f"{violation.id} {violation.text}")
    return extent, found


def told(extent: Extent) -> str:
    """How much was looked at, in words."""
    return f"{extent.runs} runs, {extent.files} files and {extent.vector_stores} vector stores"
