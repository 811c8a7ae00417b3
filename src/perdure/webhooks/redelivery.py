"""The decision after an attempt at a delivery: it has arrived, it is sent again later, or never.

This module decides and writes nothing. There are ten attempts at most, over a little less than a
day.
"""

import zlib
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from perdure.webhooks.deliveries import Delivery
from perdure.webhooks.sender import WebhookResponse

# Seconds between an attempt and the next.
WAITS = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200)
# Each wait is longer by up to this fraction of it, so that deliveries that failed together come
# back spread out.
SPREAD = 0.1
# The longest that a target may ask for.
LONGEST_WAIT = 86_400

_GONE = 410


class Arrived(NamedTuple):
    """The target has accepted the delivery."""


class Again(NamedTuple):
    """The delivery is sent again, `due_at` in Unix seconds; `error` says what went wrong."""

    due_at: float
    error: str


class GivenUp(NamedTuple):
    """The delivery is not sent again."""

    error: str


class Gone(NamedTuple):
    """The target asks for no more deliveries."""

    error: str


Verdict = Arrived | Again | GivenUp | Gone


def decide(delivery: Delivery, answer: WebhookResponse | str, *, now: float) -> Verdict:
    """Decides by the target's response, or by the reason why there is none."""
    if isinstance(answer, str):
        return _later(delivery, answer, 0, now=now)
    error = f"It answered with status {answer.status}."
    if 200 <= answer.status < 300:
        return Arrived()
    if answer.status == _GONE:
        return Gone(error)
    return _later(delivery, error, _asked(answer.retry_after, now=now), now=now)


def _later(delivery: Delivery, error: str, asked: float, *, now: float) -> Again | GivenUp:
    if delivery.attempt > len(WAITS):
        return GivenUp(error)
    wait = WAITS[delivery.attempt - 1] * (1 + SPREAD * _fraction(delivery))
    return Again(now + max(wait, min(asked, LONGEST_WAIT)), error)


def _fraction(delivery: Delivery) -> float:
    """Returns a number from 0 to 1; the ids of deliveries are random enough."""
    return zlib.crc32(f"{delivery.webhook} {delivery.id}".encode()) / 0xFFFF_FFFF


def _asked(retry_after: str | None, *, now: float) -> float:
    """Returns the seconds that `Retry-After` asks for, as a number or as a date; 0 for anything
    else.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now
