"""The spend of a project in a month: tokens times their prices."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from perdure.commands.usage_counts import UsageSum
from perdure.settings import Price

_MILLION = 1_000_000


def month_start(now: float) -> int:
    """Returns when the calendar month began, in UTC."""
    day = datetime.fromtimestamp(now, UTC)
    return int(day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Returns the price of a model: under its name, else under the longest pattern."""
    if model in prices:
        return prices[model]
    fitting = [name for name in prices if "*" in name and fnmatchcase(model, name)]
    return prices[max(fitting, key=len)] if fitting else None


def cents_of(sums: Iterable[UsageSum], prices: Mapping[str, Price]) -> float:
    """Returns what these sums by model have cost, in cents; a model without a price costs
    nothing.
    """
    return sum(_cents(found, price_of(found.model or "", prices)) for found in sums)


def _cents(found: UsageSum, price: Price | None) -> float:
    if price is None:
        return 0.0
    counts = found.counts
    # Some model servers tell more of them than there are.
    cached = min(counts.cached_tokens, counts.input_tokens)
    dollars = (
        (counts.input_tokens - cached) * price.input
        + cached * (price.input if price.cached_input is None else price.cached_input)
        + counts.output_tokens * price.output
    )
    return 100 * dollars / _MILLION
