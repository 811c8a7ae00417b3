"""Signing in and out, and what a key does not show."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.ui.person import Person
from tests.ui.site import Site, running

ADMIN = "sk-admin-of-the-settings"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with an admin key, and two projects with a key each."""
    with running(tmp_path_factory.mktemp("site"), key=ADMIN, admin_key=ADMIN) as site:
        yield site


@pytest.fixture(scope="module")
def keys(site: Site) -> dict[str, str]:
    found = {}
    for name in ("Blue", "Green"):
        project = site.call("POST", "/organization/projects", {"name": name})["id"]
        path = f"/organization/projects/{project}/service_accounts"
        found[name] = site.call("POST", path, {"name": "program"})["api_key"]["value"]
    return found


def sign_in(person: Person, key: str) -> None:
    person.fills("API key", key)
    person.presses("Sign in")


def test_somebody_signs_in_and_out(person: Person, keys: dict[str, str]) -> None:
    person.open().sees_title("Sign in")
    sign_in(person, "wrong")
    person.sees("This is no API key of this server")
    sign_in(person, keys["Blue"])
    person.sees_title("Overview")
    person.sees("Blue")
    person.page.reload()
    person.sees_title("Overview")
    assert keys["Blue"] not in person.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    person.presses("Sign out")
    person.sees_title("Sign in")
    person.page.reload()
    person.sees_title("Sign in")


def test_objects_of_another_project_never_show(person: Person, keys: dict[str, str]) -> None:
    green = Site(person.site.url, keys["Green"])
    assistant = green.assistant(name="Secret of Green")
    run = green.run(assistant, "say: hidden words")
    person.open()
    sign_in(person, keys["Blue"])
    person.sees_title("Overview")
    for screen, id_ in (
        ("runs", run["id"]),
        ("threads", run["thread_id"]),
        ("assistants", assistant),
    ):
        person.open(screen)
        expect(person.page.get_by_text("Loading…")).to_have_count(0)
        assert person.page.get_by_text(id_).count() == 0
        person.open(f"{screen}/{id_}")
        expect(person.page.get_by_role("alert").first).to_be_visible()
        assert person.page.get_by_text("Secret of Green").count() == 0
        assert person.page.get_by_text("hidden words").count() == 0
    nav = person.page.get_by_role("navigation")
    for absent in ("Projects and keys", "Usage", "Health"):
        assert nav.get_by_text(absent).count() == 0


def test_an_admin_makes_a_project_and_a_key_that_is_shown_once(person: Person) -> None:
    person.open()
    sign_in(person, ADMIN)
    person.page.get_by_role("link", name="Projects and keys").click()
    person.fills("Name of a new project", "Red")
    person.presses("New project")
    person.page.get_by_role("link", name="Red").click()
    person.sees_title("Red")
    person.fills("Name of who will use a new key", "ci")
    person.presses("New key")
    person.sees("This is shown once")
    key = person.page.get_by_text("sk-proj-").first.inner_text()
    assert Site(person.site.url, key).call("GET", "/assistants")["data"] == []
    person.presses("Hide")
    assert person.page.get_by_text(key).count() == 0
    person.page.get_by_label("Project").select_option(label="Red")
    person.page.get_by_role("link", name="Assistants").click()
    person.sees("No assistant yet")
    person.page.get_by_role("link", name="Usage").click()
    person.sees_title("Usage")
    person.finds_no_barrier()
    person.page.get_by_role("link", name="Health").click()
    person.sees("Findings")


def test_the_page_of_another_origin_cannot_use_the_session(
    page: Page, site: Site, keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    person = Person(page, site)
    person.open()
    sign_in(person, keys["Blue"])
    person.sees_title("Overview")
    ask = """async (url) => {
        const headers = {"Perdure-Dashboard": "1"};
        const sent = [{}, {headers}, {headers, mode: "no-cors"}].map(async (each) => {
            try {
                const found = await fetch(url, {credentials: "include", ...each});
                return found.status;
            } catch { return 0; }
        });
        return Promise.all(sent);
    }"""
    # The same machine, another port: the browser sends the cookie along.
    with running(tmp_path_factory.mktemp("other")) as other:
        page.goto(f"{other.url}/health")
        statuses = page.evaluate(ask, f"{site.url}/v1/assistants")
    assert 200 not in statuses
