"""The invariants find each thing that cannot be of files, stores, deliveries, and only that."""

import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import numpy as np
import pytest

from perdure.commands import blobs, files, invariants, uploads, vector_stores, webhooks
from perdure.commands.invariants import Extent, Violation
from perdure.commands.webhooks import WebhookSubscription
from perdure.retrieval import upkeep
from perdure.store.database import Database, Row, Transaction
from perdure.wire.uploads import CompleteUpload
from perdure.wire.vector_stores import ModifyVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, START, Acts
from tests.commands.plants_of_files import DELIVERIES, FILES, Plant, Shelved
from tests.commands.plants_of_stores import INDEX, VECTOR_STORES
from tests.commands.shelf import Shelf
from tests.store.raw import raw

PLANTS = (*FILES, *VECTOR_STORES, *INDEX, *DELIVERIES)
HOOK = WebhookSubscription("hook", PROJECT, "thread.run.completed")
TEXTS = ("A colony of bees", "wakes up in spring")


def _violations(tx: Transaction) -> list[Violation]:
    return list(invariants.check(tx))


def _parts(tx: Transaction, upload_id: str) -> Sequence[Row]:
    return tx.all("uploads.parts", upload_id=upload_id)


async def violations(database: Database) -> list[Violation]:
    return await database.read(_violations)


async def deliveries(acts: Acts) -> dict[str, str]:
    """A delivery in each status, by the status."""
    found: dict[str, str] = {}
    await acts.database.write(webhooks.configure, [HOOK], now=acts.now)
    for status in ("delivered", "given_up", "waiting"):
        hold = await acts.writing()
        await acts.complete(hold)
        if status == "waiting":
            waiting = await acts.database.read(
                lambda tx: tx.all("invariants_of_webhooks.deliveries", id="", webhook="", limit=9)
            )
            found[status] = next(row["id"] for row in waiting if row["status"] == "waiting")
            return found
        (delivery,) = await acts.database.write(
            webhooks.claim, {"hook": 1}, now=float(acts.now), lease_seconds=30
        )
        found[status] = delivery.id
        if status == "delivered":
            await acts.database.write(webhooks.deliver, delivery, now=acts.now)
        else:
            await acts.database.write(webhooks.give_up, delivery, now=acts.now, error="gone")
    return found


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    return Shelf(database)


@pytest.fixture
async def at(shelf: Shelf) -> Shelved:
    """Brings files, stores, uploads and deliveries into every status."""
    completed, twin, failed, held, waiting, cancelled = [await shelf.file() for _ in range(6)]
    store = await shelf.store([completed, twin])
    other, expiring = await shelf.store(), await shelf.store(days=1)
    attempt = await shelf.begin()
    await shelf.finish(attempt, *TEXTS)
    await shelf.finish(await shelf.begin(), *TEXTS)
    await shelf.add(store, failed)
    await shelf.fail(await shelf.begin())
    await shelf.add(store, held)
    held_job = await shelf.begin()
    await shelf.write(held_job, *TEXTS)
    batch = await shelf.batch(store, [cancelled])
    await shelf.cancel(batch)
    await shelf.add(store, waiting)
    upload, ended = await shelf.upload(2), await shelf.upload(1, 1)
    (part,) = await shelf.database.read(_parts, upload.id)
    ends = await shelf.database.read(_parts, ended.id)
    await shelf.database.write(
        uploads.complete,
        ended.id,
        CompleteUpload(part_ids=[row["id"] for row in ends]),
        project=PROJECT,
        now=shelf.now,
    )
    acts = Acts(shelf.database)
    assistant = await acts.assistant()
    told = await deliveries(acts)
    segments = await shelf.database.read(
        lambda tx: tx.all("invariants_of_vector_stores.segments", after=0, limit=1)
    )
    return Shelved(
        store=store,
        other=other,
        expiring=expiring,
        completed=completed,
        failed=failed,
        waiting=waiting,
        held=held,
        attempt=attempt.ingestion,
        next_attempt=held_job.ingestion + 1,
        segment=segments[0]["seq"],
        batch=batch.id,
        upload=upload.id,
        ended_upload=ended.id,
        part=part["id"],
        blob=part["blob"],
        writing=(await shelf.blob()).id,
        assistant=assistant.id,
        delivered=told["delivered"],
        awaited=told["waiting"],
        given_up=told["given_up"],
    )


async def test_a_healthy_database_breaks_nothing(shelf: Shelf, at: Shelved) -> None:
    seen: list[int] = []

    def check(tx: Transaction) -> tuple[Extent, list[Violation]]:
        return invariants.count(tx), list(invariants.check(tx, looked_at=seen.append))

    expected = Extent(runs=3, files=7, vector_stores=3)
    assert await shelf.database.read(check) == (expected, [])
    assert sum(seen) == sum(expected)


async def test_whatever_is_deleted_or_expires_breaks_nothing_before_and_after_the_upkeep(
    shelf: Shelf, at: Shelved
) -> None:
    """What was dropped goes later, and what refers to it is right at each moment."""
    acts: list[Callable[[], Coroutine[None, None, None]]] = [
        lambda: shelf.delete_file(at.completed),
        lambda: shelf.remove(at.store, at.failed),
        lambda: shelf.delete_file(at.held),
        lambda: shelf.delete_store(at.store),
        lambda: shelf.delete_file(at.waiting),
    ]
    for act in acts:
        await act()
        assert await violations(shelf.database) == []
    await upkeep.step(shelf.database)
    assert await violations(shelf.database) == []


async def test_an_index_that_is_merged_and_thinned_breaks_nothing(shelf: Shelf) -> None:
    file_ids = await shelf.files(12)
    store = await shelf.store(file_ids)
    await shelf.read_all("bees " * 100, "spring, and bees", "...")
    await upkeep.step(shelf.database)
    assert await violations(shelf.database) == []
    for file_id in file_ids[::2]:
        await shelf.remove(store, file_id)
        assert await violations(shelf.database) == []
    await upkeep.step(shelf.database)
    assert await violations(shelf.database) == []


async def test_chunks_with_vectors_break_nothing(shelf: Shelf) -> None:
    await shelf.store([await shelf.file()])
    job = await shelf.begin(embedding="m")
    await shelf.write(job, *TEXTS, vectors=np.ones((2, 100), dtype=np.float32))
    assert await violations(shelf.database) == []


async def test_an_expired_store_breaks_nothing_before_and_after_the_upkeep(shelf: Shelf) -> None:
    store = await shelf.store(await shelf.files(3), days=1)
    await shelf.finish(await shelf.begin(), *TEXTS)
    await shelf.write(await shelf.begin(), *TEXTS)
    shelf.now += 86_400
    assert (await shelf.look(store)).status == "expired"
    assert await violations(shelf.database) == []
    await shelf.database.write(vector_stores.drop_expired, now=shelf.now, limit=10)
    assert await violations(shelf.database) == []
    await upkeep.step(shelf.database)
    assert await violations(shelf.database) == []


async def test_a_store_that_is_used_or_changed_breaks_nothing(shelf: Shelf) -> None:
    store = await shelf.store(days=3)
    shelf.now += 1000
    await shelf.database.write(vector_stores.touch, store, now=shelf.now)
    assert await violations(shelf.database) == []
    for policy in (VectorStoreExpiresAfter(anchor="last_active_at", days=9), None):
        body = ModifyVectorStore(expires_after=policy)
        await shelf.database.write(
            vector_stores.modify, store, body, project=PROJECT, now=shelf.now
        )
        assert await violations(shelf.database) == []


async def test_uploads_and_files_that_end_break_nothing(shelf: Shelf, at: Shelved) -> None:
    await shelf.database.write(uploads.cancel, at.upload, project=PROJECT, now=START)
    assert await violations(shelf.database) == []
    await shelf.database.write(blobs.doom_lapsed, now=START, everybody=True)
    await shelf.database.write(files.expire_due, now=START, limit=9)
    assert await violations(shelf.database) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
async def test_is_found(
    shelf: Shelf, at: Shelved, database_url: str | None, data_dir: Path, plant: Plant
) -> None:
    with raw(database_url, data_dir) as connection:
        plant.make(connection, at)
    found = await violations(shelf.database)
    texts = [violation.text for violation in found if violation.id == plant.where(at)]
    assert any(re.fullmatch(plant.text, text, re.DOTALL) for text in texts), found
