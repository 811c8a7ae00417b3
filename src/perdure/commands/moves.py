"""Writes a move of a state machine, if the object has not moved meanwhile."""

from perdure.errors import LeaseLost
from perdure.storage.database import Transaction


def write(tx: Transaction, statement: str, label: str, *, was: str, **columns: object) -> None:
    """Runs a statement that moves one object from the status `was`. Raises `LeaseLost` if the
    object has another status by now; `label` names it there.
    """
    if not tx.run(statement, was=was, **columns):
        raise LeaseLost(f"{label} is not {was} any more")
