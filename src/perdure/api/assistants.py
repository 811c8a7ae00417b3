"""Assistants over HTTP (spec 02 §4)."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import assistants, lists
from perdure.wire.assistants import CreateAssistant, ModifyAssistant


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateAssistant)
    return await call.services.database.write(
        assistants.create, body, project=call.project, now=call.now
    )


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        lists.page,
        "assistants",
        call.list_query,
        project=call.project,
        parent=call.project,
        label="assistant",
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(
        assistants.get, call.id("assistant_id"), project=call.project
    )


async def modify(call: ApiCall) -> Answer:
    assistant_id = call.id("assistant_id")
    body = await call.body(ModifyAssistant)
    return await call.services.database.write(
        assistants.modify, assistant_id, body, project=call.project, now=call.now
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        assistants.delete, call.id("assistant_id"), project=call.project, now=call.now
    )
