"""Invariants of projects, and of the service accounts and API keys in them."""

from collections.abc import Iterator

from perdure.invariants.pages import SHOWN
from perdure.invariants.run_history import Violation
from perdure.storage.database import Transaction


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields what no server can have written of projects and keys, and objects of projects that are
    not there.
    """
    if tx.one("projects.get", id="proj_default") is None:
        yield Violation("proj_default", "is not there, and the keys of the settings belong to it")
    for row in tx.all("invariants_of_projects.strangers", limit=SHOWN):
        yield Violation(row["id"], f"belongs to the project {row['project']}, of which none is")
    for row in tx.all("invariants_of_projects.odd_keys", limit=SHOWN):
        yield Violation(
            row["id"],
            f"is a key of {row['project']} whose owner {row['service_account']} is not there, is "
            "of another project, or was deleted before it",
        )
    for row in tx.all("invariants_of_projects.no_hashes", limit=SHOWN):
        yield Violation(row["id"], "is a key without the hash of a secret")
    for row in tx.all("invariants_of_projects.untold_keys", limit=SHOWN):
        yield Violation(row["id"], "is a key that the audit log does not tell of")
