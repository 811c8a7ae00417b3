"""Invariants of the sums of usage, and of the limits of projects.

Sums are not compared with runs: those are deleted with their threads, and the sums stay.
"""

from collections.abc import Iterator

from perdure.invariants.pages import SHOWN
from perdure.invariants.run_history import Violation
from perdure.storage.database import Transaction


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields sums and limits that nobody can have written."""
    for row in tx.all("invariants_of_usage.odd_counts", limit=SHOWN):
        yield Violation(
            f"usage of {row['project']}",
            f"has {row['requests']} {row['kind']} with {row['input_tokens']}, "
            f"{row['output_tokens']} and {row['cached_tokens']} tokens in {row['span']} s from "
            f"{row['began_at']}",
        )
    for row in tx.all("invariants_of_usage.odd_bytes", limit=SHOWN):
        yield Violation(
            f"usage of {row['project']}",
            f"has {row['bytes']} bytes of vector stores since {row['since']}",
        )
    for row in tx.all("invariants_of_usage.odd_limits", limit=SHOWN):
        yield Violation(f"limits of {row['project']}", f"say {row['what']!r}")
