"""Usage reports over HTTP: what the official SDK asks for, and what is refused."""

import httpx2
import pytest
from openai import AsyncOpenAI
from openai.types.admin.organization.usage_completions_response import (
    DataResultOrganizationUsageCompletionsResult as CompletionsResult,
)

from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN, Admin, bearer

USAGE = "/organization/usage"
DAY = 86_400
KINDS = (
    "completions",
    "embeddings",
    "vector_stores",
    "file_search_calls",
    "code_interpreter_sessions",
)


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"admin_key": ADMIN}


@pytest.fixture
def admin(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The same client, with the admin key."""
    http.headers["authorization"] = f"Bearer {ADMIN}"
    return http


async def complete(http: httpx2.AsyncClient, model: str, prompt: str) -> str:
    """The status of a run, once it has ended."""
    assistant = await http.post("/assistants", json={"model": model})
    thread = {"messages": [{"role": "user", "content": prompt}]}
    body = {"assistant_id": assistant.json()["id"], "thread": thread, "stream": True}
    streamed = await http.post("/threads/runs", json=body)
    assert "thread.run.completed" in streamed.text
    return streamed.text


Asked = dict[str, str | int | list[str] | list[int]]


async def report(http: httpx2.AsyncClient, kind: str, asked: Asked) -> httpx2.Response:
    pairs: list[tuple[str, str | int | float | bool | None]] = [
        (name, value)
        for name, given in asked.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    return await http.get(f"{USAGE}/{kind}", params=pairs)


async def test_runs_and_requests_that_are_passed_through_are_reported_by_model(
    app: Perdure, admin: httpx2.AsyncClient, clock: ManualClock
) -> None:
    start = int(clock.now())
    await complete(admin, "a", "say: Hi\nusage: 20 5")
    await complete(admin, "b", "say: Hi\nusage: 7 3")
    body = {"model": "b", "messages": [{"role": "user", "content": "say: Hi\nusage: 100 10"}]}
    assert (await admin.post("/chat/completions", json=body)).status_code == 200
    await app.limiter.flush()
    asked: Asked = {
        "start_time": start,
        "bucket_width": "1m",
        "group_by[]": ["model", "project_id"],
    }
    page = (await report(admin, "completions", asked)).json()
    assert (page["object"], page["has_more"], page["next_page"]) == ("page", False, None)
    (bucket,) = page["data"]
    assert bucket["object"] == "bucket"
    assert bucket["start_time"] == start // 60 * 60
    assert bucket["end_time"] == bucket["start_time"] + 60
    shown = [
        (found["model"], found["num_model_requests"], found["input_tokens"], found["output_tokens"])
        for found in bucket["results"]
    ]
    assert shown == [("a", 1, 20, 5), ("b", 2, 107, 13)]
    assert {found["project_id"] for found in bucket["results"]} == {"proj_default"}
    assert {found["api_key_id"] for found in bucket["results"]} == {None}
    asked = {"start_time": start, "models": ["a"]}
    (bucket,) = (await report(admin, "completions", asked)).json()["data"]
    assert [found["input_tokens"] for found in bucket["results"]] == [20]


async def test_what_a_key_uses_is_reported_as_its_own(
    http: httpx2.AsyncClient, app: Perdure, clock: ManualClock
) -> None:
    admin = Admin(http)
    blue = await admin.project("Blue")
    key = await admin.key(blue)
    http.headers.update(bearer(key.secret))
    await complete(http, "a", "say: Hi\nusage: 20 5")
    body = {"model": "a", "messages": [{"role": "user", "content": "say: Hi\nusage: 1 1"}]}
    assert (await http.post("/chat/completions", json=body)).status_code == 200
    await app.limiter.flush()
    groups = "&group_by[]=api_key_id&group_by[]=project_id"
    path = f"/usage/completions?start_time={int(clock.now())}{groups}"
    ((found,),) = [bucket["results"] for bucket in (await admin.get(path))["data"]]
    assert (found["project_id"], found["api_key_id"]) == (blue, key.id)
    assert (found["num_model_requests"], found["input_tokens"]) == (2, 21)
    assert (await admin.get(f"{path}&api_key_ids[]=key_x"))["data"][0]["results"] == []


async def test_the_sdk_reads_every_report(
    app: Perdure, http: httpx2.AsyncClient, base_url: str, clock: ManualClock
) -> None:
    await complete(http, "a", "say: Hi\nusage: 20 5")
    await app.engine.usage.step()
    start = int(clock.now())
    async with AsyncOpenAI(
        base_url=base_url, api_key="any", admin_api_key=ADMIN, _strict_response_validation=True
    ) as client:
        usage = client.admin.organization.usage
        page = await usage.completions(
            start_time=start, group_by=["model", "project_id"], models=["a"], bucket_width="1h"
        )
        (result,) = page.data[0].results
        assert isinstance(result, CompletionsResult)
        assert (result.input_tokens, result.output_tokens, result.model) == (20, 5, "a")
        for report in (
            usage.embeddings,
            usage.vector_stores,
            usage.file_search_calls,
            usage.code_interpreter_sessions,
        ):
            told = await report(start_time=start, group_by=["project_id"])
            assert [bucket.object for bucket in told.data] == ["bucket"]


async def test_embeddings_that_are_passed_through_are_reported(
    app: Perdure, admin: httpx2.AsyncClient, clock: ManualClock
) -> None:
    body = {"model": "e", "input": "Some words to embed"}
    assert (await admin.post("/embeddings", json=body)).status_code == 200
    await app.limiter.flush()
    asked: Asked = {"start_time": int(clock.now()), "group_by": "model"}
    (bucket,) = (await report(admin, "embeddings", asked)).json()["data"]
    ((found),) = bucket["results"]
    assert (found["model"], found["num_model_requests"]) == ("e", 1)
    assert found["input_tokens"] > 0


async def test_pages_of_buckets_follow_each_other_until_the_end(
    admin: httpx2.AsyncClient, clock: ManualClock
) -> None:
    await complete(admin, "a", "say: Hi")
    start = int(clock.now())
    clock.advance(3 * 3600)
    asked: Asked = {"start_time": start, "bucket_width": "1h", "limit": 3}
    starts, used = [], 0
    while True:
        page = (await report(admin, "completions", asked)).json()
        starts += [bucket["start_time"] for bucket in page["data"]]
        used += sum(r["num_model_requests"] for b in page["data"] for r in b["results"])
        if not page["has_more"]:
            break
        asked["page"] = page["next_page"]
    first = start // 3600 * 3600
    assert starts == [first + 3600 * hour for hour in range(len(starts))]
    assert (len(starts), used) == (4, 1)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, "start_time"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": -1}, "start_time"),
        ({"start_time": 5, "end_time": 5}, "end_time"),
        ({"start_time": 1, "bucket_width": "1w"}, "bucket_width"),
        ({"start_time": 1, "limit": 32}, "limit"),
        ({"start_time": 1, "limit": 0}, "limit"),
        ({"start_time": 1, "page": "page_x"}, "page"),
        ({"start_time": 1, "group_by[]": "batch"}, "group_by[0]"),
        ({"start_time": 1, "user_ids[]": "user_a"}, "user_ids[]"),
        ({"start_time": [1, 2]}, "start_time"),
        # long ago, only days are left
        ({"start_time": 1, "bucket_width": "1h"}, "bucket_width"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    admin: httpx2.AsyncClient, asked: Asked, param: str
) -> None:
    for kind in KINDS:
        answer = await report(admin, kind, asked)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param


async def test_buckets_finer_than_what_is_kept_are_refused_with_what_is(
    admin: httpx2.AsyncClient, clock: ManualClock
) -> None:
    for days, kept in ((3, "1h"), (16, "1d")):
        start = int(clock.now()) - days * DAY
        asked: Asked = {"start_time": start, "bucket_width": "1m"}
        error = (await report(admin, "completions", asked)).json()["error"]
        assert f"ask for '{kept}'" in error["message"]
        asked["bucket_width"] = kept
        assert (await report(admin, "completions", asked)).status_code == 200


async def test_reports_are_for_admin_keys_alone(http: httpx2.AsyncClient) -> None:
    for kind in KINDS:
        answer = await http.get(f"{USAGE}/{kind}", params={"start_time": 1})
        assert answer.status_code in (401, 403)
