"""A copy of a thread with changes. An extension.

The messages of the copy are as though a client had added them: they have the source's role,
content, attachments and metadata, in its order, and neither its runs nor its times. A long thread
is read outside of the transaction that all other writers wait for, and that one is bounded.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids
from perdure.commands import messages, resources, threads
from perdure.commands.messages import MessageRow
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import MessageStatus
from perdure.storage.database import Row, Transaction
from perdure.wire import refusals
from perdure.wire.base import decode, encode
from perdure.wire.messages import CreateMessage, Message, parts
from perdure.wire.threads import ChangedMessage, CopyThread, Thread
from perdure.wire.tools import ToolResources

# The key of the copy's metadata that has the id of the source.
SOURCE = "perdure_copied_from"
# What one transaction may write: a tenth of a second.
MOST_MESSAGES = 1_000
MOST_BYTES = 8 * 1024 * 1024
_MOST_METADATA = 16
_READ_AT_ONCE = 200
_FIRST, _LAST = 0, 2**62


class PreparedCopy(NamedTuple):
    """The id of a copy, and the rows of its messages."""

    id: str
    messages: list[MessageRow]


def prepare(
    tx: Transaction, thread_id: str, body: CopyThread, *, project: str, now: int
) -> PreparedCopy:
    """Reads a thread and makes the messages of a copy. One that is being written is left out.

    Raises `NotFound` for a thread and for messages that are not there, `BadRequest` where the copy
    would be too large.
    """
    threads.get(tx, thread_id, project=project)
    changes = _changes(body)
    copy = PreparedCopy(ids.new(ids.THREAD), [])
    size = 0
    end = _end(tx, thread_id, body, project=project)
    for row in _rows(tx, thread_id, end, project=project):
        source = decode(row["body"], Message)
        if source.status == MessageStatus.IN_PROGRESS:
            continue
        size += len(row["body"])
        if len(copy.messages) == MOST_MESSAGES or size > MOST_BYTES:
            raise BadRequest(
                f"Can't copy thread {thread_id}: a copy has at most {MOST_MESSAGES} messages of "
                f"{MOST_BYTES} bytes in all. Name the last one that is to be copied in 'up_to'.",
                param="up_to",
                code="thread_too_long",
            )
        copied = _copied(source, copy.id, changes.pop(source.id, None), now=now)
        copy.messages.append(messages.row_of(copied, project=project))
    if changes:
        raise NotFound(
            f"No message found with id '{next(iter(changes))}' among those that are copied.",
            param="messages",
        )
    return copy


def create(
    tx: Transaction,
    thread_id: str,
    body: CopyThread,
    copy: PreparedCopy,
    *,
    project: str,
    now: int,
) -> Thread:
    """Adds the copy of a thread, and attaches what the request attaches.

    Files of code_interpreter and the vector store are those of the source: both threads search it.
    Raises `NotFound`, and `BadRequest` for files that do not exist and for too much metadata.
    """
    source = threads.lock(tx, thread_id, project=project)
    changed = _as_requests(body)
    messages.check(tx, changed, project=project, param="messages")
    tools = resources.attach(
        tx,
        source.tool_resources or ToolResources(),
        changed,
        project=project,
        now=now,
        param="messages",
    )
    thread = Thread(
        id=copy.id,
        created_at=now,
        metadata=_metadata(source, body),
        tool_resources=tools,
    )
    tx.run("threads.insert", id=thread.id, project=project, body=encode(thread).decode())
    resources.note(tx, thread.id, tools)
    messages.add_all(tx, copy.messages)
    return thread


def _changes(body: CopyThread) -> dict[str, ChangedMessage]:
    changes: dict[str, ChangedMessage] = {}
    for place, change in enumerate(body.messages or ()):
        if change.id in changes:
            raise refusals.duplicate(f"messages[{place}].id")
        changes[change.id] = change
    return changes


def _end(tx: Transaction, thread_id: str, body: CopyThread, *, project: str) -> int:
    """Returns the place before which messages are copied."""
    if body.up_to is None:
        return _LAST
    row = tx.one("messages.get", id=body.up_to, parent=thread_id, project=project)
    if row is None:
        raise NotFound(f"No message found with id '{body.up_to}'.", param="up_to")
    if row["status"] == MessageStatus.IN_PROGRESS:
        raise BadRequest(
            f"Can't copy message {body.up_to} while a run is writing it.", param="up_to"
        )
    return int(row["seq"]) + 1


def _rows(tx: Transaction, thread_id: str, end: int, *, project: str) -> Iterator[Row]:
    low = _FIRST
    while rows := tx.all(
        "messages.oldest_first",
        project=project,
        parent=thread_id,
        low=low,
        high=end,
        limit=_READ_AT_ONCE,
        run_id=None,
    ):
        yield from rows
        low = rows[-1]["seq"]


def _copied(source: Message, thread_id: str, change: ChangedMessage | None, *, now: int) -> Message:
    copy = Message(
        id=ids.new(ids.MESSAGE),
        created_at=now,
        thread_id=thread_id,
        completed_at=now,
        role=source.role,
        content=source.content,
        attachments=source.attachments,
        metadata=source.metadata,
    )
    if change is None:
        return copy
    changes: dict[str, object] = {}
    if change.content is not UNSET:
        changes["content"] = parts(change.content)
    if change.attachments is not UNSET:
        changes["attachments"] = change.attachments or []
    if change.metadata is not UNSET:
        changes["metadata"] = change.metadata or {}
    return replace(copy, **changes)


def _as_requests(body: CopyThread) -> list[CreateMessage]:
    """Returns what the request shows and attaches, as requests of new messages."""
    return [
        CreateMessage(
            role="user",
            content=[] if change.content is UNSET else change.content,
            attachments=None if change.attachments is UNSET else change.attachments,
        )
        for change in body.messages or ()
    ]


def _metadata(source: Thread, body: CopyThread) -> dict[str, str]:
    own = source.metadata if body.metadata is UNSET else body.metadata or {}
    marked = {**own, SOURCE: source.id}
    if len(marked) > _MOST_METADATA:
        raise BadRequest(
            f"The copy has {SOURCE} in its metadata, besides at most {_MOST_METADATA - 1} other "
            "pairs. Give it fewer in 'metadata'.",
            param="metadata",
            code="object_above_max_properties",
        )
    return marked
