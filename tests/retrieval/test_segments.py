"""Merging changes how the index is kept, and nothing of what is found."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.retrieval import segments, upkeep
from tests.examples import WITH_FIXTURES
from tests.retrieval.filled_stores import FilledStore

NUMBERS = count()
WORDS = ["bees", "honey", "wax", "rent", "lease", "tenant"]


async def test_eight_of_a_size_become_one_and_what_is_found_stays(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(20):
        words = " ".join(WORDS[: 1 + n % 6])
        await filled.file(store, f"file-{n}", f"{words} number{n}", f"{words} again")
    before = [await filled.search(word, limit=40) for word in (*WORDS, "bees number7 tenant")]
    assert await filled.merge() == 2
    await filled.drop()
    assert (await filled.counts())["segments"] == 2 + 4
    after = [await filled.search(word, limit=40) for word in (*WORDS, "bees number7 tenant")]
    assert [{(p.file_id, p.text, p.score) for p in found} for found in after] == [
        {(p.file_id, p.text, p.score) for p in found} for found in before
    ]
    assert len(before[0]) == 40


async def test_a_merge_is_of_so_many_chunks_at_most(filled: FilledStore) -> None:
    """Whoever writes meanwhile does not wait for long."""
    store = await filled.store()
    for n in range(8):
        await filled.file(store, f"file-{n}", *["bees"] * 1_100)
    plan = await filled.database.read(segments.plan)
    assert plan is not None
    assert (plan.chunks, len(plan.was)) == (7_700, 7)


async def test_what_was_removed_is_left_out_and_counts_no_more(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(8):
        await filled.file(store, f"file-{n}", f"bees number{n}")
    await filled.merge()
    await filled.remove(store, "file-3")
    expected = await filled.search("bees")
    await filled.drop()
    assert await filled.merge() == 1  # an eighth of it is gone
    await filled.drop()
    assert await filled.search("bees") == expected
    assert len(expected) == 7
    assert (await filled.counts())["postings"] == 8
    for n in {*range(8)} - {3}:
        await filled.remove(store, f"file-{n}")
    await filled.drop()
    assert (await filled.counts())["segments"] == 0


async def test_a_plan_that_was_overtaken_changes_nothing(filled: FilledStore) -> None:
    """Two servers of one database may plan the same."""
    store = await filled.store()
    for n in range(8):
        await filled.file(store, f"file-{n}", f"bees number{n}")
    plan = await filled.database.read(segments.plan)
    assert plan is not None
    assert await filled.database.write(segments.merge, plan)
    assert not await filled.database.write(segments.merge, plan)
    await filled.drop()
    assert (await filled.counts())["segments"] == 1
    assert len(await filled.found("bees")) == 8


async def test_a_file_that_goes_between_plan_and_merge_is_not_found(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(8):
        await filled.file(store, f"file-{n}", f"bees number{n}")
    plan = await filled.database.read(segments.plan)
    assert plan is not None
    await filled.remove(store, "file-0")
    await filled.drop()
    assert not await filled.database.write(segments.merge, plan)
    await filled.file(store, "file-8", "bees number8")
    plan = await filled.database.read(segments.plan)
    assert plan is not None
    await filled.remove(store, "file-1")
    assert await filled.database.write(segments.merge, plan)
    await filled.drop()
    await filled.merge()
    await filled.drop()
    assert len(await filled.found("bees")) == 7
    assert await filled.found("number1") == []


async def test_upkeep_leaves_nothing_to_do(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(70):
        await filled.file(store, f"file-{n}", f"bees number{n}")
    await filled.remove(store, "file-5")
    await upkeep.step(filled.database, now=0.0)
    assert await filled.drop() == []
    assert await filled.merge() == 0
    # 64 in one, of the eight that eight made each, and what came after.
    assert (await filled.counts())["segments"] == 1 + 5
    assert (await filled.counts())["chunks"] == 69
    assert len(await filled.found("bees", limit=50)) == 50


@given(steps=st.lists(st.tuples(st.sampled_from("awrdm"), st.integers(0, 11)), max_size=40))
@settings(WITH_FIXTURES, max_examples=15)
async def test_whatever_the_order_of_work_searches_find_the_files_that_are_there(
    filled: FilledStore, steps: list[tuple[str, int]]
) -> None:
    """Adding, rewriting, removing, dropping and merging, in any order."""
    store = await filled.store(f"vs_{next(NUMBERS)}")
    there: dict[str, str] = {}
    for step, n in steps:
        file_id = f"file-{n}"
        if step in "aw" and file_id not in there:
            there[file_id] = f"bees {WORDS[n % 6]} mark{n}{step}"
            await filled.file(store, file_id, there[file_id])
        elif step == "r" and file_id in there:
            del there[file_id]
            await filled.remove(store, file_id)
        elif step == "d":
            await filled.drop(limit=3)
        elif step == "m":
            await filled.merge()
    found = await filled.found("bees", stores=[store], limit=20)
    assert sorted(found) == sorted(there.values())
