"""The schema that the database has."""

from perdure.storage.database import Transaction


def names(tx: Transaction) -> frozenset[str]:
    """Returns the migrations that the database has had."""
    return frozenset(row["name"] for row in tx.all("schema_migrations.names"))
