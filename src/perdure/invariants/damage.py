"""A row that cannot be read: it is told like all else that cannot be, and hides no other."""

from collections.abc import Iterable, Iterator

from perdure.invariants.run_history import Violation

# ValueError: no UTF-8, no JSON, or none of the API. RecursionError: nested too deep. The others:
# SQLite keeps a value of any type in any column, and whoever compares or decodes it finds out.
UNREADABLE = (ValueError, RecursionError, TypeError, AttributeError, IndexError)


def of(row_id: str, error: Exception) -> Violation:
    """What is told of a row that cannot be read."""
    return Violation(row_id, f"holds something that is no object of the API: {error}")


def guarded(row_id: str, texts: Iterable[str]) -> Iterator[Violation]:
    """What is wrong with a row, as sentences that are found while they are asked for. Where the row
    cannot be read, that is the last one.
    """
    try:
        for text in texts:
            yield Violation(row_id, text)
    except UNREADABLE as error:
        yield of(row_id, error)
