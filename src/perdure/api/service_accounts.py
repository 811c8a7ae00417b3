"""Service accounts over HTTP, for admins, and the keys that are made for them."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import key_secrets, service_accounts
from perdure.commands.api_keys import NewKey
from perdure.wire.api_keys import CreateProjectApiKey
from perdure.wire.service_accounts import CreateServiceAccount, ModifyServiceAccount


async def create(call: ApiCall) -> Answer:
    project_id = call.id("project_id")
    body = await call.body(CreateServiceAccount)
    secret = key_secrets.new("project")
    return await call.services.database.write(
        service_accounts.create, project_id, body, secret, call.change
    )


async def create_key(call: ApiCall) -> Answer:
    project_id, account_id = call.id("project_id"), call.id("service_account_id")
    body = await call.body(CreateProjectApiKey)
    new = NewKey(body.name or "", key_secrets.new("project"), body.expires_in_seconds)
    return await call.services.database.write(
        service_accounts.create_key, project_id, account_id, new, call.change
    )


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        service_accounts.page, call.id("project_id"), call.list_query
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(
        service_accounts.get, call.id("project_id"), call.id("service_account_id")
    )


async def modify(call: ApiCall) -> Answer:
    project_id, account_id = call.id("project_id"), call.id("service_account_id")
    body = await call.body(ModifyServiceAccount)
    return await call.services.database.write(
        service_accounts.modify, project_id, account_id, body, call.change
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        service_accounts.delete,
        call.id("project_id"),
        call.id("service_account_id"),
        call.change,
    )
