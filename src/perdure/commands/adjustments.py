"""Adjustments that model servers were found to need, by server and model (see
`providers/adjustments.py`).
"""

import hashlib
from collections.abc import Iterable

from perdure.errors import NotFound
from perdure.providers.adjustments import Learnt
from perdure.storage.database import Transaction
from perdure.wire.lists import Deleted
from perdure.wire.model_servers import ModelAdjustment

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


def show_all(tx: Transaction, *, now: int) -> list[ModelAdjustment]:
    """Returns all adjustments that are known now, the newest first, as the API shows them."""
    return [
        ModelAdjustment(
            id=_id(each),
            created_at=each.learnt_at,
            expires_at=each.learnt_at + LIFETIME_SECONDS,
            server=each.server,
            model=each.model,
            name=each.name,
        )
        for each in list_known(tx, now=now)
    ]


def delete(tx: Transaction, adjustment_id: str, *, now: int) -> Deleted:
    """Removes an adjustment; it is learnt again if the model server still needs it. Raises
    `NotFound`.
    """
    found = next((each for each in list_known(tx, now=now) if _id(each) == adjustment_id), None)
    if found is None:
        raise NotFound(f"No adjustment found with id '{adjustment_id}'.")
    tx.run("adjustments.delete", server=found.server, model=found.model, name=found.name)
    return Deleted(id=adjustment_id, object="model_adjustment.deleted")


def _id(learnt: Learnt) -> str:
    """Returns the id of an adjustment, which has none in its row."""
    named = "\0".join((learnt.server, learnt.model, learnt.name))
    return f"adj_{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def forget(tx: Transaction, *, now: int, limit: int) -> int:
    """Deletes adjustments that are too old to be used. Returns their number."""
    return tx.run("adjustments.forget", before=now - LIFETIME_SECONDS, limit=limit)
