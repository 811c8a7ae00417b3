"""Rules for the bytes of vector stores over time: a row from each change on, until the next one."""

import json
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from perdure.commands.usage_counts import FOLDS
from perdure.storage.database import Transaction


def measure(tx: Transaction) -> dict[str, int]:
    """Returns the bytes of the projects in which they are others than the last row says. It reads
    all files of all vector stores.
    """
    now = {row["project"]: int(row["bytes"]) for row in tx.all("vector_store_bytes.measured")}
    noted = {row["project"]: int(row["bytes"]) for row in tx.all("vector_store_bytes.newest")}
    return {
        project: now.get(project, 0)
        for project in {*now, *noted}
        if now.get(project, 0) != noted.get(project, 0)
    }


def keep(tx: Transaction, changed: Mapping[str, int], *, now: float) -> None:
    """Notes what has changed, and drops what is older than is kept: of each hour, and later of each
    day, the last row stays.
    """
    for project, size in sorted(changed.items()):
        tx.run("vector_store_bytes.keep", project=project, since=int(now), bytes=size)
    for _, span, age in FOLDS:
        tx.run("vector_store_bytes.fold", span=span, before=(int(now) - age) // span * span)


def at_ends(
    tx: Transaction, ends: Sequence[int], *, projects: Collection[str] | None
) -> list[dict[str, int]]:
    """Returns the bytes of each project just before each of these times, without the projects that
    had none.
    """
    listed = None if projects is None else json.dumps(sorted(projects))
    rows: dict[str, list[tuple[int, int]]] = {}
    for row in tx.all("vector_store_bytes.until", high=max(ends, default=0), projects=listed):
        rows.setdefault(row["project"], []).append((row["since"], row["bytes"]))
    found = []
    for end in ends:
        of_end = {}
        for project, changes in rows.items():
            place = bisect_left(changes, (end, 0))
            if place and changes[place - 1][1]:
                of_end[project] = changes[place - 1][1]
        found.append(of_end)
    return found
