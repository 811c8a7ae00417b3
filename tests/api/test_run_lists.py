"""The list of all runs of a project over HTTP, which the original does not have."""

import httpx2

from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import Acts


async def test_the_runs_of_all_threads_are_listed_by_status_and_time(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    acts = Acts(app.database)
    acts.now = int(clock.now())
    # A run that waits for outputs is left alone by the server, and so is one that has ended.
    first = await acts.asking()
    acts.now += 10
    second = await acts.writing()
    await acts.fail(second)
    found = (await http.get("/runs")).json()
    assert [each["id"] for each in found["data"]] == [second.run_id, first.run_id]
    run = await acts.get(first.run_id)
    one = (await http.get(f"/threads/{run.thread_id}/runs/{run.id}")).json()
    assert found["data"][1] == one
    queries = {
        "status=requires_action": [first.run_id],
        "error_code=rate_limit_exceeded": [second.run_id],
        f"created_at[gte]={acts.now}": [second.run_id],
        f"created_at%5Blt%5D={acts.now}&order=asc": [first.run_id],
        f"status=failed&created_at[lt]={acts.now}": [],
        f"limit=1&after={second.run_id}": [first.run_id],
        f"before={first.run_id}": [second.run_id],
        "status=&metadata[team]=a": [],
    }
    for query, ids in queries.items():
        page = (await http.get(f"/runs?{query}")).json()
        assert [each["id"] for each in page["data"]] == ids, query


async def test_a_run_is_found_by_its_id_alone(app: Perdure, http: httpx2.AsyncClient) -> None:
    run = await Acts(app.database).queued()
    found = await http.get(f"/runs/{run.id}")
    one = await http.get(f"/threads/{run.thread_id}/runs/{run.id}")
    assert found.json()["id"] == run.id
    assert found.json().keys() == one.json().keys()
    assert (await http.get("/runs/run_no")).status_code == 404
    assert (await http.get("/runs/thread_x")).status_code == 400


async def test_a_query_that_cannot_be_answered_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/runs?status=failed&model=m")
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "model")


async def test_a_cursor_that_is_no_run_is_not_found(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/runs?after=run_no")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404, "No run found with id 'run_no'.",
    )  # fmt: skip
