"""What is counted as used in a database."""

from perdure.commands import usage_counts
from perdure.commands.usage_counts import NO_USAGE, UsageCounts, UsageKind, UsageQuery
from perdure.storage.database import Database

EVER = 2**40


async def used(database: Database, kind: UsageKind = "completions") -> UsageCounts:
    """The sum over all time, projects, keys and models."""
    query = UsageQuery(kind, low=0, high=EVER, width=2**30)
    total = NO_USAGE
    for found in await database.read(usage_counts.sums, query):
        total = total.plus(found.counts)
    return total
