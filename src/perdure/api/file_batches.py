"""Batches of files over HTTP (spec 02 §9)."""

from perdure.api.http import Answer, ApiCall, respond
from perdure.commands import file_batches
from perdure.wire.file_batches import CreateFileBatch


async def create(call: ApiCall) -> Answer:
    store_id = call.id("vector_store_id")
    body = await call.body(CreateFileBatch)
    return await call.services.database.write(
        file_batches.create, store_id, body, project=call.project, now=call.now
    )


async def retrieve(call: ApiCall) -> Answer:
    batch = await call.services.database.read(
        file_batches.get,
        call.id("batch_id"),
        store_id=call.id("vector_store_id"),
        project=call.project,
    )
    return respond(batch, call.poll_hint if batch.file_counts.in_progress else None)


async def cancel(call: ApiCall) -> Answer:
    return await call.services.database.write(
        file_batches.cancel,
        call.id("batch_id"),
        store_id=call.id("vector_store_id"),
        project=call.project,
    )


async def list_files(call: ApiCall) -> Answer:
    return await call.services.database.read(
        file_batches.page,
        call.list_query,
        call.id("batch_id"),
        store_id=call.id("vector_store_id"),
        project=call.project,
    )
