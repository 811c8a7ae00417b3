"""A page is a slice of the sorted list (spec 02 §3), whatever the cursor."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.bus.memory import MemoryBus
from perdure.commands import assistants, lists
from perdure.errors import NotFound
from perdure.storage.database import Database
from perdure.storage.sqlite import SQLite
from perdure.wire.lists import Page
from perdure.wire.query import ListQuery
from tests.commands.acts import PROJECT, START, Acts


async def page(database: Database, **query: object) -> Page:
    return await database.read(
        lists.page,
        "assistants",
        ListQuery(**query),  # type: ignore[arg-type]
        project=PROJECT,
        parent=PROJECT,
        label="assistant",
    )


async def filled(database: Database, count: int) -> list[str]:
    """So many assistants of the same second; their ids, oldest first."""
    acts = Acts(database)
    return [(await acts.assistant()).id for _ in range(count)]


async def test_objects_of_the_same_second_keep_their_order(database: Database) -> None:
    ids = await filled(database, 5)
    assert (await page(database)).ids == ids[::-1]
    assert (await page(database, order="asc")).ids == ids


async def test_pages_behind_each_other_show_everything_once_and_end_with_an_empty_one(
    database: Database,
) -> None:
    """Old SDKs go on until a page is empty (spec 02 §3)."""
    ids = await filled(database, 7)
    seen: list[str] = []
    last = None
    while (found := await page(database, limit=3, after=last)).ids:
        assert found.has_more == (len(seen) + len(found.ids) < 7)
        seen += found.ids
        last = found.ids[-1]
    assert seen == ids[::-1]
    assert found == Page([], [], has_more=False)


async def test_a_page_before_a_cursor_ends_right_before_it(database: Database) -> None:
    ids = await filled(database, 6)
    newest_first = ids[::-1]
    found = await page(database, limit=2, before=newest_first[4])
    assert (found.ids, found.has_more) == (newest_first[2:4], True)
    found = await page(database, limit=4, before=newest_first[4])
    assert (found.ids, found.has_more) == (newest_first[:4], False)
    found = await page(database, limit=2, before=ids[3], order="asc")
    assert (found.ids, found.has_more) == (ids[1:3], True)


async def test_deleting_while_iterating_skips_nothing(database: Database) -> None:
    ids = await filled(database, 5)
    seen: list[str] = []
    last = None
    while (found := await page(database, limit=2, after=last)).ids:
        for object_id in found.ids:
            await database.write(assistants.delete, object_id, project=PROJECT, now=START)
        seen += found.ids
        last = found.ids[-1]
    assert seen == ids[::-1]


async def test_a_cursor_that_never_existed_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match=r"^No assistant found with id 'asst_nope'\.$"):
        await page(database, after="asst_nope")


@given(
    count=st.integers(0, 12),
    limit=st.integers(1, 5),
    order=st.sampled_from(["asc", "desc"]),
    data=st.data(),
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_every_page_is_a_slice_of_the_sorted_list(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    limit: int,
    order: str,
    data: st.DataObject,
) -> None:
    async def check() -> None:
        database = SQLite(tmp_path_factory.mktemp("list") / "perdure.db", bus=MemoryBus())
        await database.open()
        try:
            ids = await filled(database, count)
            ids = ids if order == "asc" else ids[::-1]
            cursors = st.none() | st.integers(0, count - 1) if count else st.none()
            after, before = data.draw(cursors), data.draw(cursors)
            found = await page(
                database,
                limit=limit,
                order=order,
                after=None if after is None else ids[after],
                before=None if before is None else ids[before],
            )
            low = 0 if after is None else after + 1
            high = count if before is None else before
            between = ids[low:high] if low < high else []
            backwards = before is not None and after is None
            expected = between[-limit:] if backwards else between[:limit]
            assert found.ids == expected
            assert found.has_more == (len(between) > limit)
        finally:
            await database.close()

    asyncio.run(check())
