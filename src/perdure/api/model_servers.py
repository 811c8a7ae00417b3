"""Facts that were learnt of model servers, over HTTP. An extension."""

from perdure.api.http import Answer, ApiCall
from perdure.api.permissions import require_operator
from perdure.commands import adjustments
from perdure.wire.lists import page_of


async def list_adjustments(call: ApiCall) -> Answer:
    require_operator(call)
    found = await call.services.database.read(adjustments.show_all, now=call.now)
    return page_of(found, [each.id for each in found])


async def delete_adjustment(call: ApiCall) -> Answer:
    """Forgets an adjustment, on all servers of the database within half a minute."""
    require_operator(call)
    return await call.services.database.write(
        adjustments.delete, str(call.request.path_params["adjustment_id"]), now=call.now
    )


async def list_windows(call: ApiCall) -> Answer:
    """Lists the windows that this server has learnt; another one may have learnt others."""
    require_operator(call)
    found = call.services.state.windows()
    return page_of(found, [each.model for each in found])
