"""Limits of projects over HTTP: how they are set, and how they are met."""

import httpx2
import pytest
from openai import AsyncOpenAI, RateLimitError

from perdure.settings import Price
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN as ADMIN_KEY
from tests.api.admin import Admin, bearer

ADMIN = bearer(ADMIN_KEY)
PROJECT = "/organization/projects/proj_default"
NO_LIMIT = 2**53 - 1


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"admin_key": ADMIN_KEY, "prices": {"dear": Price(input=1000)}}


async def set_limit(http: httpx2.AsyncClient, path: str, **body: object) -> dict[str, object]:
    answer = await http.post(f"{PROJECT}/{path}", json=body, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def ask(http: httpx2.AsyncClient, model: str, prompt: str = "say: Hi") -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return await http.post("/chat/completions", json=body)


async def run(http: httpx2.AsyncClient, model: str, prompt: str = "say: Hi") -> httpx2.Response:
    assistant = await http.post("/assistants", json={"model": model})
    thread = {"messages": [{"role": "user", "content": prompt}]}
    body = {"assistant_id": assistant.json()["id"], "thread": thread, "stream": True}
    return await http.post("/threads/runs", json=body)


async def test_rate_limits_are_set_listed_and_taken_away(http: httpx2.AsyncClient) -> None:
    made = await set_limit(http, "rate_limits/rl-org/model", max_requests_per_1_minute=5)
    assert made == {
        "object": "project.rate_limit",
        "id": "rl-org/model",
        "model": "org/model",
        "max_requests_per_1_minute": 5,
        "max_tokens_per_1_minute": NO_LIMIT,
    }
    await set_limit(http, "rate_limits/rl-*", max_tokens_per_1_minute=7)
    await set_limit(http, "rate_limits/rl-org%2Fmodel", max_tokens_per_1_minute=9)
    page = (await http.get(f"{PROJECT}/rate_limits", headers=ADMIN)).json()
    assert [each["model"] for each in page["data"]] == ["*", "org/model"]
    assert page["data"][1]["max_tokens_per_1_minute"] == 9
    assert (page["has_more"], page["last_id"]) == (False, "rl-org/model")
    page = (await http.get(f"{PROJECT}/rate_limits?limit=1", headers=ADMIN)).json()
    assert (page["has_more"], page["last_id"]) == (True, "rl-*")
    page = (await http.get(f"{PROJECT}/rate_limits?after=rl-*", headers=ADMIN)).json()
    assert [each["id"] for each in page["data"]] == ["rl-org/model"]
    await set_limit(
        http,
        "rate_limits/rl-org/model",
        max_requests_per_1_minute=None,
        max_tokens_per_1_minute=NO_LIMIT,
    )
    page = (await http.get(f"{PROJECT}/rate_limits", headers=ADMIN)).json()
    assert [each["model"] for each in page["data"]] == ["*"]


async def test_requests_beyond_a_limit_are_refused_as_the_original_refused_them(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    await set_limit(http, "rate_limits/rl-m", max_requests_per_1_minute=1)
    taken = await ask(http, "m")
    assert taken.status_code == 200
    assert taken.headers["x-ratelimit-limit-requests"] == "1"
    assert taken.headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-ratelimit-limit-requests" not in (await ask(http, "n")).headers
    refused = await ask(http, "m")
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    assert error["message"].startswith("Rate limit reached for m in project proj_default on ")
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    clock.advance(float(refused.headers["retry-after"]))
    assert (await ask(http, "m")).status_code == 200


async def test_a_run_that_meets_a_limit_when_it_begins_fails_with_it(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    await set_limit(http, "rate_limits/rl-m", max_tokens_per_1_minute=10)
    assert "thread.run.completed" in (await run(http, "m", "say: Hi\nusage: 8 3")).text
    refused = (await run(http, "m")).text
    assert "thread.run.failed" in refused
    assert '"last_error":{"code":"rate_limit_exceeded","message":"Rate limit reached' in refused
    clock.advance(120)
    assert "thread.run.completed" in (await run(http, "m")).text


async def test_outputs_of_tools_are_refused_at_a_limit_and_taken_later(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    assistant = await http.post(
        "/assistants",
        json={"model": "m", "tools": [{"type": "function", "function": {"name": "f"}}]},
    )
    thread = {"messages": [{"role": "user", "content": "call: f\nthen:\nsay: Hi"}]}
    body = {"assistant_id": assistant.json()["id"], "thread": thread, "stream": True}
    streamed = await http.post("/threads/runs", json=body)
    asking = next(
        line for line in streamed.text.split("data: ") if '"status":"requires_action"' in line
    )
    run_id, call_id, thread_id = (
        asking.partition(f'"{mark}')[2].partition('"')[0]
        for mark in ('id":"', 'tool_calls":[{"id":"', 'thread_id":"')
    )
    await set_limit(http, "rate_limits/rl-m", max_requests_per_1_minute=0)
    path = f"/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
    outputs = {"tool_outputs": [{"tool_call_id": call_id, "output": "1"}], "stream": True}
    assert (await http.post(path, json=outputs)).status_code == 429
    await set_limit(http, "rate_limits/rl-m", max_requests_per_1_minute=5)
    assert "thread.run.completed" in (await http.post(path, json=outputs)).text


async def test_models_that_are_not_allowed_are_refused_with_every_request(
    http: httpx2.AsyncClient,
) -> None:
    assert (await http.get(f"{PROJECT}/model_permissions", headers=ADMIN)).status_code == 404
    await set_limit(http, "model_permissions", mode="allow_list", model_ids=["m"])
    for refused in (await ask(http, "n"), await run(http, "n")):
        assert refused.status_code == 403
        error = refused.json()["error"]
        assert error["code"] == "model_not_found"
        assert error["message"] == "Project `proj_default` does not have access to model `n`"
    assert (await ask(http, "m")).status_code == 200
    shown = (await http.get(f"{PROJECT}/model_permissions", headers=ADMIN)).json()
    assert (shown["mode"], shown["model_ids"]) == ("allow_list", ["m"])
    gone = await http.delete(f"{PROJECT}/model_permissions", headers=ADMIN)
    assert gone.json() == {"object": "project.model_permissions.deleted", "deleted": True}
    assert (await ask(http, "n")).status_code == 200


async def test_who_has_spent_the_amount_of_the_month_is_told_not_to_come_again(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    amount = {"currency": "USD", "interval": "month", "threshold_amount": 100}
    made = await set_limit(http, "spend_limit", **amount)
    assert made["enforcement"] == {"status": "inactive"}
    await run(http, "dear", "say: Hi\nusage: 2000 1")
    clock.advance(10)
    refused = await ask(http, "dear")
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    assert "retry-after" not in refused.headers
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert error["message"].startswith("You exceeded your current quota, please check your plan")
    assert '"code":"rate_limit_exceeded","message":"You exceeded' in (await run(http, "m")).text
    shown = (await http.get(f"{PROJECT}/spend_limit", headers=ADMIN)).json()
    assert shown["enforcement"] == {"status": "enforcing"}
    assert (await http.delete(f"{PROJECT}/spend_limit", headers=ADMIN)).status_code == 200
    assert (await ask(http, "dear")).status_code == 200
    assert (await http.get(f"{PROJECT}/spend_limit", headers=ADMIN)).status_code == 404


async def test_a_project_has_no_more_runs_at_once_than_it_may(http: httpx2.AsyncClient) -> None:
    await set_limit(http, "limits", max_active_runs=1)
    assistant = (await http.post("/assistants", json={"model": "m"})).json()["id"]
    thread = {"messages": [{"role": "user", "content": "wait 60000 ms\nsay: Hi"}]}
    body = {"assistant_id": assistant, "thread": thread}
    first = (await http.post("/threads/runs", json=body)).json()
    refused = await http.post("/threads/runs", json=body)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    await http.delete(f"/threads/{first['thread_id']}")
    assert (await http.post("/threads/runs", json=body)).status_code == 200


async def test_a_project_has_no_more_bytes_of_files_than_it_may(http: httpx2.AsyncClient) -> None:
    shown = await set_limit(http, "limits", max_total_file_bytes=10)
    assert shown == {
        "object": "project.limits",
        "max_active_runs": None,
        "max_total_file_bytes": 10,
    }

    async def upload() -> httpx2.Response:
        form = {"file": ("a.txt", b"123456")}
        return await http.post("/files", data={"purpose": "assistants"}, files=form)

    made = await upload()
    refused = await upload()
    assert (made.status_code, refused.status_code) == (200, 429)
    assert refused.json()["error"]["code"] == "insufficient_quota"
    await http.delete(f"/files/{made.json()['id']}")
    assert (await upload()).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rate_limits/rl-m", {"max_requests_per_1_minute": -1}),
        ("rate_limits/rl-m", {"max_requests_per_1_minute": 2**53}),
        ("rate_limits/rl-m", {"max_images_per_1_minute": 1}),
        ("limits", {"max_active_runs": "many"}),
        ("spend_limit", {"currency": "EUR", "interval": "month", "threshold_amount": 1}),
        ("model_permissions", {"mode": "some", "model_ids": []}),
        ("model_permissions", {"mode": "allow_list", "model_ids": [""]}),
    ],
)
async def test_limits_that_cannot_be_are_refused(
    http: httpx2.AsyncClient, path: str, body: dict[str, object]
) -> None:
    refused = await http.post(f"{PROJECT}/{path}", json=body, headers=ADMIN)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"]


async def test_limits_are_for_admin_keys_and_for_projects_that_exist(
    http: httpx2.AsyncClient,
) -> None:
    for path in ("rate_limits", "limits", "model_permissions", "spend_limit"):
        assert (await http.get(f"{PROJECT}/{path}")).status_code in (401, 403)
        unknown = PROJECT.replace("default", "unknown")
        assert (await http.get(f"{unknown}/{path}", headers=ADMIN)).status_code == 404
    bounds = {"max_active_runs": 1}
    answer = await http.post(f"{unknown}/limits", json=bounds, headers=ADMIN)
    assert answer.status_code == 404
    answer = await http.post(f"{PROJECT}/rate_limits/m", json={}, headers=ADMIN)
    assert answer.status_code == 404


async def test_the_sdk_sets_limits_and_knows_the_refusals(base_url: str) -> None:
    project = "proj_default"
    async with AsyncOpenAI(
        base_url=base_url,
        api_key="any",
        admin_api_key=ADMIN_KEY,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        projects = client.admin.organization.projects
        await projects.rate_limits.update_rate_limit(
            "rl-org/m", project_id=project, max_requests_per_1_minute=1
        )
        found = [each.id async for each in projects.rate_limits.list_rate_limits(project)]
        assert found == ["rl-org/m"]
        await projects.model_permissions.update(project, mode="deny_list", model_ids=["n"])
        assert (await projects.model_permissions.retrieve(project)).mode == "deny_list"
        assert (await projects.model_permissions.delete(project)).deleted
        await projects.spend_limit.update(
            project, currency="USD", interval="month", threshold_amount=5
        )
        assert (await projects.spend_limit.retrieve(project)).threshold_amount == 5
        assert (await projects.spend_limit.delete(project)).deleted
        messages = [{"role": "user", "content": "say: Hi"}]
        await client.chat.completions.create(model="org/m", messages=messages)  # type: ignore[arg-type]
        with pytest.raises(RateLimitError) as refused:
            await client.chat.completions.create(model="org/m", messages=messages)  # type: ignore[arg-type]
        assert refused.value.code == "rate_limit_exceeded"


async def test_limits_that_were_changed_are_in_the_audit_log(http: httpx2.AsyncClient) -> None:
    admin = Admin(http)
    blue = await admin.project("Blue")
    limits = f"/projects/{blue}"
    await admin.post(f"{limits}/rate_limits/rl-m", {"max_tokens_per_1_minute": 5})
    await admin.post(f"{limits}/limits", {"max_active_runs": 2})
    entries = (await admin.get(f"/audit_logs?project_ids[]={blue}"))["data"]
    assert [entry["type"] for entry in entries] == [
        "project.updated",
        "rate_limit.updated",
        "project.created",
    ]
    assert entries[1]["rate_limit.updated"] == {
        "id": "rl-m",
        "changes_requested": {"max_tokens_per_1_minute": 5},
    }


async def test_a_limit_of_one_project_is_none_of_another(http: httpx2.AsyncClient) -> None:
    admin = Admin(http)
    blue = await admin.project("Blue")
    key = await admin.key(blue)
    await admin.post(f"/projects/{blue}/rate_limits/rl-*", {"max_requests_per_1_minute": 0})
    other = await admin.key("proj_default")
    http.headers.update(bearer(key.secret))
    assert (await ask(http, "m")).status_code == 429
    http.headers.update(bearer(other.secret))
    assert (await ask(http, "m")).status_code == 200
    assert "thread.run.completed" in (await run(http, "m")).text
