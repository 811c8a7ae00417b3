"""Threads over HTTP (spec 02 §5)."""

from perdure.api import images
from perdure.api.http import Answer, ApiCall
from perdure.api.permissions import require_lists
from perdure.commands import lists, thread_copies, threads
from perdure.wire.threads import CopyThread, CreateThread, ModifyThread


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateThread)
    await images.check(call, body.messages, param="messages")
    return await call.services.database.write(
        threads.create, body, project=call.project, now=call.now
    )


async def list_all(call: ApiCall) -> Answer:
    """Lists the threads. An extension: the original has no list of threads, Azure's has."""
    require_lists(call, "Threads")
    return await call.services.database.read(
        lists.page,
        "threads",
        call.list_query,
        project=call.project,
        parent=call.project,
        label="thread",
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(
        threads.get, call.id("thread_id"), project=call.project
    )


async def modify(call: ApiCall) -> Answer:
    thread_id = call.id("thread_id")
    body = await call.body(ModifyThread)
    return await call.services.database.write(
        threads.modify, thread_id, body, project=call.project, now=call.now
    )


async def copy(call: ApiCall) -> Answer:
    """Copies a thread with changes. An extension."""
    thread_id = call.id("thread_id")
    body = await call.body(CopyThread)
    database = call.services.database
    prepared = await database.read(
        thread_copies.prepare, thread_id, body, project=call.project, now=call.now
    )
    return await database.write(
        thread_copies.create, thread_id, body, prepared, project=call.project, now=call.now
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        threads.delete, call.id("thread_id"), project=call.project, now=call.now
    )
