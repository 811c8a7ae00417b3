"""Who reads which file and how long, on both databases (spec 06 §1.5)."""

import pytest

from perdure.commands import ingestions
from perdure.commands.ingestions import IngestionJob
from perdure.errors import LeaseLost
from perdure.storage.database import Database
from tests.commands.filled_stores import FilledStore


@pytest.fixture
def filled(database: Database) -> FilledStore:
    return FilledStore(database)


async def test_files_are_taken_in_the_order_in_which_they_came_and_once(
    filled: FilledStore,
) -> None:
    file_ids = await filled.files(3)
    await filled.store(file_ids)
    jobs = [await filled.begin() for _ in range(3)]
    assert [job.file_id for job in jobs] == file_ids
    assert [job.filename for job in jobs] == ["0.txt", "1.txt", "2.txt"]
    assert await filled.claim() is None


async def test_a_store_with_many_files_keeps_no_other_from_its_turn(filled: FilledStore) -> None:
    """A file that is attached to a message must not wait for a batch of thousands."""
    large = await filled.store(await filled.files(6))
    small = [await filled.store(await filled.files(2)) for _ in range(2)]
    turns: list[str] = []
    while job := await filled.claim(after=turns[-1] if turns else ""):
        turns.append(job.store_id)
    assert all(turns[:6].count(store_id) == 2 for store_id in (large, *small))
    assert turns[6:] == [large] * 4


async def test_a_lease_that_is_renewed_keeps_others_out_and_one_that_ran_out_does_not(
    filled: FilledStore,
) -> None:
    await filled.store([await filled.file()])
    job = await filled.begin()
    filled.now += 29
    lost = await filled.database.write(
        ingestions.renew, [job], now=float(filled.now), lease_seconds=30
    )
    assert lost == []
    filled.now += 29
    assert await filled.claim("worker_2") is None
    filled.now += 1
    other = await filled.claim("worker_2")
    assert other is not None
    assert (other.seq, other.lease.epoch, other.ingestion != job.ingestion) == (job.seq, 2, True)
    lost = await filled.database.write(
        ingestions.renew, [job], now=float(filled.now), lease_seconds=30
    )
    assert lost == [job]


async def test_a_lease_that_ran_out_is_left_to_the_worker_that_lives_and_taken_back(
    filled: FilledStore,
) -> None:
    await filled.store([await filled.file()])
    job = await filled.begin()
    filled.now += 31
    assert await filled.claim(in_hand=[job.seq]) is None
    lost = await filled.database.write(
        ingestions.renew, [job], now=float(filled.now), lease_seconds=30
    )
    assert lost == []
    assert await filled.claim("worker_2") is None


async def test_who_lost_the_lease_can_neither_write_nor_end_nor_put_back(
    filled: FilledStore,
) -> None:
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    old = await filled.begin()
    filled.now += 30
    new = await filled.begin()
    for act in (filled.write(old, "bees"), filled.finish(old), filled.fail(old)):
        with pytest.raises(LeaseLost):
            await act
    await filled.database.write(ingestions.release, old)
    await filled.finish(new, "bees")
    assert (await filled.look_at(store_id, file_id)).status == "completed"


async def test_what_an_earlier_attempt_wrote_is_dropped_by_the_next(filled: FilledStore) -> None:
    await filled.store([await filled.file()])
    old = await filled.begin()
    await filled.write(old, "bees")
    filled.now += 30
    new = await filled.begin()
    await filled.finish(new, "spring")
    rows = await filled.database.read(
        lambda tx: tx.all("invariants_of_vector_stores.attempts", after=0, limit=10)
    )
    assert [row["seq"] for row in rows] == [new.ingestion]


async def test_a_file_that_was_put_back_is_taken_as_if_it_had_never_been(
    filled: FilledStore,
) -> None:
    """A server that is told to stop is no reason to give a file up."""
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    for _ in range(5):
        await filled.database.write(ingestions.release, await filled.begin())
    await filled.finish(await filled.begin(), "bees")
    assert (await filled.look_at(store_id, file_id)).status == "completed"


async def killed(filled: FilledStore, *, alone: bool) -> None:
    """The worker of the file that was begun is gone: the next server starts, or its lease ends."""
    if alone:
        await filled.database.write(ingestions.free, now=float(filled.now))
    else:
        filled.now += 31


async def rested(filled: FilledStore) -> tuple[IngestionJob, int]:
    """The next attempt, and after how many seconds it can be had."""
    begun = filled.now
    while (job := await filled.claim()) is None:
        filled.now += 5
    return job, filled.now - begun


@pytest.mark.parametrize("alone", [True, False], ids=["restart", "take-over"])
async def test_a_file_whose_server_is_killed_again_and_again_rests_longer_each_time_and_is_given_up(
    filled: FilledStore, alone: bool
) -> None:
    """If it is the file that kills it, the server lives on in between."""
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    await filled.begin()
    rests = []
    for _ in range(13):
        await killed(filled, alone=alone)
        rests.append((await rested(filled))[1])
    assert rests == [0, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600]
    await killed(filled, alone=alone)
    assert await filled.claim() is None
    file = await filled.look_at(store_id, file_id)
    assert file.last_error is not None
    assert (file.status, file.last_error.code) == ("failed", "server_error")
    assert "14 times" in file.last_error.message


async def test_a_file_that_rests_keeps_no_other_waiting_and_rests_on_after_a_restart(
    filled: FilledStore,
) -> None:
    resting, other = await filled.files(2)
    await filled.store([resting])
    await filled.begin()
    for _ in range(2):
        await killed(filled, alone=True)
        job = await filled.claim()
    assert job is None
    await filled.database.write(ingestions.free, now=float(filled.now))
    assert await filled.claim() is None
    await filled.store([other])
    assert (await filled.begin()).file_id == other
    assert (await rested(filled))[0].file_id == resting


async def test_who_was_given_up_for_dead_cannot_go_on_while_the_file_rests(
    filled: FilledStore,
) -> None:
    await filled.store([await filled.file()])
    await filled.begin()
    await killed(filled, alone=True)
    zombie = await filled.begin()
    await killed(filled, alone=False)
    assert await filled.claim() is None
    with pytest.raises(LeaseLost):
        await filled.write(zombie, "bees")
    renew = {"now": float(filled.now), "lease_seconds": 30}
    assert await filled.database.write(ingestions.renew, [zombie], **renew) == [zombie]


async def test_a_restart_is_not_counted_for_a_file_that_was_put_off(filled: FilledStore) -> None:
    """It is tried again at once, and given up no sooner."""
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    for _ in range(30):
        job = await filled.begin()
        await filled.database.write(ingestions.postpone, job, "It is away.", now=float(filled.now))
        assert await filled.claim() is None
        await filled.database.write(ingestions.free, now=float(filled.now))
    assert (await filled.look_at(store_id, file_id)).status == "in_progress"


async def test_a_file_that_is_added_again_after_it_was_given_up_begins_anew(
    filled: FilledStore,
) -> None:
    file_id = await filled.file()
    store_id = await filled.store([file_id])
    await filled.begin()
    for _ in range(13):
        await killed(filled, alone=True)
        await rested(filled)
    await killed(filled, alone=True)
    assert await filled.claim() is None
    await filled.add(store_id, file_id)
    await filled.begin()
    await killed(filled, alone=True)
    await filled.finish(await filled.begin(), "bees")
    assert (await filled.look_at(store_id, file_id)).status == "completed"


async def test_the_model_of_a_store_is_that_of_its_first_chunks(filled: FilledStore) -> None:
    store_id = await filled.store(await filled.files(2))
    first = await filled.begin(embedding="a")
    await filled.write(first, "bees")
    second = await filled.begin(embedding="b")
    assert (first.embedding, second.embedding) == ("a", "a")
    await filled.store([await filled.file()])
    assert (await filled.begin(embedding="b")).embedding == "b"
    assert (await filled.look(store_id)).file_counts.in_progress == 2
