"""`perdure doctor --verify`: reads the whole database and tells what cannot be.

It reads one snapshot, so that a server may go on meanwhile, and it changes nothing.
"""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from perdure import store
from perdure.commands import invariants
from perdure.settings import Settings

# More would be the same damage over and over.
_SHOWN = 100


def verify(chosen: Settings, told: Callable[[str], None]) -> tuple[int, int]:
    """Checks all that is stored; the number of runs looked at, and of violations found.

    Each violation is told as one line, up to a hundred. Raises `ConfigurationError` where the
    database cannot be read.
    """
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    progress = Progress(
        TextColumn("Checking runs"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    found = 0
    with store.snapshot(url, chosen.data_dir) as tx, progress:
        runs = invariants.count(tx)
        task = progress.add_task("", total=runs)
        for violation in invariants.check(tx, looked_at=lambda n: progress.advance(task, n)):
            found += 1
            if found <= _SHOWN:
                told(f"{violation.id} {violation.text}")
    return runs, found
