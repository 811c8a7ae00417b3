"""Admin keys over HTTP, for admins."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import api_keys, key_secrets
from perdure.commands.api_keys import NewKey
from perdure.wire.api_keys import CreateAdminApiKey, ModifyApiKey


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateAdminApiKey)
    new = NewKey(body.name, key_secrets.new("admin"), body.expires_in_seconds)
    return await call.services.database.write(api_keys.create_admin, new, call.change)


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(api_keys.page_of_admins, call.list_query)


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(api_keys.get_admin, call.id("key_id"))


async def modify(call: ApiCall) -> Answer:
    """Changes when a key expires. An extension: the original knows it for keys of projects only."""
    key_id = call.id("key_id")
    body = await call.body(ModifyApiKey)
    return await call.services.database.write(api_keys.modify_admin, key_id, body, call.change)


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(api_keys.delete_admin, call.id("key_id"), call.change)
