"""Files and vector stores that a body names and that do not exist (spec 05 §3.2, §3.3, §3.5)."""

import json
from typing import Any

import httpx2
import pytest

FILE, STORE = "file-no", "vs_no"
_MODEL = {"model": "m"}
_MESSAGE = {"role": "user", "content": "Look"}
_ATTACHING = {**_MESSAGE, "attachments": [{"file_id": FILE, "tools": [{"type": "file_search"}]}]}
_HELPER = {"file_search": {"vector_stores": [{"file_ids": [FILE]}]}}
_LISTED = {"code_interpreter": {"file_ids": [FILE]}}
_SHOWING = {
    "role": "user",
    "content": [{"type": "image_file", "image_file": {"file_id": FILE}}],
}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/vector_stores", {"file_ids": [FILE]}, "file_ids"),
        ("/vector_stores/{store}/files", {"file_id": FILE}, "file_id"),
        ("/vector_stores/{store}/file_batches", {"file_ids": [FILE]}, "file_ids"),
        (
            "/vector_stores/{store}/file_batches",
            {"files": [{"file_id": FILE}]},
            "files[0].file_id",
        ),
        (
            "/assistants",
            {"model": "m", "tool_resources": _HELPER},
            "tool_resources.file_search.vector_stores[0].file_ids",
        ),
        (
            "/threads",
            {"tool_resources": _LISTED},
            "tool_resources.code_interpreter.file_ids",
        ),
        ("/threads", {"tool_resources": {"file_search": {"vector_store_ids": [STORE]}}}, None),
        (
            "/threads",
            {"messages": [_MESSAGE, _ATTACHING]},
            "messages[1].attachments[0].file_id",
        ),
        ("/threads", {"messages": [_SHOWING]}, "messages[0].content[0].image_file.file_id"),
        ("/threads/{thread}/messages", _ATTACHING, "attachments[0].file_id"),
        (
            "/threads/{thread}/runs",
            {"assistant_id": "{assistant}", "additional_messages": [_ATTACHING]},
            "additional_messages[0].attachments[0].file_id",
        ),
        (
            "/threads/runs",
            {"assistant_id": "{assistant}", "thread": {"messages": [_ATTACHING]}},
            "thread.messages[0].attachments[0].file_id",
        ),
        (
            "/threads/runs",
            {"assistant_id": "{assistant}", "thread": {"tool_resources": _HELPER}},
            "thread.tool_resources.file_search.vector_stores[0].file_ids",
        ),
    ],
)
async def test_what_is_named_and_does_not_exist_is_refused_whatever_its_id(
    http: httpx2.AsyncClient, path: str, body: dict[str, Any], param: str | None
) -> None:
    """An id with a zero byte is one that PostgreSQL cannot be asked for."""
    store, thread, assistant = [
        (await http.post(where, json=given)).json()["id"]
        for where, given in (("/vector_stores", {}), ("/threads", {}), ("/assistants", _MODEL))
    ]
    path = path.format(store=store, thread=thread)
    text = json.dumps(body)
    unknown = await http.post(path, content=text.replace("{assistant}", assistant))
    # one file put into a store is not found, as in spec 05 §3.5; a store has no param
    assert unknown.status_code == (404 if param in (None, "file_id") else 400)
    assert unknown.json()["error"]["param"] == param
    text = text.replace("-no", r"-\u0000").replace("_no", r"_\u0000")
    impossible = await http.post(path, content=text.replace("{assistant}", assistant))
    assert impossible.status_code == unknown.status_code, impossible.text
    assert impossible.json()["error"]["param"] == param
