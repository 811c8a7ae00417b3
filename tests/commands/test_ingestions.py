"""Who reads which file and how long, on both databases (spec 06 §1.5)."""

import pytest

from perdure.commands import ingestions
from perdure.commands.ingestions import IngestionJob
from perdure.errors import LeaseLost
from perdure.store.database import Database
from tests.commands.shelf import Shelf


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


async def test_files_are_taken_in_the_order_in_which_they_came_and_once(shelf: Shelf) -> None:
    file_ids = await shelf.files(3)
    await shelf.store(file_ids)
    jobs = [await shelf.begin() for _ in range(3)]
    assert [job.file_id for job in jobs] == file_ids
    assert [job.filename for job in jobs] == ["0.txt", "1.txt", "2.txt"]
    assert await shelf.claim() is None


async def test_a_store_with_many_files_keeps_no_other_from_its_turn(shelf: Shelf) -> None:
    """A file that is attached to a message must not wait for a batch of thousands."""
    large = await shelf.store(await shelf.files(6))
    small = [await shelf.store(await shelf.files(2)) for _ in range(2)]
    turns: list[str] = []
    while job := await shelf.claim(after=turns[-1] if turns else ""):
        turns.append(job.store_id)
    assert all(turns[:6].count(store_id) == 2 for store_id in (large, *small))
    assert turns[6:] == [large] * 4


async def test_a_lease_that_is_renewed_keeps_others_out_and_one_that_ran_out_does_not(
    shelf: Shelf,
) -> None:
    await shelf.store([await shelf.file()])
    job = await shelf.begin()
    shelf.now += 29
    lost = await shelf.database.write(
        ingestions.renew, [job], now=float(shelf.now), lease_seconds=30
    )
    assert lost == []
    shelf.now += 29
    assert await shelf.claim("worker_2") is None
    shelf.now += 1
    other = await shelf.claim("worker_2")
    assert other is not None
    assert (other.seq, other.lease.epoch, other.ingestion != job.ingestion) == (job.seq, 2, True)
    lost = await shelf.database.write(
        ingestions.renew, [job], now=float(shelf.now), lease_seconds=30
    )
    assert lost == [job]


async def test_a_lease_that_ran_out_is_left_to_the_worker_that_lives_and_taken_back(
    shelf: Shelf,
) -> None:
    await shelf.store([await shelf.file()])
    job = await shelf.begin()
    shelf.now += 31
    assert await shelf.claim(in_hand=[job.seq]) is None
    lost = await shelf.database.write(
        ingestions.renew, [job], now=float(shelf.now), lease_seconds=30
    )
    assert lost == []
    assert await shelf.claim("worker_2") is None


async def test_who_lost_the_lease_can_neither_write_nor_end_nor_put_back(shelf: Shelf) -> None:
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    old = await shelf.begin()
    shelf.now += 30
    new = await shelf.begin()
    for act in (shelf.write(old, "bees"), shelf.finish(old), shelf.fail(old)):
        with pytest.raises(LeaseLost):
            await act
    await shelf.database.write(ingestions.release, old)
    await shelf.finish(new, "bees")
    assert (await shelf.look_at(store_id, file_id)).status == "completed"


async def test_what_an_earlier_attempt_wrote_is_dropped_by_the_next(shelf: Shelf) -> None:
    await shelf.store([await shelf.file()])
    old = await shelf.begin()
    await shelf.write(old, "bees")
    shelf.now += 30
    new = await shelf.begin()
    await shelf.finish(new, "spring")
    rows = await shelf.database.read(
        lambda tx: tx.all("invariants_of_vector_stores.attempts", after=0, limit=10)
    )
    assert [row["seq"] for row in rows] == [new.ingestion]


async def test_a_file_that_was_put_back_is_taken_as_if_it_had_never_been(shelf: Shelf) -> None:
    """A server that is told to stop is no reason to give a file up."""
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    for _ in range(5):
        await shelf.database.write(ingestions.release, await shelf.begin())
    await shelf.finish(await shelf.begin(), "bees")
    assert (await shelf.look_at(store_id, file_id)).status == "completed"


async def killed(shelf: Shelf, *, alone: bool) -> None:
    """The worker of the file that was begun is gone: the next server starts, or its lease ends."""
    if alone:
        await shelf.database.write(ingestions.free, now=float(shelf.now))
    else:
        shelf.now += 31


async def rested(shelf: Shelf) -> tuple[IngestionJob, int]:
    """The next attempt, and after how many seconds it can be had."""
    begun = shelf.now
    while (job := await shelf.claim()) is None:
        shelf.now += 5
    return job, shelf.now - begun


@pytest.mark.parametrize("alone", [True, False], ids=["restart", "take-over"])
async def test_a_file_whose_server_is_killed_again_and_again_rests_longer_each_time_and_is_given_up(
    shelf: Shelf, alone: bool
) -> None:
    """If it is the file that kills it, the server lives on in between."""
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    await shelf.begin()
    rests = []
    for _ in range(13):
        await killed(shelf, alone=alone)
        rests.append((await rested(shelf))[1])
    assert rests == [0, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600]
    await killed(shelf, alone=alone)
    assert await shelf.claim() is None
    file = await shelf.look_at(store_id, file_id)
    assert file.last_error is not None
    assert (file.status, file.last_error.code) == ("failed", "server_error")
    assert "14 times" in file.last_error.message


async def test_a_file_that_rests_keeps_no_other_waiting_and_rests_on_after_a_restart(
    shelf: Shelf,
) -> None:
    resting, other = await shelf.files(2)
    await shelf.store([resting])
    await shelf.begin()
    for _ in range(2):
        await killed(shelf, alone=True)
        job = await shelf.claim()
    assert job is None
    await shelf.database.write(ingestions.free, now=float(shelf.now))
    assert await shelf.claim() is None
    await shelf.store([other])
    assert (await shelf.begin()).file_id == other
    assert (await rested(shelf))[0].file_id == resting


async def test_who_was_given_up_for_dead_cannot_go_on_while_the_file_rests(shelf: Shelf) -> None:
    await shelf.store([await shelf.file()])
    await shelf.begin()
    await killed(shelf, alone=True)
    zombie = await shelf.begin()
    await killed(shelf, alone=False)
    assert await shelf.claim() is None
    with pytest.raises(LeaseLost):
        await shelf.write(zombie, "bees")
    renew = {"now": float(shelf.now), "lease_seconds": 30}
    assert await shelf.database.write(ingestions.renew, [zombie], **renew) == [zombie]


async def test_a_restart_is_not_counted_for_a_file_that_was_put_off(shelf: Shelf) -> None:
    """It is tried again at once, and given up no sooner."""
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    for _ in range(30):
        job = await shelf.begin()
        await shelf.database.write(ingestions.put_off, job, "It is away.", now=float(shelf.now))
        assert await shelf.claim() is None
        await shelf.database.write(ingestions.free, now=float(shelf.now))
    assert (await shelf.look_at(store_id, file_id)).status == "in_progress"


async def test_a_file_that_is_added_again_after_it_was_given_up_begins_anew(shelf: Shelf) -> None:
    file_id = await shelf.file()
    store_id = await shelf.store([file_id])
    await shelf.begin()
    for _ in range(13):
        await killed(shelf, alone=True)
        await rested(shelf)
    await killed(shelf, alone=True)
    assert await shelf.claim() is None
    await shelf.add(store_id, file_id)
    await shelf.begin()
    await killed(shelf, alone=True)
    await shelf.finish(await shelf.begin(), "bees")
    assert (await shelf.look_at(store_id, file_id)).status == "completed"


async def test_the_model_of_a_store_is_that_of_its_first_chunks(shelf: Shelf) -> None:
    store_id = await shelf.store(await shelf.files(2))
    first = await shelf.begin(embedding="a")
    await shelf.write(first, "bees")
    second = await shelf.begin(embedding="b")
    assert (first.embedding, second.embedding) == ("a", "a")
    await shelf.store([await shelf.file()])
    assert (await shelf.begin(embedding="b")).embedding == "b"
    assert (await shelf.look(store_id)).file_counts.in_progress == 2
