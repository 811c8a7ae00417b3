"""A delivery of an event to a webhook, and the query of their list. An extension."""

from typing import Literal, NamedTuple, TypeAlias, get_args

from msgspec import UNSET, UnsetType

from perdure.wire import refusals
from perdure.wire.base import Object
from perdure.wire.query import ListQuery, Params, query
from perdure.wire.runs import Run

DeliveryStatus: TypeAlias = Literal["waiting", "delivered", "given_up"]

_STATUSES: tuple[str, ...] = get_args(DeliveryStatus)


class WebhookDelivery(Object, kw_only=True):
    """A delivery of an event to a webhook.

    `event_id` is what the target is sent as `webhook-id`; several webhooks hear of one event.
    `next_attempt_at` is null once it has ended, and some seconds ahead while it is being sent.
    `last_response_status` is null where the target gave no response, or none is known. `data` is
    the run as it was at the event: absent in lists, and null once it was delivered.
    """

    id: str
    object: Literal["webhook.delivery"] = "webhook.delivery"
    created_at: int
    webhook: str
    event_id: str
    event: str
    run_id: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: int | None
    delivered_at: int | None
    given_up_at: int | None
    last_response_status: int | None
    last_error: str | None
    data: Run | UnsetType | None = UNSET


class DeliveryListQuery(NamedTuple):
    """The page that a request asks for, of one status only if it is given."""

    page: ListQuery
    status: str | None


def delivery_list_query(params: Params) -> DeliveryListQuery:
    """Returns the query of a request; an empty status counts as not given. Raises `BadRequest`."""
    page = query(params)
    given = [value for name, value in params if name == "status"]
    if len(given) > 1:
        raise refusals.duplicate("status")
    if any(given) and given[0] not in _STATUSES:
        raise refusals.unsupported_value("status", value=given[0], supported=_STATUSES)
    return DeliveryListQuery(page, given[0] if any(given) else None)
