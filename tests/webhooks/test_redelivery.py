"""What follows from an attempt at a delivery, as a plain value."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from perdure.webhooks.deliveries import Delivery
from perdure.webhooks.redelivery import SPREAD, WAITS, Again, Arrived, GivenUp, Gone, decide
from perdure.webhooks.sender import WebhookResponse

NOW = 1_800_000_000.5
DELIVERY = Delivery("evt_1", "a", "run_1", "thread.run.completed", 1_800_000_000, "{}", 1)
DAY = 86_400


def _wait(answer: WebhookResponse | str, *, attempt: int = 1) -> float:
    verdict = decide(DELIVERY._replace(attempt=attempt), answer, now=NOW)
    assert isinstance(verdict, Again)
    return verdict.due_at - NOW


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_what_was_taken_has_arrived(status: int) -> None:
    assert decide(DELIVERY, WebhookResponse(status), now=NOW) == Arrived()


@pytest.mark.parametrize("status", [100, 199, 300, 302, 307, 400, 401, 404, 409, 429, 500, 503])
def test_what_was_not_taken_is_sent_again(status: int) -> None:
    verdict = decide(DELIVERY, WebhookResponse(status), now=NOW)
    assert isinstance(verdict, Again)
    assert verdict.error == f"It answered with status {status}."


def test_a_target_that_is_gone_is_sent_nothing_more() -> None:
    assert decide(DELIVERY, WebhookResponse(410), now=NOW) == Gone("It answered with status 410.")


def test_the_waits_grow_over_about_a_day_and_then_it_is_given_up() -> None:
    assert WAITS == (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200)
    assert DAY * 0.9 < sum(WAITS) < sum(WAITS) * (1 + SPREAD) < DAY * 1.1
    for attempt, wait in enumerate(WAITS, start=1):
        assert wait <= _wait("It cannot be reached.", attempt=attempt) <= wait * (1 + SPREAD)
    last = DELIVERY._replace(attempt=len(WAITS) + 1)
    assert decide(last, WebhookResponse(500), now=NOW) == GivenUp("It answered with status 500.")
    assert decide(last, "It cannot be reached.", now=NOW) == GivenUp("It cannot be reached.")
    assert decide(last, WebhookResponse(200), now=NOW) == Arrived()


def test_what_failed_together_comes_back_spread_out() -> None:
    dues = set()
    for number in range(100):
        verdict = decide(DELIVERY._replace(id=f"evt_{number}"), WebhookResponse(500), now=NOW)
        assert isinstance(verdict, Again)
        dues.add(round(verdict.due_at - NOW, 2))
    assert len(dues) > 30
    assert min(dues) < 5.1
    assert max(dues) > 5.4


def test_a_longer_wait_that_the_target_asks_for_is_kept() -> None:
    assert _wait(WebhookResponse(503, "120")) == 120
    date = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)
    assert _wait(WebhookResponse(429, date)) == 89.5  # a date has no fractions


@pytest.mark.parametrize("asked", ["1", "0", "-3", "", "soon", "1e9", "nan", "²", "Fri, 01"])
def test_a_shorter_wait_or_none_that_can_be_read_changes_nothing(asked: str) -> None:
    assert _wait(WebhookResponse(503, asked)) == _wait(WebhookResponse(503))


@pytest.mark.parametrize("asked", ["86401", "9" * 400, "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_nobody_can_ask_for_more_than_a_day(asked: str) -> None:
    assert _wait(WebhookResponse(503, asked)) == DAY


def test_asking_for_a_wait_does_not_make_for_more_attempts() -> None:
    last = DELIVERY._replace(attempt=len(WAITS) + 1)
    assert decide(last, WebhookResponse(503, "60"), now=NOW) == GivenUp(
        "It answered with status 503."
    )
