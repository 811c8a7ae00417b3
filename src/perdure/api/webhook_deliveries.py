"""Deliveries to webhooks over HTTP. An extension."""

from perdure.api.http import Answer, ApiCall
from perdure.api.permissions import require_lists
from perdure.commands import webhook_deliveries
from perdure.wire.webhook_deliveries import delivery_list_query


async def list_all(call: ApiCall) -> Answer:
    require_lists(call, "Deliveries")
    asked = delivery_list_query(call.request.query_params.multi_items())
    return await call.services.database.read(webhook_deliveries.page, asked, project=call.project)


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(
        webhook_deliveries.get, call.id("delivery_id"), project=call.project
    )


async def send_again(call: ApiCall) -> Answer:
    return await call.services.database.write(
        webhook_deliveries.send_again,
        call.id("delivery_id"),
        webhooks=frozenset(webhook.name for webhook in call.services.settings.webhooks),
        project=call.project,
        now=call.now,
    )
