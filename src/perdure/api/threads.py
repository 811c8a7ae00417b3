"""Threads over HTTP (spec 02 §5)."""

from perdure.api.http import Answer, Call
from perdure.commands import threads
from perdure.wire.threads import CreateThread, ModifyThread


async def create(call: Call) -> Answer:
    body = await call.body(CreateThread)
    return await call.services.database.write(
        threads.create, body, project=call.project, now=call.now
    )


async def retrieve(call: Call) -> Answer:
    return await call.services.database.read(
        threads.get, call.id("thread_id"), project=call.project
    )


async def modify(call: Call) -> Answer:
    thread_id = call.id("thread_id")
    body = await call.body(ModifyThread)
    return await call.services.database.write(
        threads.modify, thread_id, body, project=call.project, now=call.now
    )


async def delete(call: Call) -> Answer:
    return await call.services.database.write(
        threads.delete, call.id("thread_id"), project=call.project, now=call.now
    )
