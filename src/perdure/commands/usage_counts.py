"""Rules for usage: what is counted, in which sums, and for how long.

Sums by minute become sums by hour after two days, and sums by day after fourteen. A server writes
rows of its own only; what is folded belongs to no server.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from perdure.storage.database import Transaction

UsageKind: TypeAlias = Literal[
    "completions", "embeddings", "file_search_calls", "code_interpreter_sessions"
]

MINUTE = 60
HOUR = 3600
DAY = 86_400

# Each span, the one that it becomes a part of, and the seconds after which it does.
FOLDS = ((MINUTE, HOUR, 2 * DAY), (HOUR, DAY, 14 * DAY))


class UsageAccount(NamedTuple):
    """The payer of what is used: a project, and its API key; without one, `key_id` is empty."""

    project: str
    key_id: str = ""


class UsageKey(NamedTuple):
    """The name of a sum, within a minute. `model` is the name that was asked for; it is
    empty for what needs no model.
    """

    kind: UsageKind
    account: UsageAccount
    model: str = ""


class UsageCounts(NamedTuple):
    """An amount that was used. `requests` are calls of a model or of a tool, or sessions; the input
    tokens hold the cached ones.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def plus(self, other: "UsageCounts") -> "UsageCounts":
        """Returns the sum."""
        return UsageCounts(*map(sum, zip(self, other, strict=True)))


NO_USAGE = UsageCounts()


# Names of models are what clients send: they are cut, and beyond so many at once they count as one.
_MOST_NAME = 256
_MOST_KEYS = 1000
OTHER_MODEL = "other"


class UsageTally:
    """Counts that are in no database yet. The name of a model is cut to 256 characters that a
    database takes; where 1,000 keys wait, further ones count for the model `other`.
    """

    def __init__(self) -> None:
        self._counts: dict[UsageKey, UsageCounts] = {}

    def add(self, key: UsageKey, counts: UsageCounts) -> None:
        key = key._replace(model=_storable(key.model))
        if key not in self._counts and len(self._counts) >= _MOST_KEYS:
            key = key._replace(model=OTHER_MODEL)
        self._counts[key] = self._counts.get(key, NO_USAGE).plus(counts)

    def take(self) -> dict[UsageKey, UsageCounts]:
        """Returns all counts, and forgets them."""
        taken, self._counts = self._counts, {}
        return taken

    def __bool__(self) -> bool:
        return bool(self._counts)


class UsageQuery(NamedTuple):
    """The sums that are asked for: those of the time from `low` to before `high`, by buckets of so
    many seconds, and by project, key and model where they are to be told apart. Of projects, keys
    and models only those in a list are summed; None: all.
    """

    kind: UsageKind
    low: int
    high: int
    width: int
    by_project: bool = False
    by_key: bool = False
    by_model: bool = False
    projects: Collection[str] | None = None
    keys: Collection[str] | None = None
    models: Collection[str] | None = None


class UsageSum(NamedTuple):
    """The sum of a bucket. `project`, `key_id` and `model` are None where they are not told apart;
    `key_id` is empty for what was used without a key.
    """

    bucket: int
    project: str | None
    key_id: str | None
    model: str | None
    counts: UsageCounts


def _storable(name: str) -> str:
    # PostgreSQL takes no zero byte, and no database half of a surrogate pair.
    return name[:_MOST_NAME].replace("\0", "").encode("utf-8", "replace").decode()


def add(
    tx: Transaction, counts: Mapping[UsageKey, UsageCounts], *, server: str, now: float
) -> None:
    """Adds counts to the sums of this minute."""
    began_at = int(now) // MINUTE * MINUTE
    # In one order, as every transaction takes them.
    for key, added in sorted(counts.items()):
        tx.run(
            "usage_counts.add",
            span=MINUTE,
            began_at=began_at,
            kind=key.kind,
            project=key.account.project,
            key_id=key.account.key_id,
            model=key.model,
            server=server,
            **added._asdict(),
        )


def finest_span(since: int, *, now: float) -> int:
    """Returns the shortest span, in seconds, in which all usage since then is kept."""
    finest = MINUTE
    for _, long, age in FOLDS:
        if since < _folded_until(long, age, now=now):
            finest = long
    return finest


def is_due(tx: Transaction, *, now: float) -> bool:
    """Returns True if spans are to be folded."""
    return _due(tx, now=now) is not None


def fold(tx: Transaction, *, now: float) -> bool:
    """Folds the oldest spans that are due, into one longer span. Returns True if there were any."""
    due = _due(tx, now=now)
    if due is None:
        return False
    span, long, low = due
    where = {"span": span, "low": low, "high": low + long}
    # Where another server was faster, nothing is found, and nothing added.
    if tx.all("usage_counts.lock", **where):
        tx.run("usage_counts.fold", long=long, **where)
        tx.run("usage_counts.drop", **where)
    return True


def sums(tx: Transaction, query: UsageQuery) -> list[UsageSum]:
    """Returns the sums that are not empty, the oldest bucket first."""
    rows = tx.all(
        "usage_counts.sums",
        kind=query.kind,
        low=query.low,
        high=query.high,
        width=query.width,
        by_project=int(query.by_project),
        by_key=int(query.by_key),
        by_model=int(query.by_model),
        projects=_listed(query.projects),
        keys=_listed(query.keys),
        models=_listed(query.models),
    )
    return [
        UsageSum(
            row["bucket"],
            row["project"],
            row["key_id"],
            row["model"],
            UsageCounts(*(row[name] for name in UsageCounts._fields)),
        )
        for row in rows
    ]


def _due(tx: Transaction, *, now: float) -> tuple[int, int, int] | None:
    """Returns the span that is to be folded, the longer one, and when the latter begins."""
    for span, long, age in FOLDS:
        row = tx.one("usage_counts.oldest", span=span)
        if row is not None:
            low = row["began_at"] // long * long
            if low < _folded_until(long, age, now=now):
                return span, long, low
    return None


def _folded_until(long: int, age: int, *, now: float) -> int:
    """Returns the time before which there are sums of this length, and no shorter ones."""
    return (int(now) - age) // long * long


def _listed(ids: Iterable[str] | None) -> str | None:
    return None if ids is None else json.dumps(sorted(ids))
