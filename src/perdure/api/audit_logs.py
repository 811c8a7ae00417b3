"""The audit log over HTTP, for admins."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import audit_logs
from perdure.wire.audit_logs import audit_query


async def list_all(call: ApiCall) -> Answer:
    wanted = audit_query(call.request.query_params.multi_items())
    return await call.services.database.read(audit_logs.page, call.list_query, wanted)
