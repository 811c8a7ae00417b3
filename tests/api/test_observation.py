"""What a server tells about itself: metrics, lines of the log, whether it is ready.

The scenario has all that metrics and logs tell of. What is secret in it, and each text, has a mark.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from structlog.typing import EventDict

from perdure.app import Perdure
from perdure.metrics import CATALOG
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN, Admin
from tests.patience import until
from tests.webhooks.receiver import SECRET, Receiver, receiving

MARK = "c1n1ry"
ID = re.compile(
    r"\b(asst|thread|msg|run|step|vs|vsfb|file|upload|call|evt|key|svc|proj|req|server)_[A-Za-z0-9]{16}"
)
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
# of the default project, whose events the webhook gets
PROGRAM = f"sk-program-{MARK}"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def lent(parser: Parser) -> Parser:
    return parser


@pytest.fixture
def chosen(receiver: Receiver) -> dict[str, object]:
    return {
        "access_log": True,
        "api_keys": [PROGRAM],
        "admin_key": ADMIN,
        "code_sandbox": "scripted",
        "code_spare_sessions": 0,
        "model_aliases": {"gpt-4o": "scripted"},
        "webhooks": [
            {"name": "app", "url": f"{receiver.url}/{MARK}", "secret": SECRET, "events":
             ["thread.run.completed", "thread.run.failed"]}
        ],
        "webhook_private_targets": True,
    }  # fmt: skip


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


class Scenario:
    """A program with a key of its own project."""

    def __init__(self, http: httpx2.AsyncClient, key: str) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {key}"}

    async def post(self, path: str, body: object = None, **more: Any) -> Any:
        answer = await self._http.post(path, json=body, headers=self._headers, **more)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.headers["content-type"] == "application/json" else answer

    async def run(self, said: str, **fields: object) -> Any:
        """A run that is streamed to its next rest."""
        assistant = await self.post("/assistants", {"model": "gpt-4o", **fields})
        thread = await self.post(
            "/threads", {"messages": [{"role": "user", "content": f"{said}\nsay: {MARK}"}]}
        )
        body = {"assistant_id": assistant["id"], "stream": True, "metadata": {"mark": MARK}}
        await self.post(f"/threads/{thread['id']}/runs", body)
        path = f"/threads/{thread['id']}/runs"
        return (await self.get(path))["data"][0]

    async def get(self, path: str) -> Any:
        return (await self._http.get(path, headers=self._headers)).json()

    async def store(self) -> str:
        """A vector store with a file that can be read and one that cannot."""
        store = await self.post("/vector_stores", {"name": MARK})
        for name, content in (("a.txt", f"The answer is {MARK}"), ("a.pdf", f"no PDF {MARK}")):
            file = await self._http.post(
                "/files",
                files={"file": (f"{MARK}-{name}", content)},
                data={"purpose": "assistants"},
                headers=self._headers,
            )
            path = f"/vector_stores/{store['id']}/files"
            await self.post(path, {"file_id": file.json()["id"]})
        return str(store["id"])

    async def play(self) -> None:
        await self.run("say: hello")
        await self.run("fail: server_error")
        await self.run(f"python: print {MARK}", tools=[{"type": "code_interpreter"}])
        store = await self.store()
        files = {"file_search": {"vector_store_ids": [store]}}
        search = f'call: file_search {{"queries": ["{MARK}"]}}'
        await self.run(search, tools=[{"type": "file_search"}], tool_resources=files)
        for ends in ("submit_tool_outputs", "cancel"):
            run = await self.run("call: get_weather {}", tools=[WEATHER])
            calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
            outputs = [{"tool_call_id": call["id"], "output": MARK} for call in calls]
            body = {"tool_outputs": outputs, "stream": True} if ends != "cancel" else None
            await self.post(f"/threads/{run['thread_id']}/runs/{run['id']}/{ends}", body)


@pytest.fixture
async def played(
    app: Perdure,
    http: httpx2.AsyncClient,
    receiver: Receiver,
    lines: list[EventDict],
    clock: ManualClock,
) -> str:
    """What is scraped after the scenario; the log is in `lines`."""
    admin = Admin(http)
    key = await admin.key(await admin.project(f"of {MARK}"))
    await Scenario(http, key.secret).run("say: hello")
    await Scenario(http, PROGRAM).play()
    await http.get(f"/threads/thread_{MARK}?after={MARK}", headers={"authorization": key.secret})
    await http.get(f"/{MARK}", headers={"authorization": f"Bearer {MARK}-{key.secret}"})
    await until(lambda: sum(line["event"] == "file_read" for line in lines) == 2)
    clock.advance(30)
    await app.engine.webhooks.step()
    await app.engine.webhooks.settle()
    text = await scrape(http)
    assert key.secret not in text
    assert key.secret not in repr(lines)
    return text


async def scrape(http: httpx2.AsyncClient) -> str:
    answer = await http.get(
        "http://127.0.0.1/metrics", headers={"authorization": f"Bearer {ADMIN}"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """The values by name and by the values of the labels, in their order."""
    labels = {each.name.removesuffix("_total"): each.labels for each in CATALOG}
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = tuple(sample.labels[name] for name in labels[family.name])
            found.setdefault(sample.name, {})[key] = sample.value
    return found


async def test_neither_metrics_nor_logs_have_texts_or_secrets(
    played: str, lines: list[EventDict]
) -> None:
    told = repr(lines)
    for text in (played, told):
        assert MARK not in text
        assert ADMIN not in text
        assert SECRET not in text
    assert ID.findall(played) == []
    logged = {line["event"] for line in lines}
    assert {"run_ended", "file_read", "model_call_failed", "request_answered"} <= logged
    assert "webhook_delivered" in logged


async def test_metrics_count_what_was_done(played: str) -> None:
    found = samples(played)
    runs = found["perdure_runs_total"]
    assert runs["failed", "server_error"] == 1
    assert runs["cancelled", "none"] == 1
    assert runs["completed", "none"] == 5
    assert found["perdure_model_calls_total"]["scripted", "scripted", "failed"] == 1
    assert {labels[:2] for labels in found["perdure_tokens_total"]} == {("scripted", "scripted")}
    assert {"python", "file_search", "function"} == {
        labels[0] for labels in found["perdure_tool_seconds_count"]
    }
    assert found["perdure_files_read_total"]["completed", "none"] == 1
    assert sum(found["perdure_files_read_total"].values()) == 2
    assert found["perdure_webhook_attempts_total"]["app", "delivered"] >= 4
    assert found["perdure_code_sessions"][()] == 1
    assert found["perdure_streams_open"][()] == 0
    assert found["perdure_database_up"][()] == 1
    requests = found["perdure_http_requests_total"]
    assert requests["POST", "/threads/{thread_id}/runs/{run_id}/cancel", "200"] == 1
    assert requests["GET", "other", "401"] == 2
    assert found["perdure_write_commands_total"][()] > 0
    ((_, operation),) = {labels for labels in found["perdure_contents_bytes_total"]
                         if labels[1] == "written"}  # fmt: skip
    assert operation == "written"


async def test_each_metric_is_scraped_with_the_labels_that_it_says(played: str) -> None:
    families = {each.name: each for each in text_string_to_metric_families(played)}
    names = {metric.name.removesuffix("_total"): metric for metric in CATALOG}
    assert families.keys() == names.keys()
    for name, metric in names.items():
        assert (families[name].type, families[name].documentation) == (metric.kind, metric.meaning)
        for sample in families[name].samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels)


async def test_a_model_that_nobody_lists_is_other(http: httpx2.AsyncClient) -> None:
    admin = Admin(http)
    key = await admin.key(await admin.project("p"))
    scenario = Scenario(http, key.secret)
    for number in range(3):
        await scenario.run("say: hello", model=f"made-up-{number}")
    calls = samples(await scrape(http))["perdure_model_calls_total"]
    assert calls == {("scripted", "other", "answered"): 3}


async def test_metrics_are_for_admins(http: httpx2.AsyncClient) -> None:
    admin = Admin(http)
    key = await admin.key(await admin.project("p"))
    url = "http://127.0.0.1/metrics"
    for secret, status in ((ADMIN, 200), (key.secret, 403), ("sk-wrong", 401)):
        answer = await http.get(url, headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == status


async def test_a_line_of_the_access_log_has_route_and_ids_and_no_query(
    http: httpx2.AsyncClient, lines: list[EventDict]
) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await http.get(f"/threads/thread_abc/messages?after={MARK}", headers=headers)
    (line,) = [line for line in lines if line["event"] == "request_answered"]
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "request_answered",
        "log_level": "info",
        "method": "GET",
        "route": "/threads/{thread_id}/messages",
        "status": answer.status_code,
        "request_id": answer.headers["x-request-id"],
        "thread_id": "thread_abc",
    }
