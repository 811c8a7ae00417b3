"""Each screen, as a person uses it."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.person import Person
from tests.ui.site import Site

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
# In every text that users and models write.
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))"


def test_somebody_makes_an_assistant_chats_with_it_and_answers_a_call(person: Person) -> None:
    person.open("assistants/new").sees_title("New assistant")
    person.fills("Name", "Forecaster")
    person.fills("Model", "gpt-4o")
    person.presses("Add a function")
    person.presses("Create")
    person.sees_title("Forecaster")
    person.page.get_by_role("link", name="Playground").last.click()
    person.sees_title("Playground")
    person.fills("Message", 'call: get_weather {"city": "Oslo"}\nthen:\nsay: It rains in Oslo.')
    person.presses("Send")
    person.sees("The run waits for an output")
    person.sees('"city": "Oslo"')
    person.fills("Output of get_weather", "rain")
    person.page.get_by_label("fill these in again next time").check()
    person.presses("Submit")
    person.sees("It rains in Oslo.")
    person.fills("Message", 'call: get_weather {"city": "Bergen"}')
    person.presses("Send")
    expect(person.page.get_by_label("Output of get_weather")).to_have_value("rain")


def test_a_list_shows_runs_as_they_happen(person: Person) -> None:
    person.open("runs").sees_title("Runs")
    person.sees("live")
    assistant = person.site.assistant()
    run = person.site.run(assistant, "forever\nwait 20 ms")
    row = person.page.get_by_role("listitem").filter(has_text=run["id"])
    expect(row).to_contain_text("in progress")
    person.site.call("POST", f"/threads/{run['thread_id']}/runs/{run['id']}/cancel")
    expect(row).to_contain_text("cancelled")


def test_the_inspector_follows_a_run_and_explains_each_bar(person: Person) -> None:
    assistant = person.site.assistant(tools=[{"type": "code_interpreter"}])
    run = person.site.run(assistant, "python: print(6 * 7)\nthen:\nsay: It is 42.")
    person.open(f"runs/{run['id']}")
    person.page.get_by_role("button", name=re.compile("^python")).click()
    person.sees("print(6 * 7)")
    person.page.get_by_role("button", name=re.compile("^gpt-4o")).last.click()
    person.sees("It is 42.")
    person.page.get_by_text("Request", exact=True).click()
    person.sees('"messages"')
    person.presses("curl")
    copied = person.page.evaluate("navigator.clipboard.readText()")
    assert "$OPENAI_API_KEY" in copied
    assert run["thread_id"] in copied


def test_the_inspector_says_why_a_run_failed_and_runs_it_again(person: Person) -> None:
    assistant = person.site.assistant()
    run = person.site.run(assistant, "fail: rate_limit_exceeded")
    person.open(f"runs/{run['id']}").sees("rate_limit_exceeded")
    person.sees("The model server refused for now")
    person.presses("Run again…")
    field = person.page.get_by_label("Message", exact=True)
    expect(field).to_have_value("fail: rate_limit_exceeded")
    field.fill("say: Better now.")
    person.presses("Run")
    person.sees("Better now.")
    assert run["id"] not in person.page.url


def test_a_run_is_cancelled_after_a_question(person: Person) -> None:
    assistant = person.site.assistant()
    run = person.site.run(assistant, "forever\nwait 20 ms")
    person.open(f"runs/{run['id']}")
    person.presses("Cancel")
    person.agrees("Keep")
    person.presses("Cancel")
    person.agrees("Cancel the run")
    expect(person.page.get_by_text("cancelled", exact=True).first).to_be_visible()


def test_outputs_are_submitted_by_hand(person: Person) -> None:
    assistant = person.site.assistant(tools=[WEATHER])
    run = person.site.run(assistant, 'call: get_weather {"city": "Oslo"}\nthen:\nsay: Thanks.')
    person.open(f"runs/{run['id']}").sees("The run waits for an output")
    person.fills("Output of get_weather", '{"sky": "blue"}')
    person.presses("Submit")
    expect(person.page.get_by_text("completed", exact=True).first).to_be_visible()


def test_a_thread_is_searched_and_deleted(person: Person) -> None:
    thread = person.site.call(
        "POST",
        "/threads",
        {"messages": [{"role": "user", "content": f"question {n}"} for n in range(30)]},
    )
    person.open(f"threads/{thread['id']}").sees("question 29")
    person.fills("Search within the thread", "question 17")
    person.sees("1 of 30 messages")
    with person.page.expect_download() as download:
        person.presses("Export")
    assert download.value.suggested_filename == f"{thread['id']}.json"
    person.presses("Delete")
    person.agrees("Delete")
    person.sees_title("Threads")
    assert person.page.get_by_text(thread["id"]).count() == 0


def test_a_store_is_filled_and_searched(person: Person) -> None:
    person.open("stores").sees_title("Vector stores")
    person.fills("Name of a new vector store", "Manuals")
    person.presses("New vector store")
    person.sees_title("Manuals")
    content = b"The pump must be oiled every 200 hours."
    person.page.get_by_label("Upload").set_input_files(
        {"name": "pump.txt", "mimeType": "text/plain", "buffer": content}
    )
    person.sees("1 read, 0 at work")
    person.fills("Question", "How often is the pump oiled?")
    person.presses("Search")
    person.sees("1 passages")
    person.sees("every 200 hours")
    person.page.get_by_text("pump.txt").last.click()
    person.sees("1 chunks")


def test_a_schema_that_is_none_is_told_before_it_is_sent(person: Person) -> None:
    person.open("assistants/new")
    field = person.page.get_by_label("Tools, as JSON")
    for text, problem in (
        ("[", "JSON"),
        ('[{"type": "search"}]', "Tool 1: type is one of"),
        ('[{"type": "function", "function": {"name": "a b"}}]', "function.name"),
        (
            '[{"type": "function", "function": {"name": "a", "parameters": {"type": "text"}}}]',
            "parameters.type is no type",
        ),
    ):
        field.fill(text)
        person.sees(problem)
        expect(person.page.get_by_role("button", name="Create")).to_be_disabled()


def test_keys_move_and_links_lead_back(person: Person) -> None:
    assistant = person.site.assistant()
    for n in range(3):
        person.site.run(assistant, f"say: {n}")
    person.open("runs")
    rows = person.page.locator("[data-row]")
    expect(rows.nth(2)).to_be_visible()
    person.page.keyboard.press("j")
    person.page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    person.page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    person.page.keyboard.press("Enter")
    expect(person.page).to_have_url(re.compile("#/runs/run_"))
    person.sees("What happened")
    person.page.go_back()
    person.sees_title("Runs")
    person.page.go_forward()
    person.sees("What happened")
    person.page.keyboard.press("Escape")
    person.sees_title("Runs")
    person.page.keyboard.press("/")
    expect(person.page.get_by_label("Status", exact=True)).to_be_focused()


def test_texts_of_users_and_models_stay_texts(person: Person) -> None:
    assistant = person.site.assistant(name=EVIL, instructions=EVIL, tools=[WEATHER])
    run = person.site.run(assistant, EVIL, tool_choice="none", metadata={"a": EVIL})
    person.site.run(assistant, f"say: {EVIL}\nfail: server_error")
    store = person.site.call(
        "POST", "/vector_stores", {"name": EVIL, "metadata": {EVIL[:60]: EVIL}}
    )
    thread = f"threads/{run['thread_id']}"
    for screen in (
        *("overview", "runs", f"runs/{run['id']}", "threads", thread),
        *("assistants", f"assistants/{assistant}", f"playground?thread={run['thread_id']}"),
        *("files", "stores", f"stores/{store['id']}", f"runs/{EVIL}", "health", EVIL),
    ):
        person.open(screen)
        expect(person.page.get_by_text("Loading…")).to_have_count(0)
        assert (
            person.page.locator("img[onerror], script:not([src]), a[href^=javascript]").count() == 0
        )
    person.open(thread)
    expect(person.page.get_by_role("article")).to_have_count(2)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_screen_has_a_barrier(chromium: Browser, site: Site, width: int, theme: str) -> None:
    assistant = site.assistant(tools=[WEATHER])
    done = site.run(assistant, "# Title\n\nA [link](https://example.com).", tool_choice="none")
    waiting = site.run(assistant, "call: get_weather")
    failed = site.run(assistant, "fail: server_error")
    store = site.call("POST", "/vector_stores", {"name": "Manuals"})
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
    )
    person = Person(context.new_page(), site)
    for screen in (
        *(
            "overview",
            "runs",
            f"runs/{done['id']}",
            f"runs/{waiting['id']}",
            f"runs/{failed['id']}",
        ),
        *("threads", f"threads/{done['thread_id']}", "assistants", f"assistants/{assistant}"),
        *(f"playground?thread={done['thread_id']}", "files", "stores", f"stores/{store['id']}"),
        *("webhooks", "health", "assistants/new", "nowhere"),
    ):
        person.open(screen)
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        expect(person.page.get_by_text("Loading…")).to_have_count(0)
        person.finds_no_barrier()
    assert person.troubles == []
    context.close()
