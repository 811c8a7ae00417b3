"""Reading of a whole table page by page, so that memory stays bounded."""

from collections.abc import Iterator

from perdure.storage.database import Row, Transaction

# Objects that are in memory at once, with all that belongs to them.
AT_ONCE = 200
# Of one kind of damage that a statement finds by itself.
SHOWN = 1000


def pages(tx: Transaction, statement: str) -> Iterator[list[Row]]:
    """Yields the rows of a statement that pages by `seq`."""
    after = 0
    while rows := tx.all(statement, after=after, limit=AT_ONCE):
        yield rows
        after = rows[-1]["seq"]
