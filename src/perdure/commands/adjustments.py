"""Adjustments that model servers were found to need, by server and model (see
`providers/adjustments.py`).
"""

from collections.abc import Iterable

from perdure.providers.adjustments import Learnt
from perdure.storage.database import Transaction

# After so long it is found out anew: servers are brought up to date.
LIFETIME_SECONDS = 86_400
# More would be an attack: a model of any name can be asked for.
_MOST = 10_000


def list_known(tx: Transaction, *, now: int) -> list[Learnt]:
    """Returns all adjustments that are known now, the newest first."""
    since = now - LIFETIME_SECONDS
    return [
        Learnt(row["server"], row["model"], row["name"], row["learnt_at"])
        for row in tx.all("adjustments.known", since=since, limit=_MOST)
    ]


def learn(tx: Transaction, server: str, model: str, names: Iterable[str], *, now: int) -> None:
    """Stores the adjustments that a model of a server needs."""
    for name in sorted(names):
        tx.run("adjustments.learn", server=server, model=model, name=name, learnt_at=now)


def forget(tx: Transaction, *, now: int, limit: int) -> int:
    """Deletes adjustments that are too old to be used. Returns their number."""
    return tx.run("adjustments.forget", before=now - LIFETIME_SECONDS, limit=limit)
