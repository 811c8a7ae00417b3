"""Rows that cannot be read: each is reported as a violation and hides no other."""

from collections.abc import Iterable, Iterator

from perdure.invariants.run_history import Violation

# ValueError: no UTF-8, no JSON, or none of the API. RecursionError: nested too deep. The others:
# SQLite keeps a value of any type in any column, and whoever compares or decodes it finds out.
UNREADABLE = (ValueError, RecursionError, TypeError, AttributeError, IndexError)


def violation(row_id: str, error: Exception) -> Violation:
    """Returns the violation for a row that cannot be read."""
    return Violation(row_id, f"holds something that is no object of the API: {error}")


def guard(row_id: str, texts: Iterable[str]) -> Iterator[Violation]:
    """Yields the sentences about a row as they are found, as violations. A row that cannot be read
    yields that as its last one.
    """
    try:
        for text in texts:
            yield Violation(row_id, text)
    except UNREADABLE as error:
        yield violation(row_id, error)
