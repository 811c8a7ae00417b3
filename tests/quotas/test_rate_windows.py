"""The sliding minute of limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.quotas.rate_windows import MinuteCounts, MinuteLog, SlidingCount, duration

COUNTS = st.integers(0, 10_000)
PASSED = st.floats(0, 1, exclude_max=True)


def later(count: SlidingCount, seconds: float) -> SlidingCount:
    """The count after a while in which nothing was added."""
    at = count.passed + seconds / 60
    if at < 1:
        return count._replace(passed=at)
    if at < 2:
        return SlidingCount(0, count.this, at - 1)
    return SlidingCount(0, 0, 0.0)


def test_the_last_minute_counts_as_far_as_it_lies_within_sixty_seconds() -> None:
    assert SlidingCount(0, 60, 0.0).used == 60
    assert SlidingCount(5, 60, 0.5).used == 35
    assert SlidingCount(5, 60, 0.75).used == 20


@given(this=COUNTS, last=COUNTS, passed=PASSED, most=COUNTS)
def test_after_the_time_that_is_told_no_more_counts_than_may(
    *, this: int, last: int, passed: float, most: int
) -> None:
    count = SlidingCount(this, last, passed)
    wait = count.seconds_until(most)
    assert 0 <= wait <= 120
    # a hair later, for what floating point leaves
    assert later(count, wait + 1e-6).used <= most
    if wait > 0.1:
        assert later(count, wait * 0.9).used > most or wait < 1


@given(this=COUNTS, last=COUNTS, passed=PASSED)
def test_after_the_reset_nothing_counts(*, this: int, last: int, passed: float) -> None:
    count = SlidingCount(this, last, passed)
    assert later(count, count.reset_seconds + 1e-6).used == 0


def test_a_limit_of_nothing_is_never_free() -> None:
    assert SlidingCount(0, 0, 0.5).seconds_until(-1) > 0


def test_the_log_keeps_two_minutes_and_tells_projects_apart() -> None:
    log = MinuteLog()
    log.add("a", "m", requests=1, tokens=0, now=59)
    log.add("a", "m", requests=0, tokens=7, now=60)
    log.add("b", "m", requests=1, tokens=1, now=61)
    assert log.of_minute(0, "a") == {"m": MinuteCounts(1, 0)}
    assert log.of_minute(1, "a") == {"m": MinuteCounts(0, 7)}
    log.add("a", "n", requests=1, tokens=0, now=120)
    assert log.of_minute(0, "a") == {}
    assert log.of_minute(1, "b") == {"m": MinuteCounts(1, 1)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.12, "120ms"), (1, "1s"), (7.66, "7.66s"), (80, "1m20s"), (360, "6m0s")],
)
def test_durations_are_told_as_the_original_told_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
