"""Messages over HTTP (spec 02 §6)."""

from perdure.api import images
from perdure.api.http import Answer, ApiCall
from perdure.commands import lists, messages, threads
from perdure.storage.database import Transaction
from perdure.wire.lists import Page
from perdure.wire.messages import CreateMessage, ModifyMessage
from perdure.wire.query import ListQuery


async def create(call: ApiCall) -> Answer:
    thread_id = call.id("thread_id")
    body = await call.body(CreateMessage)
    await images.check(call, [body])
    return await call.services.database.write(
        threads.add_message, thread_id, body, project=call.project, now=call.now
    )


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        _page, call.id("thread_id"), call.list_query, project=call.project
    )


async def retrieve(call: ApiCall) -> Answer:
    thread_id = call.id("thread_id")
    return await call.services.database.read(
        messages.get, call.id("message_id"), thread_id=thread_id, project=call.project
    )


async def modify(call: ApiCall) -> Answer:
    thread_id, message_id = call.id("thread_id"), call.id("message_id")
    body = await call.body(ModifyMessage)
    return await call.services.database.write(
        messages.modify, message_id, body, thread_id=thread_id, project=call.project
    )


async def delete(call: ApiCall) -> Answer:
    thread_id = call.id("thread_id")
    return await call.services.database.write(
        messages.delete,
        call.id("message_id"),
        thread_id=thread_id,
        project=call.project,
        now=call.now,
    )


def _page(tx: Transaction, thread_id: str, query: ListQuery, *, project: str) -> Page:
    threads.get(tx, thread_id, project=project)
    return lists.page(tx, "messages", query, project=project, parent=thread_id, label="message")
