"""Rules for webhooks: an event and its deliveries are written together, and a delivery waits until
it has arrived or is given up.

A claim is a lease by time: it moves `due_at` on, so that nobody else is given the delivery until
then, and counts an attempt. What comes of an attempt is written only if no other has begun since.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perdure import ids
from perdure.storage.database import Transaction


class WebhookSubscription(NamedTuple):
    """A webhook hears of an event of a project."""

    webhook: str
    project: str
    event: str


class Delivery(NamedTuple):
    """An attempt at a delivery, claimed; `id` is that of the event, and the same at each attempt.

    `told_at` in Unix seconds, `data` is the JSON of the object that the event told.
    """

    id: str
    webhook: str
    run_id: str
    event: str
    told_at: int
    data: str
    attempt: int


def configure(tx: Transaction, subscriptions: Iterable[WebhookSubscription], *, now: int) -> None:
    """Makes the webhooks equal to the settings; what waits for others is given up."""
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
    """Adds a delivery for each webhook that hears of the event."""
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
    """Those of the webhooks that something is to be sent to now."""
    return [
        webhook
        for webhook in webhooks
        if tx.one("webhook_deliveries.due", webhook=webhook, now=now) is not None
    ]


def claim(
    tx: Transaction, most: Mapping[str, int], *, now: float, lease_seconds: float
) -> list[Delivery]:
    """Takes what is to be sent now, for each webhook so many at most."""
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


def deliver(tx: Transaction, delivery: Delivery, *, now: int) -> None:
    """It has arrived."""
    tx.run("webhook_deliveries.deliver", **_attempt(delivery), now=now)


def postpone(tx: Transaction, delivery: Delivery, *, due_at: float, error: str) -> None:
    """It has not arrived, and is sent again."""
    tx.run("webhook_deliveries.postpone", **_attempt(delivery), due_at=due_at, error=error)


def give_up(tx: Transaction, delivery: Delivery, *, now: int, error: str) -> None:
    """It has not arrived, and is not sent again."""
    tx.run("webhook_deliveries.give_up", **_attempt(delivery), now=now, error=error)


def silence(tx: Transaction, webhook: str, *, now: int, error: str) -> None:
    """Nothing is sent to this webhook any more, until a server is started."""
    tx.run("webhooks.silence", name=webhook)
    give_up_all(tx, webhook, now=now, error=error)


def give_up_all(tx: Transaction, webhook: str, *, now: int, error: str) -> None:
    """Nothing that waits for this webhook is sent any more."""
    tx.run("webhook_deliveries.give_up_all", webhook=webhook, now=now, error=error)


def _attempt(delivery: Delivery) -> dict[str, object]:
    return {"id": delivery.id, "webhook": delivery.webhook, "attempt": delivery.attempt}
