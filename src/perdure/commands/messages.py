"""Rules for messages (spec 01 §5, 02 §6, 03 §11 and §14)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids, lifecycle
from perdure.commands import events, files, moves
from perdure.commands.lists import add_tombstone
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import MessageStatus, Signal
from perdure.storage.database import Row, Transaction
from perdure.wire import images
from perdure.wire.base import decode, encode
from perdure.wire.lists import Deleted
from perdure.wire.messages import (
    CreateMessage,
    ImageFilePart,
    ImageUrlPart,
    IncompleteMessage,
    Message,
    ModifyMessage,
    Part,
    PartInput,
    TextContent,
    TextPart,
    parts,
)
from perdure.wire.runs import Run

MessageRow: TypeAlias = dict[str, object]


def add(tx: Transaction, thread_id: str, body: CreateMessage, *, project: str, now: int) -> Message:
    """Adds a message of a client to a thread that the caller has locked."""
    message = Message(
        id=ids.new(ids.MESSAGE),
        created_at=now,
        thread_id=thread_id,
        completed_at=now,
        role=body.role,
        content=parts(body.content),
        attachments=body.attachments or [],
        metadata=body.metadata or {},
    )
    _insert(tx, message, project=project)
    return message


def row_of(message: Message, *, project: str) -> MessageRow:
    """Returns the row of a message, for `add_all`."""
    return {
        "id": message.id,
        "project": project,
        "thread_id": message.thread_id,
        "run_id": message.run_id,
        "role": message.role,
        "status": message.status,
        "body": encode(message).decode(),
    }


def add_all(tx: Transaction, rows: Iterable[MessageRow]) -> None:
    """Adds messages to a thread that nobody else knows yet."""
    tx.many("messages.insert", rows)


def open_by_run(tx: Transaction, run: Run, message_id: str, *, project: str, now: int) -> Message:
    """Begins the message that a run writes. Two events with the same payload publish it (spec 04
    §3.1).
    """
    message = Message(
        id=message_id,
        created_at=now,
        thread_id=run.thread_id,
        status=MessageStatus.IN_PROGRESS,
        role="assistant",
        content=[],
        assistant_id=run.assistant_id,
        run_id=run.id,
    )
    _insert(tx, message, project=project)
    data = encode(message)
    events.append(tx, run.id, [(name, data) for name in lifecycle.MESSAGE_CREATED], now=now)
    return message


def signal(
    tx: Transaction,
    message: Message,
    signal: Signal,
    *,
    content: list[Part],
    now: int,
    reason: str | None = None,
    withdrawn: bool = False,
) -> Message:
    """Ends a run's message and publishes its event. `withdrawn`: its deltas had text that it does
    not hold.

    An incomplete message has at least one text part, even an empty one: old SDKs fail on none (spec
    04 §8, P1).
    """
    move = lifecycle.MESSAGE.require(message.id, message.status, signal)
    ended = replace(
        message,
        status=MessageStatus(move.target),
        content=content or [TextPart(text=TextContent(value=""))],
        incomplete_details=IncompleteMessage(reason=reason) if reason else None,  # type: ignore[arg-type]
        **{str(move.stamp): now},
    )
    data = encode(ended)
    new = [(str(move.event), data)]
    if withdrawn:
        new = [(lifecycle.WITHDRAWN, encode({"id": ended.id})), *new]
    moves.write(
        tx,
        "messages.move",
        f"message {message.id}",
        was=message.status,
        id=ended.id,
        status=ended.status,
        body=data.decode(),
    )
    events.append(tx, str(message.run_id), new, now=now)
    return ended


def get(tx: Transaction, message_id: str, *, thread_id: str, project: str) -> str:
    """Returns the message's JSON. Raises `NotFound`."""
    row = tx.one("messages.get", id=message_id, parent=thread_id, project=project)
    return str(_found(row, message_id)["body"])


def modify(
    tx: Transaction, message_id: str, body: ModifyMessage, *, thread_id: str, project: str
) -> Message:
    """Replaces the metadata. This is allowed while a run is active (spec 03 §11)."""
    row = _found(
        tx.one("messages.lock", id=message_id, parent=thread_id, project=project), message_id
    )
    message = decode(row["body"], Message)
    if body.metadata is not UNSET:
        message = replace(message, metadata=body.metadata or {})
        text = encode(message).decode()
        tx.run("messages.update", id=message_id, project=project, body=text)
    return message


def delete(tx: Transaction, message_id: str, *, thread_id: str, project: str, now: int) -> Deleted:
    """Removes a message, unless a run is writing it."""
    row = _found(
        tx.one("messages.lock", id=message_id, parent=thread_id, project=project), message_id
    )
    if row["status"] == MessageStatus.IN_PROGRESS:
        raise BadRequest(f"Can't delete message {message_id} while a run is writing it.")
    tx.run("messages.delete", id=message_id, project=project)
    add_tombstone(tx, message_id, project=project, seq=row["seq"], now=now)
    return Deleted(id=message_id, object="thread.message.deleted")


def check(
    tx: Transaction, messages: Sequence[CreateMessage], *, project: str, param: str | None
) -> None:
    """Raises `BadRequest` where a message shows a file that does not exist or is not named as an
    image is, or a data URL that holds none; `param`: see `shown_files`. The bytes of files are not
    read here.
    """
    for path, part in _parts(messages, param=param):
        if isinstance(part, ImageFilePart):
            files.require_image(
                tx, part.image_file.file_id, project=project, param=f"{path}.image_file.file_id"
            )
        elif isinstance(part, ImageUrlPart):
            images.check_url(part.image_url.url, param=f"{path}.image_url.url")


def shown_files(
    messages: Sequence[CreateMessage], *, param: str | None
) -> Iterator[tuple[str, str]]:
    """Yields the files that the messages show as images: the path of each in the request, its id.

    `param` names the list of messages in the request. None means that the request is the message.
    """
    for path, part in _parts(messages, param=param):
        if isinstance(part, ImageFilePart):
            yield f"{path}.image_file.file_id", part.image_file.file_id


def _parts(
    messages: Sequence[CreateMessage], *, param: str | None
) -> Iterator[tuple[str, PartInput]]:
    for place, message in enumerate(messages):
        head = f"{param}[{place}]." if param else ""
        if not isinstance(message.content, str):
            for at, part in enumerate(message.content):
                yield f"{head}content[{at}]", part


def _insert(tx: Transaction, message: Message, *, project: str) -> None:
    tx.run("messages.insert", **row_of(message, project=project))


def _found(row: Row | None, message_id: str) -> Row:
    if row is None:
        raise NotFound(f"No message found with id '{message_id}'.")
    return row
