"""A run shows the settings it was made with: the request's, else its assistant's, else defaults.

Spec 03 §3; what the model is sent of them is tested in `tests/engine/test_model_requests.py`.
"""

from pathlib import Path
from typing import Any

import httpx2

from perdure import settings
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.servers import HEADERS
from tests.api.sse import events

DEFAULTS: dict[str, Any] = {
    "model": "a-model",
    "instructions": "Be brief.",
    "tools": [],
    "tool_resources": {},
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "reasoning_effort": None,
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "response_format": "auto",
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}
USER = {"role": "user", "content": "say: hello"}
TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    },
}
SHORT_TOOL = {"type": "function", "function": {"name": "f"}}
CHOICE = {"type": "function", "function": {"name": "f"}}
JSON_OBJECT = {"type": "json_object"}

# What the assistant has, what the request says, and where the run differs from the defaults.
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {}, {}),
    ({}, dict.fromkeys(set(DEFAULTS) - {"tool_resources"}), {}),
    ({}, {"model": "another"}, {"model": "another"}),
    ({}, {"instructions": "Be long."}, {"instructions": "Be long."}),
    ({}, {"additional_instructions": "Now."}, {"instructions": "Be brief.\nNow."}),
    (
        {},
        {"instructions": "Be long.", "additional_instructions": "Now."},
        {"instructions": "Be long.\nNow."},
    ),
    ({"instructions": None}, {}, {"instructions": None}),
    ({"instructions": None}, {"additional_instructions": "Now."}, {"instructions": "Now."}),
    ({"tools": [SHORT_TOOL]}, {}, {"tools": [TOOL]}),
    ({"tools": [SHORT_TOOL]}, {"tools": []}, {"tools": []}),
    ({}, {"tools": [SHORT_TOOL]}, {"tools": [TOOL]}),
    ({"metadata": {"a": "b"}}, {}, {}),
    ({"metadata": {"a": "b"}}, {"metadata": {"c": "d"}}, {"metadata": {"c": "d"}}),
    ({"temperature": 0.5}, {}, {"temperature": 0.5}),
    ({"temperature": 0.5}, {"temperature": 0}, {"temperature": 0.0}),
    ({"top_p": 0.5}, {}, {"top_p": 0.5}),
    ({"top_p": 0.5}, {"top_p": 0.25}, {"top_p": 0.25}),
    ({"reasoning_effort": "low"}, {}, {"reasoning_effort": "low"}),
    ({"reasoning_effort": "low"}, {"reasoning_effort": "max"}, {"reasoning_effort": "max"}),
    ({}, {"max_completion_tokens": 1}, {"max_completion_tokens": 1}),
    ({}, {"max_prompt_tokens": 300}, {"max_prompt_tokens": 300}),
    (
        {},
        {"truncation_strategy": {"type": "last_messages", "last_messages": 2}},
        {"truncation_strategy": {"type": "last_messages", "last_messages": 2}},
    ),
    ({"response_format": JSON_OBJECT}, {}, {"response_format": JSON_OBJECT}),
    ({"response_format": JSON_OBJECT}, {"response_format": "auto"}, {}),
    ({}, {"tool_choice": "none"}, {"tool_choice": "none"}),
    (
        {"tools": [SHORT_TOOL]},
        {"tool_choice": CHOICE},
        {"tools": [TOOL], "tool_choice": CHOICE},
    ),
    ({}, {"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
]


async def test_a_new_run_shows_its_effective_settings(http: httpx2.AsyncClient) -> None:
    """All cases meet one server: starting one for each takes longer than they do."""
    for assistant, given, shown in CASES:
        body = {"model": "a-model", "instructions": "Be brief.", **assistant}
        made = (await http.post("/assistants", json=body)).json()
        thread = (await http.post("/threads", json={"messages": [USER]})).json()
        path = f"/threads/{thread['id']}/runs"
        response = await http.post(path, json={"assistant_id": made["id"], **given})
        assert response.status_code == 200, response.text
        run = response.json()
        assert {key: run[key] for key in DEFAULTS} == {**DEFAULTS, **shown}, (assistant, given)
        assert (run["assistant_id"], run["thread_id"]) == (made["id"], thread["id"])


async def test_a_run_keeps_its_settings_when_its_assistant_changes(
    http: httpx2.AsyncClient,
) -> None:
    made = (await http.post("/assistants", json={"model": "a-model"})).json()
    body = {"assistant_id": made["id"], "thread": {"messages": [USER]}}
    run = (await http.post("/threads/runs", json=body)).json()
    changes = {"model": "another", "instructions": "Be long.", "temperature": 0}
    await http.post(f"/assistants/{made['id']}", json=changes)
    now = (await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}")).json()
    assert {key: now[key] for key in DEFAULTS} == {**DEFAULTS, "instructions": None}


async def test_a_run_outlives_its_assistant(http: httpx2.AsyncClient) -> None:
    made = (await http.post("/assistants", json={"model": "a-model"})).json()
    body = {"assistant_id": made["id"], "thread": {"messages": [USER]}}
    run = (await http.post("/threads/runs", json=body)).json()
    assert (await http.delete(f"/assistants/{made['id']}")).status_code == 200
    told = events((await http.get(f"/threads/{run['thread_id']}/runs/{run['id']}/stream")).text)
    assert (told[-2].name, told[-2].data["assistant_id"]) == ("thread.run.completed", made["id"])


async def test_a_run_keeps_the_name_of_its_model_where_an_alias_answers(data_dir: Path) -> None:
    app = Perdure(
        settings.only(data_dir=data_dir, model_aliases={"old-*": "scripted"}), clock=ManualClock()
    )
    await app.open()
    transport = httpx2.ASGITransport(app.asgi)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1/v1", headers=HEADERS
    ) as http:
        made = (await http.post("/assistants", json={"model": "old-model"})).json()
        body = {"assistant_id": made["id"], "thread": {"messages": [USER]}, "stream": True}
        told = events((await http.post("/threads/runs", json=body)).text)
    await app.close()
    assert (told[-2].data["status"], told[-2].data["model"]) == ("completed", "old-model")


async def test_additional_messages_are_on_the_thread_before_the_answer(
    http: httpx2.AsyncClient,
) -> None:
    """With their own metadata, and as messages of no run."""
    made = (await http.post("/assistants", json={"model": "a-model"})).json()
    thread = (await http.post("/threads", json={"messages": [USER]})).json()
    more = [{"role": "assistant", "content": "One"}, {**USER, "metadata": {"a": "b"}}]
    body = {"assistant_id": made["id"], "additional_messages": more, "stream": True}
    await http.post(f"/threads/{thread['id']}/runs", json=body)
    listed = (await http.get(f"/threads/{thread['id']}/messages?order=asc")).json()["data"]
    said = [
        (message["role"], message["content"][0]["text"]["value"], message["metadata"])
        for message in listed
    ]
    assert said == [
        ("user", "say: hello", {}),
        ("assistant", "One", {}),
        ("user", "say: hello", {"a": "b"}),
        ("assistant", "hello", {}),
    ]
    assert [message["run_id"] is None for message in listed] == [True, True, True, False]


async def test_tool_resources_of_a_run_stand_for_those_of_its_assistant(
    http: httpx2.AsyncClient,
) -> None:
    """All of them: what the run does not name it does not have (spec 02 §7)."""
    uploaded = await http.post(
        "/files", files={"file": ("a.csv", b"1,2")}, data={"purpose": "assistants"}
    )
    file_id = uploaded.json()["id"]
    own, other = [(await http.post("/vector_stores", json={})).json()["id"] for _ in range(2)]
    search = {"file_search": {"vector_store_ids": [own]}}
    assistant = {"model": "a-model", "instructions": "Be brief.", "tool_resources": search}
    made = (await http.post("/assistants", json=assistant)).json()
    for asked in (
        {"code_interpreter": {"file_ids": [file_id]}},
        {"file_search": {"vector_store_ids": [other]}},
    ):
        body = {"assistant_id": made["id"], "tool_resources": asked}
        run = (await http.post("/threads/runs", json=body)).json()
        assert run["tool_resources"] == asked
    assert (await http.get(f"/assistants/{made['id']}")).json()["tool_resources"] == search


async def test_a_run_may_begin_with_an_empty_thread_and_empty_resources(
    http: httpx2.AsyncClient,
) -> None:
    assistant = {"model": "a-model", "instructions": "Be brief."}
    made = (await http.post("/assistants", json=assistant)).json()
    bodies: list[dict[str, Any]] = [
        {},
        {"thread": None, "tool_resources": None},
        {"thread": {}, "tool_resources": {"code_interpreter": {"file_ids": []}}},
        {"thread": {"tool_resources": {"file_search": {"vector_store_ids": []}}}},
    ]
    for more in bodies:
        response = await http.post("/threads/runs", json={"assistant_id": made["id"], **more})
        assert response.status_code == 200, response.text
        path = f"/threads/{response.json()['thread_id']}/messages"
        messages = (await http.get(path)).json()["data"]
        assert {message["role"] for message in messages} <= {"assistant"}
        resources = (more.get("tool_resources") or {}) if more else {}
        assert response.json()["tool_resources"] == resources
