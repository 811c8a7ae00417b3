"""Copies of threads: what they have of their source, what is changed, and what is refused."""

import pytest

from perdure.commands import lists, messages, resources, thread_copies, threads
from perdure.commands.thread_copies import MOST_MESSAGES, SOURCE
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode
from perdure.wire.messages import (
    Attachment,
    AttachmentTool,
    CreateMessage,
    ImageFile,
    ImageFilePart,
    Message,
    text,
)
from perdure.wire.query import ListQuery
from perdure.wire.threads import ChangedMessage, CopyThread, CreateThread, Thread
from perdure.wire.tools import CodeInterpreterResources
from tests.commands.acts import PROJECT, Acts
from tests.commands.filled_stores import FilledStore

CODE = [AttachmentTool(type="code_interpreter")]


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


async def copy(
    acts: Acts, thread_id: str, body: CopyThread | None = None, project: str = PROJECT
) -> Thread:
    asked = body or CopyThread()
    read, write = acts.database.read, acts.database.write
    prepared = await read(thread_copies.prepare, thread_id, asked, project=project, now=acts.now)
    return await write(
        thread_copies.create, thread_id, asked, prepared, project=project, now=acts.now
    )


async def listed(acts: Acts, thread_id: str) -> list[Message]:
    """The messages of a thread, oldest first."""

    def read(tx: Transaction) -> list[Message]:
        query = ListQuery(limit=100, order="asc")
        page = lists.page(tx, "messages", query, project=PROJECT, parent=thread_id, label="message")
        return [decode(body, Message) for body in page.bodies]

    return await acts.database.read(read)


async def add(acts: Acts, thread_id: str, body: CreateMessage) -> Message:
    return await acts.database.write(
        threads.add_message, thread_id, body, project=PROJECT, now=acts.now
    )


async def test_a_copy_has_the_messages_in_their_order_and_no_run(acts: Acts) -> None:
    hold = await acts.writing()
    await acts.complete(hold)
    run = await acts.get(hold.run_id)
    file_id = await FilledStore(acts.database).file("a.csv")
    await add(
        acts,
        run.thread_id,
        CreateMessage(
            role="user",
            content="Third",
            attachments=[Attachment(file_id=file_id, tools=CODE)],
            metadata={"k": "v"},
        ),
    )
    acts.now += 10
    made = await copy(acts, run.thread_id)
    assert (made.created_at, made.metadata) == (acts.now, {SOURCE: run.thread_id})
    source, copied = await listed(acts, run.thread_id), await listed(acts, made.id)
    assert [(each.role, each.content, each.attachments, each.metadata) for each in copied] == [
        (each.role, each.content, each.attachments, each.metadata) for each in source
    ]
    assert [each.role for each in copied] == ["user", "assistant", "user"]
    for each, old in zip(copied, source, strict=True):
        assert each.id != old.id
        assert (each.thread_id, each.created_at, each.completed_at) == (
            made.id, acts.now, acts.now,
        )  # fmt: skip
        assert (each.status, each.run_id, each.assistant_id) == ("completed", None, None)
    assert made.tool_resources is not None
    assert made.tool_resources.code_interpreter == CodeInterpreterResources(file_ids=[file_id])
    # A file that is deleted leaves the list of the copy too.
    await acts.database.write(resources.unlist, file_id, project=PROJECT)
    again = decode(await acts.database.read(threads.get, made.id, project=PROJECT), Thread)
    assert again.tool_resources is not None
    assert again.tool_resources.code_interpreter == CodeInterpreterResources(file_ids=[])


async def test_a_copy_ends_with_the_message_that_is_named(acts: Acts) -> None:
    thread = await acts.thread("One", "Two", "Three")
    second = (await listed(acts, thread.id))[1]
    made = await copy(acts, thread.id, CopyThread(up_to=second.id))
    assert [text(each) for each in await listed(acts, made.id)] == ["One", "Two"]


async def test_a_message_of_the_copy_has_the_changes_of_the_request_and_nothing_else(
    acts: Acts,
) -> None:
    thread = await acts.thread("One", "Two")
    await add(
        acts, thread.id, CreateMessage(role="assistant", content="Three", metadata={"k": "v"})
    )
    first, _, third = await listed(acts, thread.id)
    changes = [
        ChangedMessage(id=third.id, content="3"),
        ChangedMessage(id=first.id, metadata={"n": "1"}),
    ]
    made = await copy(acts, thread.id, CopyThread(messages=changes, metadata={"a": "b"}))
    assert made.metadata == {"a": "b", SOURCE: thread.id}
    assert [(each.role, text(each), each.metadata) for each in await listed(acts, made.id)] == [
        ("user", "One", {"n": "1"}),
        ("user", "Two", {}),
        ("assistant", "3", {"k": "v"}),
    ]
    assert [text(each) for each in await listed(acts, thread.id)] == ["One", "Two", "Three"]


async def test_attachments_of_the_request_are_for_the_tools_of_the_copy_alone(acts: Acts) -> None:
    thread = await acts.thread("One")
    (only,) = await listed(acts, thread.id)
    file_id = await FilledStore(acts.database).file("a.csv")
    change = ChangedMessage(id=only.id, attachments=[Attachment(file_id=file_id, tools=CODE)])
    made = await copy(acts, thread.id, CopyThread(messages=[change]))
    assert made.tool_resources is not None
    assert made.tool_resources.code_interpreter == CodeInterpreterResources(file_ids=[file_id])
    source = decode(await acts.database.read(threads.get, thread.id, project=PROJECT), Thread)
    assert source.tool_resources == thread.tool_resources


async def test_a_message_that_is_being_written_is_left_out(acts: Acts) -> None:
    hold = await acts.writing()
    run = await acts.get(hold.run_id)
    written = (await listed(acts, run.thread_id))[1]
    made = await copy(acts, run.thread_id)
    assert [each.role for each in await listed(acts, made.id)] == ["user"]
    with pytest.raises(BadRequest) as refused:
        await copy(acts, run.thread_id, CopyThread(up_to=written.id))
    assert refused.value.param == "up_to"
    # The source goes on as though nothing had been.
    await acts.complete(hold)


async def test_what_is_not_there_is_not_found_and_nothing_is_written(
    acts: Acts, database: Database
) -> None:
    thread, other = await acts.thread("One", "Two"), await acts.thread("Else")
    first, second = await listed(acts, thread.id)
    (elsewhere,) = await listed(acts, other.id)
    refusals: list[tuple[str, CopyThread, type[Exception]]] = [
        ("thread_no", CopyThread(), NotFound),
        (thread.id, CopyThread(up_to=elsewhere.id), NotFound),
        (thread.id, CopyThread(messages=[ChangedMessage(id=elsewhere.id)]), NotFound),
        # changed, and not copied
        (
            thread.id,
            CopyThread(up_to=first.id, messages=[ChangedMessage(id=second.id)]),
            NotFound,
        ),
        (thread.id, CopyThread(messages=[ChangedMessage(id=first.id)] * 2), BadRequest),
        (
            thread.id,
            CopyThread(
                messages=[
                    ChangedMessage(
                        id=first.id, content=[ImageFilePart(image_file=ImageFile("file-no"))]
                    )
                ]
            ),
            BadRequest,
        ),
        (thread.id, CopyThread(metadata={str(n): "" for n in range(16)}), BadRequest),
    ]
    for thread_id, body, error in refusals:
        with pytest.raises(error):
            await copy(acts, thread_id, body)
    with pytest.raises(NotFound):
        await copy(acts, thread.id, project="proj_other")
    rows = await database.read(
        lambda tx: tx.all(
            "threads.oldest_first", parent=PROJECT, project=PROJECT, low=0, high=2**62, limit=9
        )
    )
    assert [row["id"] for row in rows] == [thread.id, other.id]


async def test_a_copy_of_a_copy_names_its_own_source(acts: Acts) -> None:
    thread = await acts.thread("One")
    made = await copy(acts, (await copy(acts, thread.id)).id)
    assert made.metadata[SOURCE] != thread.id
    assert [text(each) for each in await listed(acts, made.id)] == ["One"]


async def test_a_thread_that_is_too_long_is_copied_in_part_only(acts: Acts) -> None:
    body = CreateMessage(role="user", content="Hello")
    thread = await acts.database.write(
        threads.create, CreateThread(), project=PROJECT, now=acts.now
    )

    def fill(tx: Transaction) -> list[Message]:
        return [
            messages.add(tx, thread.id, body, project=PROJECT, now=acts.now)
            for _ in range(MOST_MESSAGES + 1)
        ]

    *_, last_but_one, _ = await acts.database.write(fill)
    with pytest.raises(BadRequest) as refused:
        await copy(acts, thread.id)
    assert (refused.value.code, refused.value.param) == ("thread_too_long", "up_to")
    made = await copy(acts, thread.id, CopyThread(up_to=last_but_one.id))
    count = await acts.database.read(
        lambda tx: tx.all(
            "messages.oldest_first",
            parent=made.id,
            low=0,
            high=2**62,
            limit=9999,
            run_id=None,
            project=PROJECT,
        )
    )
    assert len(count) == MOST_MESSAGES


async def test_texts_that_are_too_much_together_are_not_copied(acts: Acts) -> None:
    thread = await acts.thread()

    def fill(tx: Transaction) -> None:
        for _ in range(thread_copies.MOST_BYTES // 250_000 + 1):
            body = CreateMessage(role="user", content="x" * 250_000)
            messages.add(tx, thread.id, body, project=PROJECT, now=acts.now)

    await acts.database.write(fill)
    with pytest.raises(BadRequest) as refused:
        await copy(acts, thread.id)
    assert refused.value.code == "thread_too_long"
