"""What a person does at the dashboard, and what goes wrong in the browser meanwhile."""

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, expect

from tests.patience import PATIENCE_SECONDS
from tests.ui.site import Site

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

# Without these a browser asks for things on other hosts.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# What a browser says of an answer that is an error, which tests ask for.
_STATUS = re.compile(r"the server responded with a status of \d+")


class Person:
    """Somebody at a page. `troubles` are errors of scripts, dialogs of the browser, and what the
    policy of the page has kept from happening.
    """

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", self._note_dialog)
        page.on("request", self._note_request)

    def open(self, screen: str = "") -> "Person":
        """Opens a screen."""
        self.page.goto(f"{self.site.url}/ui/#/{screen}")
        expect(self.page.locator("main:not([aria-busy=true])")).to_be_visible()
        return self

    def sees(self, text: str) -> Locator:
        """Waits until a text is to be seen."""
        found = self.page.get_by_text(text).first
        expect(found).to_be_visible()
        return found

    def sees_title(self, text: str) -> None:
        """Waits until a screen has this title."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def presses(self, name: str) -> None:
        """Presses a button."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def agrees(self, action: str) -> None:
        """Answers the question whether something shall be done."""
        self.page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()

    def fills(self, label: str, text: str) -> None:
        """Types into a field."""
        self.page.get_by_label(label, exact=True).first.fill(text)

    def finds_no_barrier(self) -> None:
        """Has the page examined for barriers by axe, and for what stands beyond its right edge."""
        found: Any = Axe().run(self.page).response["violations"]
        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
        beyond = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (self.page.url, max(0, beyond)) == (self.page.url, 0)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning") and not _STATUS.search(message.text):
            self.troubles.append(message.text)

    def _note_dialog(self, dialog: Any) -> None:
        self.troubles.append(dialog.message)
        dialog.dismiss()

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.site.url, "blob:", "data:")):
            self.troubles.append(f"asked for {request.url}")
