"""The list of a project's runs shows those that were asked for, in the order of their creation."""

from itertools import product
from pathlib import Path

import pytest

from perdure.commands import run_lists, run_writes
from perdure.engine.maintenance import Maintenance
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.lists import Page
from perdure.wire.run_lists import run_list_query
from perdure.wire.runs import Run
from tests.commands.acts import PROJECT, START, USAGE, Acts, text
from tests.storage.raw import raw

METADATA = "metadata[team]"


async def listed(database: Database, project: str = PROJECT, **params: str) -> Page:
    """A page; `gte` and the like are bounds of `created_at`, and `team` is metadata."""
    names = {"team": METADATA} | {each: f"created_at[{each}]" for each in BOUNDS}
    asked = [(names.get(name, name), value) for name, value in params.items()]
    return await database.read(run_lists.page, run_list_query(asked), project=project)


BOUNDS = {
    "gte": lambda at, bound: at >= bound,
    "gt": lambda at, bound: at > bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}


async def filled(database: Database) -> list[Run]:
    """Seven runs, oldest first: two of a second, two assistants, three models, two teams. One is
    completed, two have failed, one waits for outputs, and the last are queued.
    """
    acts = Acts(database)
    assistants = [await acts.assistant(), await acts.assistant()]
    made: list[Run] = []
    for number in range(7):
        acts.now = START + number // 2
        thread = await acts.thread("Hello")
        made.append(
            await acts.run(
                thread.id,
                assistants[number // 4].id,
                model=f"m{number % 3}",
                metadata={"team": "ab"[number % 2]},
            )
        )
    hold = await acts.claim(made[0])
    await database.write(run_writes.open_message, hold)
    await database.write(run_writes.complete, hold, [text("Hi")], usage=USAGE)
    for run in made[1:3]:
        hold = await acts.claim(run)
        await database.write(run_writes.open_message, hold)
        await acts.fail(hold)
    await acts.claim(made[3])
    return [await acts.get(run.id) for run in made]


def filters(made: list[Run]) -> list[dict[str, str]]:
    one = made[5]
    return [
        {},
        {"status": "queued"},
        {"status": "failed"},
        {"assistant_id": one.assistant_id},
        {"thread_id": one.thread_id},
        {"model": "m1"},
        {"error_code": "rate_limit_exceeded"},
        {"error_code": "server_error"},
        {"model": "no such model"},
    ]


def fits(run: Run, asked: dict[str, str]) -> bool:
    values = {
        "status": run.status,
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "model": run.model,
        "error_code": run.last_error.code if run.last_error else None,
        "team": run.metadata["team"],
    }
    return all(
        BOUNDS[name](run.created_at, int(value)) if name in BOUNDS else values[name] == value
        for name, value in asked.items()
    )


async def test_every_filter_with_every_bound_metadata_and_order_shows_what_fits(
    database: Database,
) -> None:
    made = await filled(database)
    times: list[dict[str, str]] = [{}, {"gte": str(START + 1), "lte": str(START + 2)}]
    times += [{each: str(START + 1)} for each in BOUNDS]
    for one, time, team, order in product(
        filters(made), times, ({}, {"team": "b"}), ("asc", "desc")
    ):
        asked = {**one, **time, **team}
        expected = [run.id for run in made if fits(run, asked)]
        found = await listed(database, **asked, order=order)
        assert found.ids == (expected if order == "asc" else expected[::-1]), (asked, order)
        assert not found.has_more


async def test_every_page_is_a_slice_of_the_list_in_both_directions(database: Database) -> None:
    made = await filled(database)
    for one, team, order, limit in product(
        ({}, {"status": "queued"}), ({}, {"team": "a"}), ("asc", "desc"), (1, 2, 5)
    ):
        asked = {**one, **team}
        whole = [run.id for run in made if fits(run, asked)]
        whole = whole if order == "asc" else whole[::-1]
        page = {**asked, "order": order, "limit": str(limit)}
        for place, run_id in enumerate(whole):
            after = await listed(database, **page, after=run_id)
            behind = whole[place + 1 :]
            assert (after.ids, after.has_more) == (behind[:limit], len(behind) > limit)
            before = await listed(database, **page, before=run_id)
            ahead = whole[:place]
            assert (before.ids, before.has_more) == (ahead[-limit:], len(ahead) > limit)
            between = await listed(database, **page, after=whole[0], before=run_id)
            assert between.ids == whole[1:place][:limit]


async def test_bodies_are_those_of_the_runs(database: Database) -> None:
    made = await filled(database)
    found = await listed(database, limit="1")
    assert f'"id":"{made[-1].id}"' in found.bodies[0]
    assert '"status":"queued"' in found.bodies[0]


async def test_another_project_has_none_of_them_and_cannot_name_them_as_cursors(
    database: Database,
) -> None:
    made = await filled(database)
    for one in filters(made):
        assert (await listed(database, "proj_other", **one)).ids == []
    for cursor in ("after", "before"):
        with pytest.raises(NotFound, match=f"No run found with id '{made[0].id}'"):
            await listed(database, "proj_other", **{cursor: made[0].id})


async def test_a_search_for_metadata_ends_and_says_how_to_narrow_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lists, "_MOST_READ", 4)
    monkeypatch.setattr(run_lists, "_READ_AT_ONCE", 3)
    await filled(database)
    assert len((await listed(database, team="a", limit="1")).ids) == 1
    with pytest.raises(BadRequest, match=r"created_at\[gte\]") as refused:
        await listed(database, team="c")
    assert (refused.value.param, refused.value.code) == ("metadata", "too_many_runs_to_search")
    assert (await listed(database, team="c", gte=str(START + 2))).ids == []


async def test_runs_that_an_older_version_wrote_are_listed_after_the_upkeep(
    database: Database, database_url: str | None, data_dir: Path
) -> None:
    """It fills no columns of lists, neither when it adds a run nor when it ends one."""
    made = await filled(database)
    with raw(database_url, data_dir) as connection:
        connection.run(
            "UPDATE runs SET created_at = NULL, assistant_id = NULL, model = NULL,"
            " error_code = NULL WHERE id <> ?",
            made[1].id,
        )
        connection.run("UPDATE runs SET error_code = NULL")
    assert (await listed(database)).ids == [made[1].id]
    maintenance = Maintenance(database, ManualClock(START), event_retention_days=1)
    await maintenance.complete_lists()
    for one in filters(made):
        expected = [run.id for run in reversed(made) if fits(run, one)]
        assert (await listed(database, **one)).ids == expected
    with raw(database_url, data_dir) as connection:
        statement = "SELECT count(*) FROM runs WHERE created_at IS NULL"
        assert connection.run(statement) == [(0,)]
