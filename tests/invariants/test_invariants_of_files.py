"""The invariants find each thing that cannot be of files, stores, deliveries, and only that."""

import re
from collections.abc import Callable, Coroutine, Sequence

import numpy as np
import pytest

from perdure import invariants
from perdure.commands import blobs, files, uploads, vector_stores
from perdure.invariants import Extent, Violation
from perdure.retrieval import upkeep
from perdure.storage.database import Database, Row, Transaction
from perdure.webhooks import deliveries
from perdure.webhooks.deliveries import WebhookSubscription
from perdure.wire.uploads import CompleteUpload
from perdure.wire.vector_stores import ModifyVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, START, Acts
from tests.commands.filled_stores import FilledStore
from tests.ground import Filled, Ground, ground
from tests.invariants.plants_of_files import DELIVERIES, FILES, Plant, Shelved
from tests.invariants.plants_of_stores import INDEX, VECTOR_STORES

__all__ = ["ground"]

PLANTS = (*FILES, *VECTOR_STORES, *INDEX, *DELIVERIES)
HOOK = WebhookSubscription("hook", PROJECT, "thread.run.completed")
TEXTS = ("A colony of bees", "wakes up in spring")


def _violations(tx: Transaction) -> list[Violation]:
    return list(invariants.check(tx))


def _parts(tx: Transaction, upload_id: str) -> Sequence[Row]:
    return tx.all("uploads.parts", upload_id=upload_id)


async def violations(database: Database) -> list[Violation]:
    return await database.read(_violations)


async def deliveries_in_every_status(acts: Acts) -> dict[str, str]:
    """A delivery in each status, by the status."""
    found: dict[str, str] = {}
    await acts.database.write(deliveries.configure, [HOOK], now=acts.now)
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
            deliveries.claim, {"hook": 1}, now=float(acts.now), lease_seconds=30
        )
        found[status] = delivery.id
        if status == "delivered":
            await acts.database.write(
                deliveries.deliver, delivery, now=acts.now, response_status=204
            )
        else:
            await acts.database.write(
                deliveries.give_up, delivery, now=acts.now, error="gone", response_status=404
            )
    return found


@pytest.fixture
async def filled(database: Database) -> FilledStore:
    return FilledStore(database)


async def shelve(filled: FilledStore) -> Shelved:
    """Brings files, stores, uploads and deliveries into every status."""
    completed, twin, failed, held, waiting, cancelled = [await filled.file() for _ in range(6)]
    store = await filled.store([completed, twin])
    other, expiring = await filled.store(), await filled.store(days=1)
    attempt = await filled.begin()
    await filled.finish(attempt, *TEXTS)
    await filled.finish(await filled.begin(), *TEXTS)
    await filled.add(store, failed)
    await filled.fail(await filled.begin())
    await filled.add(store, held)
    held_job = await filled.begin()
    await filled.write(held_job, *TEXTS)
    batch = await filled.batch(store, [cancelled])
    await filled.cancel(batch)
    await filled.add(store, waiting)
    upload, ended = await filled.upload(2), await filled.upload(1, 1)
    (part,) = await filled.database.read(_parts, upload.id)
    ends = await filled.database.read(_parts, ended.id)
    await filled.database.write(
        uploads.complete,
        ended.id,
        CompleteUpload(part_ids=[row["id"] for row in ends]),
        project=PROJECT,
        now=filled.now,
    )
    acts = Acts(filled.database)
    assistant = await acts.assistant()
    told = await deliveries_in_every_status(acts)
    segments = await filled.database.read(
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
        writing=(await filled.blob()).id,
        assistant=assistant.id,
        delivered=told["delivered"],
        awaited=told["waiting"],
        given_up=told["given_up"],
    )


@pytest.fixture
async def at(filled: FilledStore) -> Shelved:
    return await shelve(filled)


@pytest.fixture(scope="module")
def shelved(ground: Ground) -> Filled[Shelved]:
    """A database of all tests that only damage it."""
    return ground.fill(lambda database: shelve(FilledStore(database)))


async def test_a_healthy_database_breaks_nothing(filled: FilledStore, at: Shelved) -> None:
    seen: list[int] = []

    def check(tx: Transaction) -> tuple[Extent, list[Violation]]:
        return invariants.count(tx), list(invariants.check(tx, on_page=seen.append))

    expected = Extent(runs=3, files=7, vector_stores=3)
    assert await filled.database.read(check) == (expected, [])
    assert sum(seen) == sum(expected)


async def test_whatever_is_deleted_or_expires_breaks_nothing_before_and_after_the_upkeep(
    filled: FilledStore, at: Shelved
) -> None:
    """What was dropped goes later, and what refers to it is right at each moment."""
    acts: list[Callable[[], Coroutine[None, None, None]]] = [
        lambda: filled.delete_file(at.completed),
        lambda: filled.remove(at.store, at.failed),
        lambda: filled.delete_file(at.held),
        lambda: filled.delete_store(at.store),
        lambda: filled.delete_file(at.waiting),
    ]
    for act in acts:
        await act()
        assert await violations(filled.database) == []
    await upkeep.step(filled.database, now=0.0)
    assert await violations(filled.database) == []


async def test_an_index_that_is_merged_and_thinned_breaks_nothing(filled: FilledStore) -> None:
    file_ids = await filled.files(12)
    store = await filled.store(file_ids)
    await filled.read_all("bees " * 100, "spring, and bees", "...")
    await upkeep.step(filled.database, now=0.0)
    assert await violations(filled.database) == []
    for file_id in file_ids[::2]:
        await filled.remove(store, file_id)
        assert await violations(filled.database) == []
    await upkeep.step(filled.database, now=0.0)
    assert await violations(filled.database) == []


async def test_chunks_with_vectors_break_nothing(filled: FilledStore) -> None:
    await filled.store([await filled.file()])
    job = await filled.begin(embedding="m")
    await filled.write(job, *TEXTS, vectors=np.ones((2, 100), dtype=np.float32))
    assert await violations(filled.database) == []


async def test_an_expired_store_breaks_nothing_before_and_after_the_upkeep(
    filled: FilledStore,
) -> None:
    store = await filled.store(await filled.files(3), days=1)
    await filled.finish(await filled.begin(), *TEXTS)
    await filled.write(await filled.begin(), *TEXTS)
    filled.now += 86_400
    assert (await filled.look(store)).status == "expired"
    assert await violations(filled.database) == []
    await filled.database.write(vector_stores.drop_expired, now=filled.now, limit=10)
    assert await violations(filled.database) == []
    await upkeep.step(filled.database, now=0.0)
    assert await violations(filled.database) == []


async def test_a_store_that_is_used_or_changed_breaks_nothing(filled: FilledStore) -> None:
    store = await filled.store(days=3)
    filled.now += 1000
    await filled.database.write(vector_stores.touch, store, project=PROJECT, now=filled.now)
    assert await violations(filled.database) == []
    for policy in (VectorStoreExpiresAfter(anchor="last_active_at", days=9), None):
        body = ModifyVectorStore(expires_after=policy)
        await filled.database.write(
            vector_stores.modify, store, body, project=PROJECT, now=filled.now
        )
        assert await violations(filled.database) == []


async def test_uploads_and_files_that_end_break_nothing(filled: FilledStore, at: Shelved) -> None:
    await filled.database.write(uploads.cancel, at.upload, project=PROJECT, now=START)
    assert await violations(filled.database) == []
    await filled.database.write(blobs.doom_lapsed, now=START, everybody=True)
    await filled.database.write(files.expire_due, now=START, limit=9)
    assert await violations(filled.database) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_is_found(shelved: Filled[Shelved], plant: Plant) -> None:
    with shelved.passing() as (connection, tx):
        plant.make(connection, shelved.ids)
        found = _violations(tx)
    texts = [violation.text for violation in found if violation.id == plant.where(shelved.ids)]
    assert any(re.fullmatch(plant.text, text, re.DOTALL) for text in texts), found
