"""The dashboard's files, and its sessions, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from perdure.api.sign_ins import COOKIE
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from perdure.wire.projects import DEFAULT_PROJECT
from tests.api.admin import ADMIN, Admin
from tests.api.servers import opened
from tests.patience import PATIENCE_SECONDS

PAGE = {"perdure-dashboard": "1", "sec-fetch-site": "same-origin"}
SETTINGS_KEY = "a key of the settings"


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> dict[str, object]:
    found: dict[str, object] = getattr(
        request, "param", {"admin_key": ADMIN, "api_keys": [SETTINGS_KEY]}
    )
    return found


@pytest.fixture
async def browser(app: Perdure) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser on this machine, with cookies and without a key."""
    async with browser_of(app) as browser:
        yield browser


def browser_of(app: Perdure) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app.asgi),
        base_url="http://127.0.0.1:7373",
        headers={"openai-beta": "assistants=v2"},
        timeout=PATIENCE_SECONDS,
    )


async def sign_in(browser: httpx2.AsyncClient, key: str) -> httpx2.Response:
    return await browser.post("/ui/session", json={"api_key": key}, headers=PAGE)


async def session(browser: httpx2.AsyncClient) -> Any:
    answer = await browser.get("/ui/session", headers=PAGE)
    assert answer.status_code == 200
    return answer.json()


async def status(browser: httpx2.AsyncClient, **headers: str) -> int:
    """The status of a request for data; a browser adds what `PAGE` says."""
    answer = await browser.get("/v1/assistants", headers=headers or PAGE)
    return answer.status_code


async def test_a_key_is_exchanged_for_a_session_until_sign_out(
    browser: httpx2.AsyncClient, http: httpx2.AsyncClient
) -> None:
    key = await Admin(http).key(DEFAULT_PROJECT)
    before = await session(browser)
    assert (before["sign_in"], before["signed_in"], before["project"]) == ("key", False, None)
    assert await status(browser) == 401
    answer = await sign_in(browser, key.secret)
    assert answer.status_code == 200
    assert answer.json()["project"] == {"id": DEFAULT_PROJECT, "name": "Default project"}
    cookie = answer.headers["set-cookie"]
    assert key.secret not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert await status(browser) == 200
    assert (await session(browser))["signed_in"]
    secret = browser.cookies[COOKIE]
    assert (await browser.delete("/ui/session", headers=PAGE)).status_code == 204
    # Also for somebody who has kept the cookie.
    browser.cookies.set(COOKIE, secret)
    assert await status(browser) == 401
    assert not (await session(browser))["signed_in"]


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "*/*"},
        {"perdure-dashboard": "1"},
        {"sec-fetch-site": "same-origin"},
        {"perdure-dashboard": "1", "sec-fetch-site": "same-site"},
        {"perdure-dashboard": "1", "sec-fetch-site": "cross-site"},
        {"perdure-dashboard": "1", "origin": "http://127.0.0.1:8080"},
        {**PAGE, "authorization": "Bearer wrong"},
    ],
)
async def test_a_cookie_alone_opens_nothing(
    browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await sign_in(browser, SETTINGS_KEY)).status_code == 200
    assert await status(browser) == 200
    assert await status(browser, **headers) == 401
    if "authorization" not in headers:
        for method in ("POST", "DELETE"):
            answer = await browser.request(method, "/ui/session", headers=headers, json={})
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "not_same_origin"
    assert await status(browser) == 200


async def test_a_session_ends_with_its_key(
    app: Perdure, browser: httpx2.AsyncClient, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    admin = Admin(http)
    key = await admin.key(DEFAULT_PROJECT)
    second = await admin.key(DEFAULT_PROJECT)
    await sign_in(browser, key.secret)
    async with browser_of(app) as other:
        await sign_in(other, second.secret)
        await admin.delete(f"/projects/{DEFAULT_PROJECT}/api_keys/{key.id}")
        assert await status(browser) == 401
        assert await status(other) == 200
        path = f"/projects/{DEFAULT_PROJECT}/api_keys/{second.id}"
        await admin.post(path, {"expires_in_seconds": 60})
        assert await status(other) == 200
        clock.advance(61)
        assert await status(other) == 401


async def test_a_session_ends_with_its_project(
    browser: httpx2.AsyncClient, http: httpx2.AsyncClient
) -> None:
    admin = Admin(http)
    project = await admin.project("Blue")
    await sign_in(browser, (await admin.key(project)).secret)
    assert (await session(browser))["project"]["name"] == "Blue"
    await admin.post(f"/projects/{project}/archive")
    assert await status(browser) == 401


async def test_a_session_ends_after_its_time(
    browser: httpx2.AsyncClient, clock: ManualClock, app: Perdure
) -> None:
    await sign_in(browser, SETTINGS_KEY)
    clock.advance(app.settings.dashboard_session_hours * 3600 - 1)
    assert await status(browser) == 200
    clock.advance(1)
    assert await status(browser) == 401


async def test_a_session_of_a_settings_key_ends_when_the_settings_lack_it(
    browser: httpx2.AsyncClient,
    app: Perdure,
    database_url: str | None,
    data_dir: Path,
    clock: ManualClock,
) -> None:
    await sign_in(browser, SETTINGS_KEY)
    cookie = browser.cookies[COOKIE]
    await app.close()
    for keys, expected in (([SETTINGS_KEY, "other"], 200), (["other"], 401)):
        async with (
            opened(database_url, data_dir, clock=clock, api_keys=keys) as again,
            browser_of(again) as other,
        ):
            other.cookies.set(COOKIE, cookie)
            assert await status(other) == expected


async def test_an_admin_chooses_the_project_and_others_cannot(
    browser: httpx2.AsyncClient, http: httpx2.AsyncClient
) -> None:
    admin = Admin(http)
    project = await admin.project("Blue")
    blue = (await admin.key(project)).secret
    made = await http.post(
        "/assistants", json={"model": "m"}, headers={"authorization": f"Bearer {blue}"}
    )
    path = f"/v1/assistants/{made.json()['id']}"
    await sign_in(browser, ADMIN)
    shown = await session(browser)
    assert shown["is_admin"]
    assert {each["name"] for each in shown["projects"]} == {"Default project", "Blue"}
    assert (await browser.get(path, headers=PAGE)).status_code == 404
    chosen = {**PAGE, "openai-project": project}
    assert (await browser.get(path, headers=chosen)).status_code == 200
    assert (await browser.get("/v1/organization/projects", headers=PAGE)).status_code == 200
    await sign_in(browser, SETTINGS_KEY)
    shown = await session(browser)
    assert (shown["is_admin"], shown["projects"]) == (False, [])
    assert (await browser.get(path, headers=chosen)).status_code == 401
    answer = await browser.get("/v1/organization/projects", headers=PAGE)
    assert answer.status_code == 403


async def test_wrong_keys_are_limited(browser: httpx2.AsyncClient, clock: ManualClock) -> None:
    for _ in range(10):
        answer = await sign_in(browser, "wrong")
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    for key in ("wrong", SETTINGS_KEY):
        answer = await sign_in(browser, key)
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "too_many_attempts"
    clock.advance(float(answer.headers["retry-after"]))
    assert (await sign_in(browser, SETTINGS_KEY)).status_code == 200


@pytest.mark.parametrize(
    ("body", "param"), [({}, "api_key"), ({"api_key": ""}, "api_key"), ({"api_key": 1}, "api_key")]
)
async def test_a_sign_in_without_a_key_is_refused(
    browser: httpx2.AsyncClient, body: object, param: str
) -> None:
    answer = await browser.post("/ui/session", json=body, headers=PAGE)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_key_is_not_taken_over_plain_http_from_elsewhere(
    browser: httpx2.AsyncClient,
) -> None:
    headers = {**PAGE, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
    answer = await browser.post("/ui/session", json={"api_key": SETTINGS_KEY}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "https_required")
    shown = (await browser.get("/ui/session", headers=headers)).json()
    assert shown["sign_in"] == "https_required"


@pytest.mark.parametrize(
    "chosen", [{"api_keys": [SETTINGS_KEY], "trusted_proxies": ["127.0.0.1"]}], indirect=True
)
async def test_a_trusted_proxy_with_https_is_believed(browser: httpx2.AsyncClient) -> None:
    headers = {**PAGE, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
    answer = await browser.post("/ui/session", json={"api_key": SETTINGS_KEY}, headers=headers)
    assert answer.status_code == 200
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("chosen", [{}], indirect=True)
async def test_without_keys_nobody_signs_in(browser: httpx2.AsyncClient) -> None:
    shown = await session(browser)
    assert (shown["sign_in"], shown["signed_in"]) == ("none", False)
    assert shown["capabilities"] == {"list_threads": True, "operator": True, "admin": False}
    assert await status(browser, authorization="Bearer any", **PAGE) == 200


@pytest.mark.parametrize("chosen", [{"dashboard": False}], indirect=True)
async def test_a_server_may_have_no_dashboard(browser: httpx2.AsyncClient) -> None:
    for path in ("/ui/", "/ui/session"):
        answer = await browser.get(path, headers={"authorization": "Bearer any"})
        assert answer.status_code == 404


async def test_a_browser_is_led_to_the_page_and_programs_are_not(
    browser: httpx2.AsyncClient,
) -> None:
    for path in ("/", "/ui"):
        answer = await browser.get(path, headers={"accept": "text/html,*/*"})
        assert (answer.status_code, answer.headers["location"]) == (307, "ui/")
    assert (await browser.get("/")).status_code == 401


async def test_the_page_needs_no_key_and_lets_nothing_in_from_elsewhere(
    app: Perdure, browser: httpx2.AsyncClient, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (assets / "page-a1b2.js").write_text("1")
    (assets / "page-a1b2.js.gz").write_bytes(b"compressed")
    (tmp_path / "secret.env").write_text("no")
    app.page_files.folder = tmp_path
    page = await browser.get("/ui/")
    assert (page.status_code, page.text) == (200, "<!doctype html>")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; img-src 'self' blob:;")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-cache"
    for accepted, content in (("gzip, br", b"compressed"), ("identity", b"1"), ("gzip;q=0", b"1")):
        async with browser.stream(
            "GET", "/ui/assets/page-a1b2.js", headers={"accept-encoding": accepted}
        ) as answer:
            assert b"".join([block async for block in answer.aiter_raw()]) == content
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-security-policy"] == policy
    for path in ("secret.env", "%2e%2e/__init__.py", "assets/none.js", "assets/"):
        assert (await browser.get(f"/ui/{path}")).status_code == 404
    assert (await browser.post("/ui/")).status_code == 405


async def test_an_installation_without_the_page_says_how_to_build_it(
    app: Perdure, browser: httpx2.AsyncClient, tmp_path: Path
) -> None:
    app.page_files.folder = tmp_path
    page = await browser.get("/ui/")
    assert page.status_code == 200
    assert "make ui" in page.text
    assert "content-security-policy" in page.headers
