"""What the store's tests write: the smallest rows, and a way to make a batch."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from perdure.bus.memory import MemoryBus
from perdure.storage.database import Database, Transaction
from perdure.wire.events import Event, Publication
from tests.patience import PATIENCE_SECONDS

T = TypeVar("T")


class RecordingBus(MemoryBus):
    """Notes all that is published, in order, and lets a test look at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, Publication]] = []
        self.on_publish: Callable[[str, Publication], object] | None = None

    def publish(self, topic: str, item: Publication) -> None:
        self.published.append((topic, item))
        if self.on_publish is not None:
            self.on_publish(topic, item)
        super().publish(topic, item)


def event(seq: int) -> Event:
    return Event(seq, "thread.created", b"{}")


def add_thread(tx: Transaction, thread_id: str, *, tells: tuple[int, ...] = ()) -> int:
    """Adds a thread and tells some events about it."""
    for seq in tells:
        tx.publish(thread_id, event(seq))
    return tx.run("threads.insert", id=thread_id, project="p", body='{"count":0}')


def add_run(tx: Transaction, run_id: str, *, thread_id: str, status: str = "queued") -> int:
    return tx.run(
        "runs.insert",
        id=run_id,
        project="p",
        thread_id=thread_id,
        status=status,
        expires_at=2_000_000_000,
        queued_at=0.0,
        key_id=None,
        created_at=1,
        assistant_id="asst_1",
        model="m",
        traceparent=None,
        asked_at=1.5,
        body="{}",
    )


def add_event(tx: Transaction, run_id: str, name: str) -> int:
    row = tx.one("events.insert", run_id=run_id, name=name, data="{}", told_at=1)
    assert row is not None
    seq: int = row["seq"]
    return seq


def has_thread(tx: Transaction, thread_id: str) -> bool:
    return tx.one("threads.get", id=thread_id, project="p") is not None


def increment(tx: Transaction, *thread_ids: str) -> None:
    """Adds one to the count of each thread, in this order."""
    for thread_id in thread_ids:
        row = tx.one("threads.lock", id=thread_id, project="p")
        assert row is not None
        count = json.loads(row["body"])["count"]
        body = json.dumps({"count": count + 1})
        tx.run("threads.update", id=thread_id, project="p", body=body)


def count(tx: Transaction, thread_id: str) -> int:
    row = tx.one("threads.get", id=thread_id, project="p")
    assert row is not None
    value: int = json.loads(row["body"])["count"]
    return value


async def start(*writes: Coroutine[Any, Any, T]) -> list[asyncio.Task[T]]:
    """Starts the writes in this order, so far that they wait."""
    tasks = [asyncio.create_task(write) for write in writes]
    await asyncio.sleep(0)
    return tasks


@asynccontextmanager
async def held(database: Database) -> AsyncIterator[None]:
    """Keeps the writer busy, so that all that is started meanwhile becomes one batch."""
    begun, go = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        begun.set()
        assert go.wait(PATIENCE_SECONDS)

    holding = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    try:
        yield
    finally:
        go.set()
        await holding
