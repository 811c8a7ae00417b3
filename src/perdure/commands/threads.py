"""Rules for threads (spec 01 §4, 02 §5, 03 §11)."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids
from perdure.commands import lists, messages, resources, runs
from perdure.errors import NotFound
from perdure.lifecycle import Signal
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.events import Interrupted
from perdure.wire.lists import Deleted
from perdure.wire.messages import CreateMessage, Message
from perdure.wire.threads import CreateThread, ModifyThread, Thread
from perdure.wire.tools import ToolResources


def create(
    tx: Transaction, body: CreateThread, *, project: str, now: int, head: str = ""
) -> Thread:
    """Adds a thread with its first messages, and the vector store that they need.

    `head` stands before the paths of the body's fields in errors. Raises `NotFound` and
    `BadRequest` for objects that are named and do not exist.
    """
    first, param = body.messages or (), f"{head}messages"
    messages.check(tx, first, project=project, param=param)
    tools = resources.resolve(
        tx,
        body.tool_resources,
        project=project,
        now=now,
        of_thread=True,
        param=f"{head}tool_resources",
    )
    thread = Thread(
        id=ids.new(ids.THREAD),
        created_at=now,
        metadata=body.metadata or {},
        tool_resources=resources.attach(
            tx, tools or ToolResources(), first, project=project, now=now, param=param
        ),
    )
    tx.run("threads.insert", id=thread.id, project=project, body=encode(thread).decode())
    resources.note(tx, thread.id, thread.tool_resources)
    for message in first:
        messages.add(tx, thread.id, message, project=project, now=now)
    return thread


def get(tx: Transaction, thread_id: str, *, project: str) -> str:
    """Returns the thread's JSON. Raises `NotFound` (spec 05 §3.2)."""
    return str(_found(tx.one("threads.get", id=thread_id, project=project), thread_id)["body"])


def lock(tx: Transaction, thread_id: str, *, project: str) -> Thread:
    """Returns the thread, locked against other writers until the transaction ends. Raises
    `NotFound`.
    """
    return decode(_locked(tx, thread_id, project=project)["body"], Thread)


def add_message(
    tx: Transaction, thread_id: str, body: CreateMessage, *, project: str, now: int
) -> Message:
    """Adds a message of a client; refused while a run is active on the thread (spec 03 §11)."""
    thread = lock(tx, thread_id, project=project)
    runs.require_idle(
        tx,
        thread_id,
        now=now,
        refusal=f"Can't add messages to {thread_id} while a run {{run}} is active.",
    )
    return append(tx, thread, [body], project=project, now=now)[0]


def append(
    tx: Transaction,
    thread: Thread,
    bodies: Sequence[CreateMessage],
    *,
    project: str,
    now: int,
    param: str | None = None,
) -> list[Message]:
    """Adds messages to a thread that the caller has locked, and their attachments to its tools."""
    messages.check(tx, bodies, project=project, param=param)
    had = thread.tool_resources or ToolResources()
    tools = resources.attach(tx, had, bodies, project=project, now=now, param=param)
    if tools != had:
        thread = replace(thread, tool_resources=tools)
        body = encode(thread).decode()
        tx.run("threads.update", id=thread.id, project=project, body=body)
        resources.note(tx, thread.id, tools)
    return [messages.add(tx, thread.id, body, project=project, now=now) for body in bodies]


def modify(
    tx: Transaction, thread_id: str, body: ModifyThread, *, project: str, now: int
) -> Thread:
    """Modifies a thread. An absent field keeps its value, a value replaces it, null clears it. This
    is allowed while a run is active.
    """
    thread = lock(tx, thread_id, project=project)
    changes: dict[str, object] = {}
    if body.metadata is not UNSET:
        changes["metadata"] = body.metadata or {}
    if body.tool_resources is not UNSET:
        tools = resources.resolve(tx, body.tool_resources, project=project, now=now)
        changes["tool_resources"] = tools or ToolResources()
    thread = replace(thread, **changes)
    tx.run("threads.update", id=thread_id, project=project, body=encode(thread).decode())
    resources.note(tx, thread_id, thread.tool_resources)
    return thread


def delete(tx: Transaction, thread_id: str, *, project: str, now: int) -> Deleted:
    """Removes the thread with all its objects; an active run is cancelled first."""
    row = _locked(tx, thread_id, project=project)
    active = tx.one("runs.active_of_thread", thread_id=thread_id)
    held = runs.lock(tx, active["id"]) if active else None
    if held is not None:
        if held.run.status != "cancelling":
            held = runs.signal(tx, held, Signal.CANCEL, now=now)
        runs.signal(tx, held, Signal.STOP, now=now)
        tx.publish(held.run.id, Interrupted())
    tx.run("threads.delete", id=thread_id, project=project)
    lists.add_tombstone(tx, thread_id, project=project, seq=row["seq"], now=now)
    return Deleted(id=thread_id, object="thread.deleted")


def find_deleted(tx: Transaction, thread_ids: Iterable[str]) -> list[str]:
    """Returns those of the threads that were deleted."""
    return [each for each in thread_ids if tx.one("threads.exists", id=each) is None]


def _locked(tx: Transaction, thread_id: str, *, project: str) -> Row:
    return _found(tx.one("threads.lock", id=thread_id, project=project), thread_id)


def _found(row: Row | None, thread_id: str) -> Row:
    if row is None:
        raise NotFound(f"No thread found with id '{thread_id}'.")
    return row
