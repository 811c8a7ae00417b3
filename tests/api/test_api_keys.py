"""Who may send a request with which key, and what an admin can do about it."""

import logging
from collections.abc import Callable

import httpx2
import pytest

from perdure import settings
from perdure.app import Perdure
from perdure.commands import key_secrets
from perdure.errors import ConfigurationError
from perdure.storage.database import Database
from perdure.testing.manual_clock import ManualClock
from perdure.wire.projects import DEFAULT_PROJECT
from tests.api.admin import ADMIN, Admin, bearer

DEFAULT = f"/projects/{DEFAULT_PROJECT}"


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> dict[str, object]:
    found: dict[str, object] = getattr(request, "param", {"admin_key": ADMIN})
    return found


@pytest.fixture
def admin(http: httpx2.AsyncClient) -> Admin:
    return Admin(http)


async def status(http: httpx2.AsyncClient, secret: str, **headers: str) -> tuple[int, str | None]:
    """What a request to a project's route with this key is answered, and the error's code."""
    answer = await http.get("/vector_stores", headers=bearer(secret, **headers))
    code = answer.json()["error"]["code"] if answer.status_code != 200 else None
    return answer.status_code, code


GOOD = (200, None)
WRONG = (401, "invalid_api_key")


async def test_an_admin_key_alone_changes_nothing_for_programs_on_this_machine(
    http: httpx2.AsyncClient, admin: Admin
) -> None:
    await admin.post("/admin_api_keys", {"name": "second"})
    await admin.project("Blue")
    for secret in ("any", "sk-admin-wrong", key_secrets.new("project"), ADMIN):
        assert await status(http, secret) == GOOD, secret


async def test_as_soon_as_a_project_has_a_key_any_other_is_refused(
    http: httpx2.AsyncClient, admin: Admin
) -> None:
    key = await admin.key(DEFAULT_PROJECT)
    assert await status(http, key.secret) == GOOD
    for secret in ("any", key.secret[:-1], key_secrets.new("project"), key_secrets.new("admin")):
        assert await status(http, secret) == WRONG, secret
    assert await status(http, ADMIN) == GOOD


async def test_the_last_key_can_be_taken_away_and_nobody_else_gets_in(
    http: httpx2.AsyncClient, admin: Admin
) -> None:
    """A server that opened up again would take the very key that was taken away."""
    key = await admin.key(DEFAULT_PROJECT)
    await admin.delete(f"{DEFAULT}/api_keys/{key.id}")
    assert await status(http, key.secret) == WRONG
    assert await status(http, "any") == WRONG


@pytest.mark.parametrize("chosen", [{"api_keys": ["one", "two"], "admin_key": ADMIN}],
                         indirect=True)  # fmt: skip
async def test_keys_of_the_settings_are_keys_of_the_default_project(
    http: httpx2.AsyncClient, admin: Admin
) -> None:
    made = await http.post("/assistants", json={"model": "m"}, headers=bearer("one"))
    listed = [each["id"] for each in (await _list(http, "two"))]
    assert listed == [made.json()["id"]]
    other = await admin.key(await admin.project("Blue"))
    assert await _list(http, other.secret) == []
    assert await _list(http, (await admin.key(DEFAULT_PROJECT)).secret) != []
    assert await status(http, "three") == WRONG


async def _list(http: httpx2.AsyncClient, secret: str, **headers: str) -> list[dict[str, str]]:
    answer = await http.get("/assistants", headers=bearer(secret, **headers))
    found: list[dict[str, str]] = answer.json()["data"]
    return found


@pytest.mark.parametrize(
    "end",
    [
        lambda admin, project, key: admin.delete(f"/projects/{project}/api_keys/{key.id}"),
        lambda admin, project, key: admin.delete(
            f"/projects/{project}/service_accounts/{key.account}"
        ),
        lambda admin, project, key: admin.post(f"/projects/{project}/archive"),
    ],
    ids=["the key", "its owner", "its project"],
)
async def test_a_key_that_was_ended_is_refused_at_once(
    http: httpx2.AsyncClient, admin: Admin, end: Callable[..., object]
) -> None:
    """The clock stands still meanwhile: it is the hint that ends it."""
    project = await admin.project("Blue")
    key = await admin.key(project)
    assert await status(http, key.secret) == GOOD
    await end(admin, project, key)  # type: ignore[misc] # awaitable, as all of them are
    answer = await http.get("/assistants", headers=bearer(key.secret))
    assert (answer.status_code, answer.json()["error"]["code"]) == WRONG
    assert key.secret not in answer.text
    assert answer.json()["error"]["message"].startswith(
        f"Incorrect API key provided: sk-***{key.secret[-4:]}."
    )


async def test_a_key_expires_and_is_rotated_with_an_overlap(
    http: httpx2.AsyncClient, admin: Admin, clock: ManualClock
) -> None:
    old = await admin.key(DEFAULT_PROJECT, expires_in_seconds=1000)
    path = f"{DEFAULT}/service_accounts/{old.account}/api_keys"
    new = await admin.post(path, {})
    assert (new["name"], new["object"]) == (
        "program", "organization.project.service_account.api_key",
    )  # fmt: skip
    left = await admin.post(f"{DEFAULT}/api_keys/{old.id}", {"expires_in_seconds": 10})
    assert left["expires_at"] == int(clock.now()) + 10
    clock.advance(9)
    assert await status(http, old.secret) == GOOD
    assert await status(http, new["value"]) == GOOD
    clock.advance(1)
    assert await status(http, old.secret) == WRONG
    assert await status(http, new["value"]) == GOOD
    brought_back = await admin.send(
        "POST", f"{DEFAULT}/api_keys/{old.id}", {"expires_in_seconds": 10}
    )
    assert brought_back.status_code == 404


async def test_an_admin_key_administers_until_it_is_deleted_or_expires(
    http: httpx2.AsyncClient, admin: Admin, clock: ManualClock
) -> None:
    made = await admin.post("/admin_api_keys", {"name": "second", "expires_in_seconds": 60})
    assert made["value"].startswith("sk-admin-")
    second = Admin(http, made["value"])
    assert (await second.get("/admin_api_keys"))["data"][0]["name"] == "second"
    later = await second.post(f"/admin_api_keys/{made['id']}", {"expires_in_seconds": 90})
    assert later["expires_at"] == int(clock.now()) + 90
    clock.advance(90)
    assert (await second.send("GET", "/projects")).status_code == 401
    third = await admin.post("/admin_api_keys", {"name": "third"})
    assert "expires_at" in third
    assert (await admin.delete(f"/admin_api_keys/{third['id']}")) == {
        "id": third["id"], "object": "organization.admin_api_key.deleted", "deleted": True,
    }  # fmt: skip
    assert (await Admin(http, third["value"]).send("GET", "/projects")).status_code == 401


async def test_only_admin_keys_administer(http: httpx2.AsyncClient, admin: Admin) -> None:
    anybody = await Admin(http, "any").send("GET", "/projects")
    assert (anybody.status_code, anybody.json()["error"]["code"]) == WRONG
    key = await admin.key(DEFAULT_PROJECT)
    answer = await Admin(http, key.secret).send("POST", "/projects", {"name": "Mine"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_permissions")
    assert [each["name"] for each in (await admin.get("/projects"))["data"]] == ["Default project"]


class TestProjectOfARequest:
    async def test_an_admin_key_is_of_the_default_project_or_of_the_one_that_it_names(
        self, http: httpx2.AsyncClient, admin: Admin
    ) -> None:
        blue = await admin.project("Blue")
        headers = bearer(ADMIN, openai_project=blue)
        made = (await http.post("/assistants", json={"model": "m"}, headers=headers)).json()["id"]
        assert await _list(http, ADMIN) == []
        for named in (blue, "Blue"):
            found = await _list(http, ADMIN, openai_project=named)
            assert [each["id"] for each in found] == [made]
        assert await status(http, ADMIN, openai_project="proj_no") == (401, "mismatched_project")
        await admin.post(f"/projects/{blue}/archive")
        assert await status(http, ADMIN, openai_project=blue) == (401, "mismatched_project")

    async def test_a_project_key_cannot_leave_its_project(
        self, http: httpx2.AsyncClient, admin: Admin
    ) -> None:
        blue = await admin.project("Blue")
        key = await admin.key(blue)
        assert await status(http, key.secret, openai_project=blue) == GOOD
        for other in (DEFAULT_PROJECT, "Default project", "proj_no"):
            found = await status(http, key.secret, openai_project=other)
            assert found == (401, "mismatched_project")

    async def test_the_path_of_azures_clients_names_the_project_of_the_key(
        self, http: httpx2.AsyncClient, admin: Admin
    ) -> None:
        base = "http://127.0.0.1/api/projects/"
        anything = await http.get(f"{base}my-project/assistants", headers=bearer("any"))
        assert anything.status_code == 200
        blue = await admin.project("Blue Sky")
        key = await admin.key(blue)
        for name, secret, expected in (
            (blue, key.secret, 200),
            ("Blue%20Sky", key.secret, 200),
            (DEFAULT_PROJECT, key.secret, 404),
            ("my-project", key.secret, 404),
            ("my-project", ADMIN, 404),
            ("Blue%20Sky", ADMIN, 200),
            (DEFAULT_PROJECT, ADMIN, 200),
        ):
            answer = await http.get(f"{base}{name}/assistants", headers=bearer(secret))
            assert answer.status_code == expected, (name, answer.text)

    async def test_where_there_is_no_other_project_a_program_may_name_any(
        self, http: httpx2.AsyncClient
    ) -> None:
        """Programs that were written for the original send the id of a project that it had."""
        assert await status(http, "any", openai_project="proj_of_the_original") == GOOD


async def test_an_unknown_key_is_refused_without_the_database(
    app: Perdure, http: httpx2.AsyncClient, admin: Admin
) -> None:
    """The database is closed, and the clock stands still, so that nobody looks again."""
    await admin.key(DEFAULT_PROJECT)
    assert await status(http, "any") == WRONG
    await app.database.close()
    for _ in range(100):
        assert await status(http, key_secrets.new("project")) == WRONG
    await app.database.open()


async def test_a_key_that_was_made_elsewhere_is_known_within_a_second(
    app: Perdure, http: httpx2.AsyncClient, admin: Admin, clock: ManualClock
) -> None:
    key = await admin.key(DEFAULT_PROJECT)
    assert await status(http, key.secret) == GOOD
    await app.database.write(_delete_silently, key.id)
    assert await status(http, key.secret) == GOOD
    clock.advance(1)
    assert await status(http, key.secret) == WRONG


def _delete_silently(tx: object, key_id: str) -> None:
    """Deletes a key, and no hint of it arrives."""
    run = tx.run  # type: ignore[attr-defined]
    run("api_keys.note_change")
    run("api_keys.delete", id=key_id, project=DEFAULT_PROJECT, now=1)


async def test_uses_are_noted_by_the_minute_and_not_with_each_request(
    app: Perdure, http: httpx2.AsyncClient, admin: Admin, clock: ManualClock
) -> None:
    key = await admin.key(DEFAULT_PROJECT)
    path = f"{DEFAULT}/api_keys/{key.id}"
    for _ in range(3):
        await status(http, key.secret)
    assert (await admin.get(path))["last_used_at"] is None
    await app.keys.write_uses()
    used_at = int(clock.now()) // 60 * 60
    assert (await admin.get(path))["last_used_at"] == used_at
    clock.advance(61)
    await status(http, key.secret)
    await app.keys.write_uses()
    assert (await admin.get(path))["last_used_at"] > used_at


async def test_no_secret_is_in_the_database_the_log_or_a_second_answer(
    app: Perdure,
    http: httpx2.AsyncClient,
    admin: Admin,
    database_url: str | None,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await admin.post("/admin_api_keys", {"name": "second"})
    key = await admin.key(DEFAULT_PROJECT)
    await status(http, key.secret)
    secrets = [made["value"], key.secret, ADMIN]
    answers = [
        (await admin.send("GET", path)).text
        for path in (
            "/admin_api_keys", f"/admin_api_keys/{made['id']}", f"{DEFAULT}/api_keys",
            f"{DEFAULT}/api_keys/{key.id}", f"{DEFAULT}/service_accounts", "/audit_logs",
        )
    ]  # fmt: skip
    rows = [str(tuple(row)) for row in await _all_rows(app.database, database_url)]
    said = capsys.readouterr()
    for text in (*answers, *rows, said.out, said.err, caplog.text):
        # Neither is the random part of one, without its prefix.
        assert not any(secret in text or secret[10:-6] in text for secret in secrets)
    assert any(key.id in row for row in rows)


async def _all_rows(database: Database, url: str | None) -> list[tuple[object, ...]]:
    tables = ("api_keys", "service_accounts", "projects", "audit_logs", "api_key_changes")
    if url is not None:
        import psycopg

        with psycopg.connect(url) as connection:
            return [row for each in tables for row in connection.execute(f"TABLE {each}".encode())]
    import sqlite3

    path = database._path  # type: ignore[attr-defined] # the file behind it
    with sqlite3.connect(path) as file:
        found = [row for each in tables for row in file.execute(f"SELECT * FROM {each}")]
    file.close()
    return found


async def test_a_start_that_others_can_reach_needs_a_key(
    database_url: str | None, data_dir: object, clock: ManualClock, schema: None
) -> None:
    def server(**more: object) -> Perdure:
        chosen = settings.only(
            host="0.0.0.0", data_dir=data_dir, database_url=database_url, drain_seconds=0, **more
        )
        return Perdure(chosen, clock=clock)

    with pytest.raises(ConfigurationError, match="refuses to start without API keys"):
        await server().open()
    first = server(admin_key=ADMIN)
    await first.open()
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(first.asgi), base_url="http://127.0.0.1/v1"
    ) as http:
        # Keys are required here whatever keys there are.
        assert await status(http, "any") == WRONG
        assert await status(http, ADMIN) == GOOD
        await Admin(http).post("/admin_api_keys", {"name": "stored"})
    await first.close()
    second = server()
    await second.open()
    await second.close()
