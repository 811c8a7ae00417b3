"""Merging changes how the index is kept, and nothing of what is found."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.retrieval import segments, upkeep
from tests.examples import WITH_FIXTURES
from tests.retrieval.shelf import Shelf

NUMBERS = count()
WORDS = ["bees", "honey", "wax", "rent", "lease", "tenant"]


async def test_eight_of_a_size_become_one_and_what_is_found_stays(shelf: Shelf) -> None:
    store = await shelf.store()
    for n in range(20):
        words = " ".join(WORDS[: 1 + n % 6])
        await shelf.file(store, f"file-{n}", f"{words} number{n}", f"{words} again")
    before = [await shelf.search(word, limit=40) for word in (*WORDS, "bees number7 tenant")]
    assert await shelf.merge() == 2
    await shelf.drop()
    assert (await shelf.counts())["segments"] == 2 + 4
    after = [await shelf.search(word, limit=40) for word in (*WORDS, "bees number7 tenant")]
    assert [{(p.file_id, p.text, p.score) for p in found} for found in after] == [
        {(p.file_id, p.text, p.score) for p in found} for found in before
    ]
    assert len(before[0]) == 40


async def test_a_merge_is_of_so_many_chunks_at_most(shelf: Shelf) -> None:
    """Whoever writes meanwhile does not wait for long."""
    store = await shelf.store()
    for n in range(8):
        await shelf.file(store, f"file-{n}", *["bees"] * 1_100)
    plan = await shelf.database.read(segments.plan)
    assert plan is not None
    assert (plan.chunks, len(plan.was)) == (7_700, 7)


async def test_what_was_removed_is_left_out_and_counts_no_more(shelf: Shelf) -> None:
    store = await shelf.store()
    for n in range(8):
        await shelf.file(store, f"file-{n}", f"bees number{n}")
    await shelf.merge()
    await shelf.remove(store, "file-3")
    expected = await shelf.search("bees")
    await shelf.drop()
    assert await shelf.merge() == 1  # an eighth of it is gone
    await shelf.drop()
    assert await shelf.search("bees") == expected
    assert len(expected) == 7
    assert (await shelf.counts())["postings"] == 8
    for n in {*range(8)} - {3}:
        await shelf.remove(store, f"file-{n}")
    await shelf.drop()
    assert (await shelf.counts())["segments"] == 0


async def test_a_plan_that_was_overtaken_changes_nothing(shelf: Shelf) -> None:
    """Two servers of one database may plan the same."""
    store = await shelf.store()
    for n in range(8):
        await shelf.file(store, f"file-{n}", f"bees number{n}")
    plan = await shelf.database.read(segments.plan)
    assert plan is not None
    assert await shelf.database.write(segments.merge, plan)
    assert not await shelf.database.write(segments.merge, plan)
    await shelf.drop()
    assert (await shelf.counts())["segments"] == 1
    assert len(await shelf.found("bees")) == 8


async def test_a_file_that_goes_between_plan_and_merge_is_not_found(shelf: Shelf) -> None:
    store = await shelf.store()
    for n in range(8):
        await shelf.file(store, f"file-{n}", f"bees number{n}")
    plan = await shelf.database.read(segments.plan)
    assert plan is not None
    await shelf.remove(store, "file-0")
    await shelf.drop()
    assert not await shelf.database.write(segments.merge, plan)
    await shelf.file(store, "file-8", "bees number8")
    plan = await shelf.database.read(segments.plan)
    assert plan is not None
    await shelf.remove(store, "file-1")
    assert await shelf.database.write(segments.merge, plan)
    await shelf.drop()
    await shelf.merge()
    await shelf.drop()
    assert len(await shelf.found("bees")) == 7
    assert await shelf.found("number1") == []


async def test_upkeep_leaves_nothing_to_do(shelf: Shelf) -> None:
    store = await shelf.store()
    for n in range(70):
        await shelf.file(store, f"file-{n}", f"bees number{n}")
    await shelf.remove(store, "file-5")
    await upkeep.step(shelf.database)
    assert await shelf.drop() == []
    assert await shelf.merge() == 0
    # 64 in one, of the eight that eight made each, and what came after.
    assert (await shelf.counts())["segments"] == 1 + 5
    assert (await shelf.counts())["chunks"] == 69
    assert len(await shelf.found("bees", limit=50)) == 50


@given(steps=st.lists(st.tuples(st.sampled_from("awrdm"), st.integers(0, 11)), max_size=40))
@settings(WITH_FIXTURES, max_examples=15)
async def test_whatever_the_order_of_work_searches_find_the_files_that_are_there(
    shelf: Shelf, steps: list[tuple[str, int]]
) -> None:
    """Adding, rewriting, removing, dropping and merging, in any order."""
    store = await shelf.store(f"vs_{next(NUMBERS)}")
    there: dict[str, str] = {}
    for step, n in steps:
        file_id = f"file-{n}"
        if step in "aw" and file_id not in there:
            there[file_id] = f"bees {WORDS[n % 6]} mark{n}{step}"
            await shelf.file(store, file_id, there[file_id])
        elif step == "r" and file_id in there:
            del there[file_id]
            await shelf.remove(store, file_id)
        elif step == "d":
            await shelf.drop(limit=3)
        elif step == "m":
            await shelf.merge()
    found = await shelf.found("bees", stores=[store], limit=20)
    assert sorted(found) == sorted(there.values())
