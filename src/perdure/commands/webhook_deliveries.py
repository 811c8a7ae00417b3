"""The deliveries of a project's events to webhooks, for those who look after them. An extension.

`webhooks/deliveries.py` has the rules by which they are sent.
"""

from collections.abc import Collection
from math import ceil
from typing import NamedTuple

from msgspec.structs import replace

from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.lists import Page
from perdure.wire.runs import Run
from perdure.wire.webhook_deliveries import DeliveryListQuery, WebhookDelivery

_LAST = 2**62


class _Place(NamedTuple):
    """A place in the list, which is in the order of these three."""

    told_at: int
    event_id: str
    webhook: str


def page(tx: Transaction, asked: DeliveryListQuery, *, project: str) -> Page:
    """Returns one page of the project's deliveries, in the order of their events, without data.

    With `before` alone, the page is the one that ends right before the cursor, as in
    `commands.lists`. Raises `NotFound` for a cursor that is no delivery of this project (any more).
    """
    low, high = _between(tx, asked, project=project)
    query = asked.page
    backwards = query.before is not None and query.after is None
    descending = (query.order == "desc") != backwards
    rows = tx.all(
        f"webhook_deliveries.{'status' if asked.status else 'all'}_"
        f"{'newest' if descending else 'oldest'}",
        project=project,
        status=asked.status,
        low_at=low.told_at,
        low_id=low.event_id,
        low_webhook=low.webhook,
        high_at=high.told_at,
        high_id=high.event_id,
        high_webhook=high.webhook,
        limit=query.limit + 1,
    )
    has_more = len(rows) > query.limit
    rows = rows[: query.limit]
    if backwards:
        rows.reverse()
    found = [_delivery(row) for row in rows]
    return Page([each.id for each in found], [encode(each).decode() for each in found], has_more)


def get(tx: Transaction, delivery_id: str, *, project: str) -> WebhookDelivery:
    """Returns a delivery with its data. Raises `NotFound`."""
    row = _found(tx, delivery_id, project=project)
    data = None if row["data"] is None else decode(row["data"], Run)
    return replace(_delivery(row), data=data)


def send_again(
    tx: Transaction, delivery_id: str, *, webhooks: Collection[str], project: str, now: int
) -> WebhookDelivery:
    """Lets a delivery that was given up be sent again, at once. Where that fails, it has the
    attempts that were left.

    `webhooks` are the names of those in the settings. Raises `NotFound`, and `BadRequest` unless
    the delivery was given up and its webhook is still in the settings.
    """
    row = _found(tx, delivery_id, project=project)
    webhook = row["webhook"]
    if webhook not in webhooks:
        raise BadRequest(
            f"Can't send {delivery_id} again: the webhook '{webhook}' is not in the settings any "
            "more.",
            code="webhook_not_configured",
        )
    changed = tx.run(
        "webhook_deliveries.send_again", id=row["id"], webhook=webhook, project=project, now=now
    )
    if not changed:
        raise BadRequest(
            f"Can't send {delivery_id} again: its status is '{row['status']}', and only a delivery "
            "that was given up is sent again.",
            code="delivery_not_given_up",
        )
    return get(tx, delivery_id, project=project)


def _between(tx: Transaction, asked: DeliveryListQuery, *, project: str) -> tuple[_Place, _Place]:
    """Returns the two places between which the page lies."""
    low, high = _Place(-1, "", ""), _Place(_LAST, "", "")
    descending = asked.page.order == "desc"
    for cursor, above in ((asked.page.after, not descending), (asked.page.before, descending)):
        if cursor is None:
            continue
        row = _found(tx, cursor, project=project)
        place = _Place(row["told_at"], row["id"], row["webhook"])
        low, high = (max(low, place), high) if above else (low, min(high, place))
    return low, high


def _delivery(row: Row) -> WebhookDelivery:
    status, ended_at = row["status"], row["ended_at"]
    return WebhookDelivery(
        id=f"{row['id']}.{row['webhook']}",
        created_at=row["told_at"],
        webhook=row["webhook"],
        event_id=row["id"],
        event=row["event"],
        run_id=row["run_id"],
        status=status,
        attempts=row["attempts"],
        next_attempt_at=ceil(row["due_at"]) if status == "waiting" else None,
        delivered_at=ended_at if status == "delivered" else None,
        given_up_at=ended_at if status == "given_up" else None,
        last_response_status=row["response_status"],
        last_error=row["last_error"],
    )


def _found(tx: Transaction, delivery_id: str, *, project: str) -> Row:
    event_id, _, webhook = delivery_id.partition(".")
    row = tx.one("webhook_deliveries.get", id=event_id, webhook=webhook, project=project)
    if row is None:
        raise NotFound(f"No delivery found with id '{delivery_id}'.")
    return row
