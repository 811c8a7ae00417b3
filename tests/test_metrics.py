"""Counting and measuring, without the text that is made of it."""

from perdure.metrics import MOST_SERIES, OTHER, RUN_ROUNDS, RUNS, TAKE_OVERS, Metrics


def test_a_counter_adds_up_by_its_labels() -> None:
    metrics = Metrics()
    metrics.count(RUNS, "completed", "none")
    metrics.count(RUNS, "completed", "none", by=2)
    metrics.count(RUNS, "failed", "server_error")
    assert metrics.numbers[RUNS.name] == {
        ("completed", "none"): 3,
        ("failed", "server_error"): 1,
    }


def test_a_counter_without_labels_begins_at_nothing() -> None:
    assert Metrics().numbers[TAKE_OVERS.name] == {(): 0}


def test_a_value_on_a_bound_is_below_it() -> None:
    metrics = Metrics()
    for value in (0, 1, 34, 35):
        metrics.observe(RUN_ROUNDS, value)
    found = metrics.distributions[RUN_ROUNDS.name][()]
    assert (found.counts[0], found.counts[1], found.counts[-2], found.counts[-1]) == (1, 1, 1, 1)
    assert (sum(found.counts), found.sum) == (4, 70)


def test_more_series_than_there_may_be_are_one() -> None:
    metrics = Metrics()
    for number in range(MOST_SERIES + 5):
        metrics.count(RUNS, "failed", str(number))
    metrics.count(RUNS, "failed", "0")
    series = metrics.numbers[RUNS.name]
    assert len(series) == MOST_SERIES + 1
    assert series[OTHER, OTHER] == 5
    assert series["failed", "0"] == 2
