"""A server of this checkout with the built page, and a browser."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from perdure.dashboard import FOLDER, INDEX
from tests.ui.person import FLAGS, Person
from tests.ui.site import Site, running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not (FOLDER / INDEX).exists():
        pytest.fail("The page is not built: run make test-ui, which builds it first.")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("There is no chromium: install your system's package of that name.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server without API keys."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser that knows nothing yet."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


@pytest.fixture
def person(page: Page, site: Site) -> Iterator[Person]:
    """Somebody who looks at the dashboard. Nothing may go wrong in the browser meanwhile."""
    person = Person(page, site)
    yield person
    assert person.troubles == []
