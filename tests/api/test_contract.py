"""Every operation of the API's description is routed, and answers as the description says."""

import re
from typing import Any

import httpx2
import pytest

from perdure.api.routes import ROUTES
from perdure.lifecycle import STREAM_EVENTS
from tests.api.sse import Told, events
from tests.contract.schema import FACTS, problems

OPERATIONS = [
    (operation["method"].upper(), operation["path"], operation["reply"])
    for operation in FACTS["operations"]
]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}

EVENT_SCHEMAS = {
    "thread.created": "ThreadObject",
    "thread.message.delta": "MessageDeltaObject",
    "thread.run.step.delta": "RunStepDeltaObject",
}


def schema_of(name: str) -> str:
    if name in EVENT_SCHEMAS:
        return EVENT_SCHEMAS[name]
    if name.startswith("thread.run.step."):
        return "RunStepObject"
    return "RunObject" if name.startswith("thread.run.") else "MessageObject"


def check(schema: str, value: object) -> None:
    assert problems(schema, value) == []


async def create(http: httpx2.AsyncClient, path: str, body: object, schema: str) -> Any:
    response = await http.post(path, json=body)
    assert response.status_code == 200, response.text
    check(schema, response.json())
    return response.json()


async def stream(http: httpx2.AsyncClient, path: str, body: object) -> list[Told]:
    response = await http.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    told = events(response.text)
    assert told[-1] == ("done", "[DONE]", "")
    for event in told[:-1]:
        assert event.name in STREAM_EVENTS
        check(schema_of(event.name), event.data)
    return told


def short(told: list[Told]) -> list[str]:
    """The names, with runs of deltas as one."""
    names = [event.name.removeprefix("thread.") for event in told]
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


@pytest.mark.parametrize(("method", "path", "reply"), OPERATIONS)
def test_every_operation_is_routed(method: str, path: str, reply: str) -> None:
    example = re.sub(r"\{.*?\}", "x", path)
    patterns = [
        (route_method, re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", route)))
        for route_method, route, _ in ROUTES
    ]
    assert any(method == m and re.fullmatch(p, example) for m, p in patterns), reply


async def test_objects_and_lists_are_as_the_schema_says(http: httpx2.AsyncClient) -> None:
    """Every reply of every operation that works, in the order in which a program meets them."""
    assistant = await create(
        http,
        "/assistants",
        {"model": "scripted", "name": "n", "tools": [WEATHER], "metadata": {"a": "b"},
         "response_format": {"type": "json_object"}, "temperature": 0.5},
        "AssistantObject",
    )  # fmt: skip
    one = f"/assistants/{assistant['id']}"
    check("AssistantObject", (await http.get(one)).json())
    await create(http, one, {"name": None, "tools": []}, "AssistantObject")
    check("ListAssistantsResponse", (await http.get("/assistants")).json())

    thread = await create(http, "/threads", {"metadata": {"k": "v"}}, "ThreadObject")
    base = f"/threads/{thread['id']}"
    check("ThreadObject", (await http.get(base)).json())
    await create(http, base, {"metadata": {}}, "ThreadObject")
    check("ListMessagesResponse", (await http.get(f"{base}/messages")).json())
    content = [
        {"type": "text", "text": "call: get_weather"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    message = await create(
        http, f"{base}/messages", {"role": "user", "content": content}, "MessageObject"
    )
    assert message["content"][1]["image_url"]["detail"] == "auto"
    message_path = f"{base}/messages/{message['id']}"
    await create(http, message_path, {"metadata": {"x": "y"}}, "MessageObject")
    check("MessageObject", (await http.get(message_path)).json())

    body = {"assistant_id": assistant["id"], "tools": [WEATHER]}
    told = await stream(http, f"{base}/runs", {**body, "stream": True})
    run = told[-2].data
    run_path = f"{base}/runs/{run['id']}"
    polled = await http.get(run_path)
    check("RunObject", polled.json())
    assert polled.json() == run
    assert polled.headers["openai-poll-after-ms"] == "250"
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "21"} for call in calls]}
    told = await stream(http, f"{run_path}/submit_tool_outputs", {**outputs, "stream": True})
    assert (await http.get(run_path)).json() == told[-2].data
    assert "openai-poll-after-ms" not in (await http.get(run_path)).headers
    check("ListRunsResponse", (await http.get(f"{base}/runs")).json())
    await create(http, run_path, {"metadata": {"done": "yes"}}, "RunObject")
    steps = (await http.get(f"{run_path}/steps")).json()
    check("ListRunStepsResponse", steps)
    assert [step["type"] for step in steps["data"]] == ["message_creation", "tool_calls"]
    for step in steps["data"]:
        check("RunStepObject", (await http.get(f"{run_path}/steps/{step['id']}")).json())
    by_run = (await http.get(f"{base}/messages", params={"run_id": run["id"]})).json()
    check("ListMessagesResponse", by_run)
    assert [each["run_id"] for each in by_run["data"]] == [run["id"]]

    for path, schema in (
        (message_path, "DeleteMessageResponse"),
        (base, "DeleteThreadResponse"),
        (one, "DeleteAssistantResponse"),
    ):
        deleted = await http.delete(path)
        check(schema, deleted.json())
        assert (await http.get(path)).status_code == 404
    models = (await http.get("/models")).json()
    check("ListModelsResponse", models)
    check("Model", (await http.get(f"/models/{models['data'][0]['id']}")).json())


async def test_files_and_uploads_answer_per_schema(http: httpx2.AsyncClient) -> None:
    form = {"files": {"file": ("a.txt", b"abc")}, "data": {"purpose": "assistants"}}
    made = await http.post("/files", **form)  # type: ignore[arg-type]
    check("OpenAIFile", made.json())
    path = f"/files/{made.json()['id']}"
    check("OpenAIFile", (await http.get(path)).json())
    check("ListFilesResponse", (await http.get("/files")).json())
    check("DeleteFileResponse", (await http.delete(path)).json())
    check("ListFilesResponse", (await http.get("/files")).json())
    body = {"filename": "b", "purpose": "batch", "bytes": 3, "mime_type": "text/plain"}
    upload = await create(http, "/uploads", body, "Upload")
    path = f"/uploads/{upload['id']}"
    part = (await http.post(f"{path}/parts", files={"data": ("upload", b"def")})).json()
    check("UploadPart", part)
    await create(http, f"{path}/complete", {"part_ids": [part["id"]]}, "Upload")
    other = await create(http, "/uploads", body, "Upload")
    await create(http, f"/uploads/{other['id']}/cancel", {}, "Upload")


TEXT = ["run.step.created", "run.step.in_progress", "message.created", "message.in_progress",
        "message.delta", "message.completed", "run.step.completed"]  # fmt: skip
CALLS = ["run.step.created", "run.step.in_progress", "run.step.delta", "run.requires_action"]
BEGUN = ["run.created", "run.queued", "run.in_progress"]


async def begin(http: httpx2.AsyncClient, prompt: str, **fields: object) -> list[Told]:
    """The stream of a run on a new thread."""
    assistant = (await http.post("/assistants", json={"model": "scripted"})).json()
    thread = {"messages": [{"role": "user", "content": prompt}]}
    body = {"assistant_id": assistant["id"], "thread": thread, "stream": True, **fields}
    return await stream(http, "/threads/runs", body)


async def test_a_run_that_answers_in_text_is_told_in_the_documented_order(
    http: httpx2.AsyncClient,
) -> None:
    """Spec 04 §3.1."""
    told = await begin(http, "say: one two three")
    assert short(told) == ["created", *BEGUN, *TEXT, "run.completed", "done"]
    assert told[1].data == told[2].data
    deltas = [event.data for event in told if event.name == "thread.message.delta"]
    assert [delta["delta"]["content"] for delta in deltas] == [
        [{"index": 0, "type": "text", "text": {"value": "one ", "annotations": []}}],
        [{"index": 0, "type": "text", "text": {"value": "two "}}],
        [{"index": 0, "type": "text", "text": {"value": "three"}}],
    ]
    created = next(event.data for event in told if event.name == "thread.run.step.created")
    message_id = created["step_details"]["message_creation"]["message_id"]
    assert {delta["id"] for delta in deltas} == {message_id}
    completed = next(event.data for event in told if event.name == "thread.message.completed")
    assert completed["id"] == message_id
    assert completed["content"] == [
        {"type": "text", "text": {"value": "one two three", "annotations": []}}
    ]


async def test_a_run_that_calls_functions_is_told_in_the_documented_order(
    http: httpx2.AsyncClient,
) -> None:
    """Spec 04 §3.2."""
    prompt = 'call: get_weather {"city": "Paris"}\ncall: get_weather {"city": "Rome"}'
    told = await begin(http, prompt, tools=[WEATHER])
    assert short(told) == ["created", *BEGUN, *CALLS, "done"]
    deltas = [
        event.data["delta"]["step_details"]["tool_calls"][0]
        for event in told
        if event.name == "thread.run.step.delta"
    ]
    firsts = [delta for delta in deltas if "id" in delta]
    assert [(first["index"], first["function"]) for first in firsts] == [
        (0, {"name": "get_weather", "arguments": "", "output": None}),
        (1, {"name": "get_weather", "arguments": "", "output": None}),
    ]
    run = told[-2].data
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    for index, call in enumerate(calls):
        later = [d for d in deltas if d["index"] == index and "id" not in d]
        assert "".join(d["function"]["arguments"] for d in later) == call["function"]["arguments"]
        assert all(set(d) == {"index", "type", "function"} for d in later)
    outputs = [{"tool_call_id": call["id"], "output": "21"} for call in calls]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    told = await stream(http, path, {"tool_outputs": outputs, "stream": True})
    assert short(told) == [
        "run.step.completed", "run.queued", "run.in_progress", *TEXT, "run.completed", "done",
    ]  # fmt: skip
    assert (told[1].data["required_action"], told[1].data["started_at"]) == (
        None, run["started_at"],
    )  # fmt: skip


async def test_a_failed_and_an_incomplete_run_are_told(http: httpx2.AsyncClient) -> None:
    """Spec 04 §3.6 and §3.7."""
    told = await begin(http, "say: one two\nfail: server_error after 1 token")
    assert short(told)[-4:] == ["message.incomplete", "run.step.failed", "run.failed", "done"]
    told = await begin(http, "say: one two", max_completion_tokens=1)
    assert short(told)[-4:] == [
        "message.incomplete", "run.step.completed", "run.incomplete", "done",
    ]  # fmt: skip


async def test_a_refusal_is_told_as_a_refusal_part(http: httpx2.AsyncClient) -> None:
    told = await begin(http, "refuse: No way")
    deltas = [event.data for event in told if event.name == "thread.message.delta"]
    assert deltas[0]["delta"]["content"] == [{"index": 0, "type": "refusal", "refusal": "No "}]
    completed = next(event.data for event in told if event.name == "thread.message.completed")
    assert completed["content"] == [{"type": "refusal", "refusal": "No way"}]


async def test_the_three_mounts_are_one_server(http: httpx2.AsyncClient) -> None:
    assistant = (await http.post("/assistants", json={"model": "m"})).json()
    for mount in ("/v1", "/openai", "/openai/v1"):
        found = await http.get(
            f"http://127.0.0.1{mount}/assistants/{assistant['id']}?api-version=x"
        )
        assert found.json() == assistant
