"""One active run a thread, and what may be done meanwhile (spec 03 §11)."""

import asyncio

import pytest

from perdure.commands import events, messages, runs, threads
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode
from perdure.wire.lists import Deleted
from perdure.wire.messages import CreateMessage, Message, ModifyMessage
from perdure.wire.runs import ModifyRun, Run
from perdure.wire.threads import ModifyThread
from tests.commands.acts import LIFETIME, PROJECT, Acts


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


def _open_message(tx: Transaction, run_id: str) -> str:
    row = tx.one("messages.open_of_run", run_id=run_id)
    assert row is not None
    return decode(row["body"], Message).id


async def add_message(acts: Acts, thread_id: str) -> str:
    body = CreateMessage(role="user", content="More")
    message = await acts.database.write(
        threads.add_message, thread_id, body, project=PROJECT, now=acts.now
    )
    return message.id


async def test_of_200_runs_created_at_once_on_a_thread_one_is_made(acts: Acts) -> None:
    assistant, thread = await acts.assistant(), await acts.thread("Hello")
    results = await asyncio.gather(
        *(acts.run(thread.id, assistant.id) for _ in range(200)), return_exceptions=True
    )
    (made,) = [result for result in results if isinstance(result, Run)]
    refusals = {str(result) for result in results if isinstance(result, BadRequest)}
    assert refusals == {f"Thread {thread.id} already has an active run {made.id}."}


async def test_an_active_run_keeps_messages_out(acts: Acts) -> None:
    run = await acts.queued()
    with pytest.raises(BadRequest) as refused:
        await add_message(acts, run.thread_id)
    assert refused.value.message == (
        f"Can't add messages to {run.thread_id} while a run {run.id} is active."
    )
    assert (refused.value.param, refused.value.code) == (None, None)


async def test_a_run_past_its_time_keeps_nobody_out(acts: Acts) -> None:
    run = await acts.queued()
    acts.now += LIFETIME
    await add_message(acts, run.thread_id)
    assert (await acts.get(run.id)).status == "expired"


async def test_the_lock_falls_with_the_end_of_the_run(acts: Acts) -> None:
    hold = await acts.cancelling()
    run = await acts.get(hold.run_id)
    with pytest.raises(BadRequest):
        await add_message(acts, run.thread_id)
    await acts.release(hold)
    await add_message(acts, run.thread_id)


async def test_metadata_of_a_run_can_be_changed_once_it_has_ended(acts: Acts) -> None:
    hold = await acts.writing()
    run = await acts.get(hold.run_id)

    async def modify() -> Run:
        return await acts.database.write(
            runs.modify, run.id, ModifyRun(metadata={"k": "v"}),
            thread_id=run.thread_id, project=PROJECT, now=acts.now,
        )  # fmt: skip

    with pytest.raises(BadRequest, match=r"^Cannot update run with status 'in_progress'\.$"):
        await modify()
    await acts.complete(hold)
    assert (await modify()).metadata == {"k": "v"}
    assert (await acts.get(run.id)).metadata == {"k": "v"}


async def test_metadata_of_thread_and_message_can_be_changed_meanwhile(acts: Acts) -> None:
    assistant, thread = await acts.assistant(), await acts.thread()
    message_id = await add_message(acts, thread.id)
    await acts.run(thread.id, assistant.id)
    changed = await acts.database.write(
        threads.modify,
        thread.id,
        ModifyThread(metadata={"a": "b"}),
        project=PROJECT,
        now=acts.now,
    )
    assert changed.metadata == {"a": "b"}
    message = await acts.database.write(
        messages.modify, message_id, ModifyMessage(metadata={"c": "d"}),
        thread_id=thread.id, project=PROJECT,
    )  # fmt: skip
    assert message.metadata == {"c": "d"}


async def test_deleting_a_thread_cancels_its_run_and_tells_it(acts: Acts) -> None:
    hold = await acts.writing()
    run = await acts.get(hold.run_id)
    deleted = await acts.database.write(
        threads.delete, run.thread_id, project=PROJECT, now=acts.now
    )
    assert deleted == Deleted(id=run.thread_id, object="thread.deleted")
    assert await acts.database.write(runs.lock, run.id) is None
    assert await acts.database.read(events.after, run.id, 0) == []
    with pytest.raises(NotFound, match=f"No thread found with id '{run.thread_id}'."):
        await acts.database.read(threads.get, run.thread_id, project=PROJECT)


async def test_a_message_that_is_being_written_cannot_be_deleted(acts: Acts) -> None:
    hold = await acts.writing()
    run = await acts.get(hold.run_id)
    message_id = await acts.database.read(_open_message, run.id)

    async def delete() -> Deleted:
        return await acts.database.write(
            messages.delete, message_id, thread_id=run.thread_id, project=PROJECT, now=acts.now
        )

    with pytest.raises(BadRequest):
        await delete()
    await acts.complete(hold)
    assert (await delete()).deleted is True
