"""Vector stores over HTTP (spec 02 §9)."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import vector_stores
from perdure.wire.vector_stores import CreateVectorStore, ModifyVectorStore


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateVectorStore)
    return await call.services.database.write(
        vector_stores.create, body, project=call.project, now=call.now
    )


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        vector_stores.page, call.list_query, project=call.project, now=call.now
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(
        vector_stores.get, call.id("vector_store_id"), project=call.project, now=call.now
    )


async def modify(call: ApiCall) -> Answer:
    store_id = call.id("vector_store_id")
    body = await call.body(ModifyVectorStore)
    return await call.services.database.write(
        vector_stores.modify, store_id, body, project=call.project, now=call.now
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        vector_stores.delete, call.id("vector_store_id"), project=call.project, now=call.now
    )
