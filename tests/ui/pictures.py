"""Makes the pictures of the documents anew: a run with code, and the playground with a call that
waits, on a server with the scripted model. `python -m tests.ui.pictures`, after `make ui`.
"""

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from tests.ui.person import FLAGS
from tests.ui.site import Site, running

_FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_CODE = """python:
    import pandas
    print(pandas.Series([31, 28, 34, 40], ["Mon", "Tue", "Wed", "Thu"]).describe())
then:
say: The mean of the four days is **33.25**.
"""
_CALL = 'call: get_weather {"city": "Lisbon"}'
_WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def main() -> None:
    with TemporaryDirectory() as folder, running(Path(folder)) as site, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        _inspector(page, site)
        _playground(page, site)
        browser.close()


def _inspector(page: Page, site: Site) -> None:
    assistant = site.assistant(name="Analyst", tools=[{"type": "code_interpreter"}])
    run = site.run(assistant, _CODE)
    page.goto(f"{site.url}/ui/#/runs/{run['id']}")
    page.get_by_role("button", name=re.compile("^python")).click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    expect(page.get_by_text("count")).to_be_visible()
    page.screenshot(path=_FOLDER / "inspector.png")


def _playground(page: Page, site: Site) -> None:
    function = {"type": "function", "function": _WEATHER}
    assistant = site.assistant(name="Forecaster", tools=[function])
    page.goto(f"{site.url}/ui/#/playground?assistant={assistant}")
    page.get_by_label("Message", exact=True).fill(f"Is it warm in Lisbon?\n{_CALL}")
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Output of get_weather").fill("24 degrees, clear sky")
    page.screenshot(path=_FOLDER / "playground.png")


if __name__ == "__main__":
    main()
