"""What usage costs."""

import pytest

from perdure.commands.usage_counts import UsageCounts, UsageSum
from perdure.quotas import spend
from perdure.settings import Price

PRICES = {
    "gpt-4o": Price(input=2.5, output=10, cached_input=1.25),
    "gpt-4*": Price(input=30, output=60),
    "*": Price(input=1),
}


def of(model: str, **counts: int) -> UsageSum:
    return UsageSum(0, None, None, model, UsageCounts(**counts))


@pytest.mark.parametrize(
    ("model", "cents"), [("gpt-4o", 1250), ("gpt-4-turbo", 9000), ("other", 100)]
)
def test_the_longest_pattern_has_the_price(model: str, cents: float) -> None:
    used = of(model, requests=3, input_tokens=1_000_000, output_tokens=1_000_000)
    assert spend.cents_of([used], PRICES) == pytest.approx(cents)


def test_cached_tokens_have_a_price_of_their_own() -> None:
    used = of("gpt-4o", input_tokens=1_000_000, cached_tokens=400_000)
    assert spend.cents_of([used], PRICES) == pytest.approx(60 * 2.5 + 40 * 1.25)
    used = of("gpt-4", input_tokens=1_000_000, cached_tokens=400_000)
    assert spend.cents_of([used], PRICES) == pytest.approx(3000)


def test_a_model_without_a_price_costs_nothing() -> None:
    assert spend.cents_of([of("m", input_tokens=10**9)], {}) == 0


def test_months_begin_in_utc() -> None:
    assert spend.month_start(1_796_050_000) == 1_793_491_200  # in November 2026
