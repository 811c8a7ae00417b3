"""The objects of the admin API, their lists, and the log of what was changed."""

import httpx2
import pytest

from perdure.testing.manual_clock import ManualClock
from perdure.wire.projects import DEFAULT_PROJECT
from tests.api.admin import ADMIN, Admin, bearer


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"admin_key": ADMIN}


@pytest.fixture
def admin(http: httpx2.AsyncClient) -> Admin:
    return Admin(http)


async def test_a_project_is_made_renamed_listed_and_archived(
    admin: Admin, clock: ManualClock
) -> None:
    now = int(clock.now())
    made = await admin.post("/projects", {"name": "Blue"})
    blue = f"/projects/{made['id']}"
    assert made == {
        "id": made["id"], "object": "organization.project", "name": "Blue", "created_at": now,
        "archived_at": None, "status": "active",
    }  # fmt: skip
    assert made["id"].startswith("proj_")
    assert (await admin.post(blue, {"name": "Green"}))["name"] == "Green"
    assert (await admin.post(blue, {}))["name"] == "Green"
    archived = await admin.post(f"{blue}/archive")
    assert archived == {**made, "name": "Green", "archived_at": now, "status": "archived"}
    clock.advance(5)
    assert await admin.post(f"{blue}/archive") == archived == await admin.get(blue)
    assert await _names(admin, "/projects") == ["Default project"]
    assert await _names(admin, "/projects?include_archived=true") == ["Green", "Default project"]
    for path, body in ((blue, {"name": "Red"}), (f"{blue}/service_accounts", {"name": "a"})):
        answer = await admin.send("POST", path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "project_archived")
    default = await admin.send("POST", f"/projects/{DEFAULT_PROJECT}/archive")
    assert (default.status_code, default.json()["error"]["code"]) == (400, "default_project")


async def _names(admin: Admin, path: str) -> list[str]:
    return [each["name"] for each in (await admin.get(path))["data"]]


@pytest.mark.parametrize("name", ["Blue", "proj_blue", "", "a\nb", "a\0b", "x" * 257])
async def test_a_name_that_does_not_tell_a_project_from_others_is_refused(
    admin: Admin, name: str
) -> None:
    blue = await admin.project("Blue")
    answer = await admin.send("POST", "/projects", {"name": name})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "name")
    await admin.post(f"/projects/{blue}/archive")
    assert name != "Blue" or await admin.project(name) != blue


async def test_a_service_account_has_keys_whose_secrets_are_shown_once(
    admin: Admin, clock: ManualClock
) -> None:
    now = int(clock.now())
    base = f"/projects/{await admin.project('Blue')}"
    made = await admin.post(f"{base}/service_accounts", {"name": "bot", "expires_in_seconds": 9})
    account = {
        "id": made["id"], "object": "organization.project.service_account", "name": "bot",
        "role": "member", "created_at": now,
    }  # fmt: skip
    secret = made["api_key"]["value"]
    assert made == account | {"api_key": {
        "id": made["api_key"]["id"], "object": "organization.project.service_account.api_key",
        "name": "bot", "created_at": now, "expires_at": now + 9, "value": secret,
    }}  # fmt: skip
    path = f"{base}/service_accounts/{made['id']}"
    assert await admin.get(path) == account
    assert await admin.post(path, {"name": "robot"}) == account | {"name": "robot"}
    key = await admin.get(f"{base}/api_keys/{made['api_key']['id']}")
    assert key == {
        "id": made["api_key"]["id"], "object": "organization.project.api_key", "name": "bot",
        "redacted_value": f"sk-proj-...{secret[-4:]}", "created_at": now, "last_used_at": None,
        "expires_at": now + 9, "owner_project_access": "active",
        "owner": {"type": "service_account", "service_account": {
            "id": made["id"], "name": "robot", "created_at": now, "role": "member",
        }},
    }  # fmt: skip
    second = await admin.post(f"{path}/api_keys", {"name": "second"})
    assert second["expires_at"] is None
    assert await _names(admin, f"{base}/api_keys") == ["second", "bot"]
    assert await _names(admin, f"{base}/api_keys?owner_project_access=inactive") == []
    alone = await admin.post(
        f"{base}/service_accounts", {"name": "alone", "create_service_account_only": True}
    )
    assert alone["api_key"] is None
    assert await admin.delete(path) == {
        "id": made["id"], "object": "organization.project.service_account.deleted",
        "deleted": True,
    }  # fmt: skip
    assert await _names(admin, f"{base}/api_keys") == []
    assert await _names(admin, f"{base}/service_accounts") == ["alone"]
    for gone in (path, f"{base}/api_keys/{second['id']}"):
        assert (await admin.send("GET", gone)).status_code == 404


async def test_what_is_not_there_or_not_built_is_refused(admin: Admin) -> None:
    base = f"/projects/{await admin.project('Blue')}"
    for method, path, body, status in (
        ("GET", "/projects/proj_no", None, 404),
        ("GET", "/projects/no", None, 400),
        ("GET", "/projects/proj_no/api_keys", None, 404),
        ("GET", f"{base}/api_keys/key_no", None, 404),
        ("POST", f"{base}/api_keys/key_no", {"expires_in_seconds": 9}, 404),
        ("DELETE", f"{base}/api_keys/key_no", None, 404),
        ("GET", f"{base}/service_accounts/svc_acct_no", None, 404),
        ("POST", f"{base}/service_accounts/svc_acct_no/api_keys", {}, 404),
        ("POST", f"{base}/service_accounts", {"name": "a", "scopes": ["api.all.read"]}, 400),
        ("POST", f"{base}/service_accounts", {
            "name": "a", "create_service_account_only": True, "expires_in_seconds": 1}, 400),
        ("POST", "/projects", {"name": "a", "geography": "EU"}, 400),
        ("POST", "/admin_api_keys", {"name": "a", "expires_in_seconds": 0}, 400),
        ("DELETE", "/admin_api_keys/key_no", None, 404),
        ("GET", "/projects?include_archived=perhaps", None, 400),
        ("GET", f"{base}/api_keys?owner_project_access=perhaps", None, 400),
        ("GET", "/audit_logs?event_types[]=login.succeeded", None, 400),
        ("GET", "/audit_logs?effective_at[gte]=x", None, 400),
        ("GET", "/audit_logs?after=audit_log_no", None, 404),
        ("GET", "/users", None, 404),
    ):  # fmt: skip
        answer = await admin.send(method, path, body)
        assert answer.status_code == status, (method, path, answer.text)
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_lists_are_read_in_pages_past_what_was_deleted(admin: Admin) -> None:
    base = f"/projects/{await admin.project('Blue')}"
    account = (await admin.post(f"{base}/service_accounts", {"name": "bot"}))["id"]
    made = [
        (await admin.post(f"{base}/service_accounts/{account}/api_keys", {"name": str(n)}))["id"]
        for n in range(4)
    ]
    await admin.delete(f"{base}/api_keys/{made[2]}")
    first = await admin.get(f"{base}/api_keys?limit=1")
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (made[3:], True)
    rest = await admin.get(f"{base}/api_keys?after={made[2]}&limit=2")
    assert [each["id"] for each in rest["data"]] == [made[1], made[0]]
    assert await _names(admin, f"{base}/api_keys?order=asc") == ["bot", "0", "1", "3"]


async def test_each_change_is_in_the_audit_log_with_who_made_it(
    http: httpx2.AsyncClient, admin: Admin, clock: ManualClock
) -> None:
    second = await admin.post("/admin_api_keys", {"name": "second"})
    other = Admin(http, second["value"])
    blue = await other.project("Blue")
    key = await other.key(blue)
    clock.advance(10)
    await other.post(f"/projects/{blue}/api_keys/{key.id}", {"expires_in_seconds": 60})
    await other.post(f"/projects/{blue}", {"name": "Green"})
    await other.delete(f"/projects/{blue}/service_accounts/{key.account}")
    await other.post(f"/projects/{blue}/archive")
    await admin.delete(f"/admin_api_keys/{second['id']}")
    log = (await admin.get("/audit_logs?order=asc&limit=100"))["data"]
    told = [(each["type"], each[each["type"]]["id"]) for each in log]
    assert told == [
        ("api_key.created", second["id"]),
        ("project.created", blue),
        ("service_account.created", key.account),
        ("api_key.created", key.id),
        ("api_key.updated", key.id),
        ("project.updated", blue),
        ("api_key.deleted", key.id),
        ("service_account.deleted", key.account),
        ("project.archived", blue),
        ("api_key.deleted", second["id"]),
    ]
    assert {each["actor"]["api_key"]["id"] for each in log[1:-1]} == {second["id"]}
    assert {each["actor"]["api_key"]["id"] for each in (log[0], log[-1])} == {"admin_key"}
    assert log[5]["project.updated"] == {"id": blue, "changes_requested": {"title": "Green"}}
    assert log[5]["project"] == {"id": blue, "name": "Green"}
    since = log[4]["effective_at"]
    for query, places in {
        f"effective_at[gte]={since}": range(4, 10),
        f"effective_at[lt]={since}": range(4),
        f"effective_at[gt]={since}": (),
        f"effective_at[lte]={since - 1}": range(4),
        "event_types[]=project.created&event_types[]=project.archived": (1, 8),
        f"project_ids[]={blue}": range(1, 9),
        f"resource_ids[]={key.id}": (3, 4, 6),
        "actor_ids[]=admin_key": (0, 9),
        "actor_emails[]=a@example.com": (),
        f"after={log[8]['id']}": (9,),
        f"before={log[1]['id']}": (0,),
    }.items():
        found = (await admin.get(f"/audit_logs?order=asc&limit=100&{query}"))["data"]
        assert found == [log[place] for place in places], query


async def test_a_change_that_is_refused_leaves_no_entry(admin: Admin) -> None:
    await admin.project("Blue")
    before = (await admin.get("/audit_logs"))["data"]
    assert (await admin.send("POST", "/projects", {"name": "Blue"})).status_code == 400
    assert (await admin.send("DELETE", "/admin_api_keys/key_no")).status_code == 404
    assert (await admin.get("/audit_logs"))["data"] == before


async def test_threads_are_listed_to_the_only_key_of_a_project(
    http: httpx2.AsyncClient, admin: Admin
) -> None:
    blue = await admin.project("Blue")
    key = await admin.key(blue)
    headers = {**bearer(key.secret), "openai-beta": "assistants=v2"}
    assert (await http.get("/threads", headers=headers)).status_code == 200
    await admin.key(blue)
    assert (await http.get("/threads", headers=headers)).status_code == 404
