"""Rules for webhooks. An event and its deliveries are written together, and a delivery waits until
it has arrived or is given up.

A claim is a lease by time: it moves `due_at` on, so that nobody else gets the delivery until then,
and counts an attempt. The result of an attempt is written only if no other attempt has begun since.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perdure import ids
from perdure.storage.database import Transaction


class WebhookSubscription(NamedTuple):
    """A subscription of a webhook to an event of a project."""

    webhook: str
    project: str
    event: str


class Delivery(NamedTuple):
    """An attempt at a delivery, claimed. `id` is that of the event, and the same at each attempt.

    `told_at` is the time of the event in Unix seconds, `data` the JSON of its object.
    """

    id: str
    webhook: str
    run_id: str
    event: str
    told_at: int
    data: str
    attempt: int


def configure(tx: Transaction, subscriptions: Iterable[WebhookSubscription], *, now: int) -> None:
    """Makes the stored subscriptions equal to the settings; deliveries that wait for other webhooks
    are given up.
    """
    wanted = set(subscriptions)
    known = {
        WebhookSubscription(row["name"], row["project"], row["event"])
        for row in tx.all("webhooks.all")
    }
    for subscription in known - wanted:
        tx.run("webhooks.delete", name=subscription.webhook, event=subscription.event)
    for subscription in sorted(wanted - known):
        tx.run(
            "webhooks.insert",
            name=subscription.webhook,
            project=subscription.project,
            event=subscription.event,
        )
    names = {subscription.webhook for subscription in wanted}
    for row in tx.all("webhook_deliveries.awaited"):
        if row["webhook"] not in names:
            error = "The webhook is not in the settings any more."
            give_up_all(tx, row["webhook"], now=now, error=error)


def enqueue(
    tx: Transaction, run_id: str, event: str, data: bytes, *, project: str, now: int
) -> None:
    """Adds a delivery for each webhook that is subscribed to the event."""
    tx.run(
        "webhook_deliveries.insert",
        id=ids.new(ids.EVENT),
        project=project,
        run_id=run_id,
        event=event,
        data=data.decode(),
        told_at=now,
        due_at=float(now),
    )


def due(tx: Transaction, webhooks: Iterable[str], *, now: float) -> list[str]:
    """Returns those of the webhooks that have deliveries to send now."""
    return [
        webhook
        for webhook in webhooks
        if tx.one("webhook_deliveries.due", webhook=webhook, now=now) is not None
    ]


def claim(
    tx: Transaction, most: Mapping[str, int], *, now: float, lease_seconds: float
) -> list[Delivery]:
    """Claims the deliveries that are due, for each webhook so many at most."""
    return [
        Delivery(
            row["id"],
            row["webhook"],
            row["run_id"],
            row["event"],
            row["told_at"],
            row["data"],
            row["attempts"],
        )
        for webhook, limit in most.items()
        for row in tx.all(
            "webhook_deliveries.claim",
            webhook=webhook,
            limit=limit,
            now=now,
            again_at=now + lease_seconds,
        )
    ]


def deliver(tx: Transaction, delivery: Delivery, *, now: int, response_status: int | None) -> None:
    """Records that the delivery has arrived. `response_status` is what the target answered with;
    None where it did not.
    """
    tx.run("webhook_deliveries.deliver", **_attempt(delivery, response_status), now=now)


def postpone(
    tx: Transaction, delivery: Delivery, *, due_at: float, error: str, response_status: int | None
) -> None:
    """Records that the attempt failed, and that the delivery is sent again."""
    attempt = _attempt(delivery, response_status)
    tx.run("webhook_deliveries.postpone", **attempt, due_at=due_at, error=error)


def give_up(
    tx: Transaction, delivery: Delivery, *, now: int, error: str, response_status: int | None
) -> None:
    """Records that the attempt failed, and that the delivery is not sent again."""
    tx.run(
        "webhook_deliveries.give_up", **_attempt(delivery, response_status), now=now, error=error
    )


def disable(
    tx: Transaction, delivery: Delivery, *, now: int, error: str, response_status: int | None
) -> None:
    """Stops all deliveries to the webhook of this one, until a server is started."""
    give_up(tx, delivery, now=now, error=error, response_status=response_status)
    tx.run("webhooks.silence", name=delivery.webhook)
    give_up_all(tx, delivery.webhook, now=now, error=error)


def give_up_all(tx: Transaction, webhook: str, *, now: int, error: str) -> None:
    """Gives up all deliveries that wait for this webhook."""
    tx.run("webhook_deliveries.give_up_all", webhook=webhook, now=now, error=error)


def _attempt(delivery: Delivery, response_status: int | None) -> dict[str, object]:
    return {
        "id": delivery.id,
        "webhook": delivery.webhook,
        "attempt": delivery.attempt,
        "response_status": response_status,
    }
