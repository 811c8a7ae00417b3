"""Rules for threads (spec 01 §4, 02 §5, 03 §11)."""

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids
from perdure.commands import messages, missing, runs
from perdure.commands.assistants import plain
from perdure.errors import NotFound
from perdure.lifecycle import Signal
from perdure.store.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.events import Interrupted
from perdure.wire.lists import Deleted
from perdure.wire.messages import CreateMessage, Message
from perdure.wire.threads import CreateThread, ModifyThread, Thread
from perdure.wire.tools import ToolResources


def create(tx: Transaction, body: CreateThread, *, project: str, now: int) -> Thread:
    """Adds a thread with its first messages."""
    missing.refuse_resources(body.tool_resources)
    messages.check_all(tx, body.messages, project=project, param="messages")
    thread = Thread(
        id=ids.new(ids.THREAD),
        created_at=now,
        metadata=body.metadata or {},
        tool_resources=plain(body.tool_resources) or ToolResources(),
    )
    tx.run("threads.insert", id=thread.id, project=project, body=encode(thread).decode())
    for message in body.messages or ():
        messages.add(tx, thread.id, message, project=project, now=now)
    return thread


def get(tx: Transaction, thread_id: str, *, project: str) -> str:
    """The thread's JSON. Raises `NotFound` (spec 05 §3.2)."""
    return str(_found(tx.one("threads.get", id=thread_id, project=project), thread_id)["body"])


def lock(tx: Transaction, thread_id: str, *, project: str) -> Thread:
    """The thread, kept from other writers until the transaction ends. Raises `NotFound`."""
    row = _found(tx.one("threads.lock", id=thread_id, project=project), thread_id)
    return decode(row["body"], Thread)


def add_message(
    tx: Transaction, thread_id: str, body: CreateMessage, *, project: str, now: int
) -> Message:
    """Adds a message by hand; refused while a run is active on the thread (spec 03 §11)."""
    lock(tx, thread_id, project=project)
    runs.require_idle(
        tx,
        thread_id,
        now=now,
        refusal=f"Can't add messages to {thread_id} while a run {{run}} is active.",
    )
    messages.check(tx, body, project=project)
    return messages.add(tx, thread_id, body, project=project, now=now)


def modify(tx: Transaction, thread_id: str, body: ModifyThread, *, project: str) -> Thread:
    """Absent keeps, a value replaces, null clears; allowed while a run is active."""
    thread = lock(tx, thread_id, project=project)
    missing.refuse_resources(body.tool_resources or None)
    changes: dict[str, object] = {}
    if body.metadata is not UNSET:
        changes["metadata"] = body.metadata or {}
    if body.tool_resources is not UNSET:
        changes["tool_resources"] = body.tool_resources or ToolResources()
    thread = replace(thread, **changes)
    tx.run("threads.update", id=thread_id, body=encode(thread).decode())
    return thread


def delete(tx: Transaction, thread_id: str, *, project: str, now: int) -> Deleted:
    """Removes the thread with all that is on it; an active run is cancelled first."""
    lock(tx, thread_id, project=project)
    active = tx.one("runs.active_of_thread", thread_id=thread_id)
    held = runs.lock(tx, active["id"]) if active else None
    if held is not None:
        if held.run.status != "cancelling":
            held = runs.signal(tx, held, Signal.CANCEL, now=now)
        runs.signal(tx, held, Signal.STOP, now=now)
        tx.tell(held.run.id, Interrupted())
    tx.run("threads.delete", id=thread_id)
    return Deleted(id=thread_id, object="thread.deleted")


def _found(row: Row | None, thread_id: str) -> Row:
    if row is None:
        raise NotFound(f"No thread found with id '{thread_id}'.")
    return row
