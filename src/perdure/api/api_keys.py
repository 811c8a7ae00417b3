"""API keys of projects over HTTP, for admins. They are made in `service_accounts.py`."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import api_keys
from perdure.wire import refusals
from perdure.wire.api_keys import ModifyApiKey
from perdure.wire.lists import Page

_ACCESS = ("active", "inactive", "any")


async def list_all(call: ApiCall) -> Answer:
    project_id, query = call.id("project_id"), call.list_query
    access = call.request.query_params.get("owner_project_access", "any")
    if access not in _ACCESS:
        raise refusals.unsupported_value("owner_project_access", value=access, supported=_ACCESS)
    page = await call.services.database.read(api_keys.page, project_id, query)
    # Whoever owns a key here has access: an owner is deleted with its keys.
    return Page([], [], has_more=False) if access == "inactive" else page


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(api_keys.get, call.id("project_id"), call.id("key_id"))


async def modify(call: ApiCall) -> Answer:
    project_id, key_id = call.id("project_id"), call.id("key_id")
    body = await call.body(ModifyApiKey)
    return await call.services.database.write(
        api_keys.modify, project_id, key_id, body, call.change
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        api_keys.delete, call.id("project_id"), call.id("key_id"), call.change
    )
