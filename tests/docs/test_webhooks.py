"""docs/webhooks.md knows the waits, the events and the fields of a webhook."""

import re

from perdure.settings.webhooks import EVENTS, WebhookSettings
from perdure.webhooks.redelivery import WAITS
from tests.docs.documents import prose, rows

_DOCUMENT = "docs/webhooks.md"
_UNITS = {"s": 1, "min": 60, "h": 3600}


def _seconds(cell: str) -> int:
    number, unit = cell.split()
    return int(number) * _UNITS[unit]


def test_the_waits_are_those_of_the_table() -> None:
    ((_, *waits),) = rows(_DOCUMENT, "Attempt")
    assert [_seconds(wait) for wait in waits] == list(WAITS)


def test_the_events_are_those_that_webhooks_hear_of() -> None:
    text = prose(_DOCUMENT).partition("The events are ")[2].partition("Webhooks are read")[0]
    assert sorted(re.findall(r"`(thread\.[\w.]+)`", text)) == list(EVENTS)


def test_every_field_of_a_webhook_is_documented_and_no_other_is() -> None:
    documented = {
        name for cell, _ in rows(_DOCUMENT, "Field") for name in re.findall(r"`(\w+)`", cell)
    }
    assert documented == set(WebhookSettings.model_fields)
