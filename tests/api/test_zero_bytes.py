"""A zero byte in any text that clients may store: it is kept, answered and verified like others.

JSON has it as `\\u0000`, which PostgreSQL's own JSON functions refuse.
"""

import asyncio
from typing import Any

import httpx2
import pytest

from perdure import invariants
from perdure.app import Perdure
from perdure.parsing.parser import Parser
from tests.api.test_vector_stores import read_all
from tests.patience import PATIENCE_SECONDS, pause

ZERO = "a\0b"
METADATA = {ZERO: ZERO}
FUNCTION = {
    "type": "function",
    "function": {"name": "f", "description": ZERO, "parameters": {ZERO: ZERO, "type": "object"}},
}
# What the scripted model obeys stands on a line of its own.
MESSAGE = {
    "role": "user",
    "content": f"call: f {ZERO}\nthen: say: {ZERO}\n{ZERO}",
    "metadata": METADATA,
}


@pytest.fixture
def lent(parser: Parser) -> Parser:
    """The servers of these tests share a parser."""
    return parser


async def post(http: httpx2.AsyncClient, path: str, body: object) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def run_until(http: httpx2.AsyncClient, path: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (run := (await http.get(path)).json())["status"] != status:
            assert run["status"] in ("queued", "in_progress"), run
            await pause()
    found: dict[str, Any] = run
    return found


async def fill(app: Perdure, http: httpx2.AsyncClient) -> None:
    """Stores a zero byte in whatever a client can."""
    content = f"Bees{ZERO}".encode()
    form = {"file": (f"{ZERO}.txt", content)}
    file = (await http.post("/files", files=form, data={"purpose": "assistants"})).json()["id"]
    upload = {"filename": f"{ZERO}.txt", "bytes": 3, "mime_type": ZERO, "purpose": "vision"}
    await http.post("/uploads", json=upload)
    store = await post(http, "/vector_stores", {"name": ZERO, "metadata": METADATA})
    attached = {"file_id": file, "attributes": METADATA}
    await post(http, f"/vector_stores/{store['id']}/files", attached)
    await read_all(app)
    await post(http, f"/vector_stores/{store['id']}/search", {"query": f"bees {ZERO}"})
    resources = {
        "code_interpreter": {"file_ids": [file]},
        "file_search": {"vector_store_ids": [store["id"]]},
    }
    assistant = await post(
        http,
        "/assistants",
        {
            "model": "scripted",
            **dict.fromkeys(("name", "description", "instructions"), ZERO),
            "tools": [FUNCTION, {"type": "code_interpreter"}],
            "tool_resources": resources,
            "metadata": METADATA,
        },
    )
    thread = await post(
        http,
        "/threads",
        {"metadata": METADATA, "messages": [MESSAGE], "tool_resources": resources},
    )
    runs = f"/threads/{thread['id']}/runs"
    run = await post(
        http,
        runs,
        {
            "assistant_id": assistant["id"],
            "instructions": ZERO,
            "additional_instructions": ZERO,
            "additional_messages": [MESSAGE],
            "metadata": METADATA,
            "tools": [FUNCTION],
        },
    )
    asked = await run_until(http, f"{runs}/{run['id']}", "requires_action")
    (call,) = asked["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": ZERO}]
    await post(http, f"{runs}/{run['id']}/submit_tool_outputs", {"tool_outputs": outputs})
    await run_until(http, f"{runs}/{run['id']}", "completed")
    (answer, *_) = (await http.get(f"/threads/{thread['id']}/messages")).json()["data"]
    assert ZERO in answer["content"][0]["text"]["value"]
    await post(http, f"/threads/{thread['id']}/messages/{answer['id']}", {"metadata": METADATA})


async def test_what_clients_store_with_zero_bytes_is_verified(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    await fill(app, http)
    assert await app.database.read(lambda tx: list(invariants.check(tx))) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/assistants", {"model": ZERO}),
        ("/threads", {"tool_resources": {"file_search": {"vector_store_ids": [ZERO]}}}),
        ("/threads", {"tool_resources": {"code_interpreter": {"file_ids": [ZERO]}}}),
        ("/vector_stores", {"file_ids": [ZERO]}),
        ("/threads/runs", {"assistant_id": ZERO}),
        ("/uploads", {"filename": ZERO, "bytes": 1, "mime_type": "text/plain", "purpose": ZERO}),
        ("/chat/completions", {"model": ZERO, "messages": [{"role": "user", "content": ZERO}]}),
        ("/embeddings", {"model": ZERO, "input": ZERO}),
    ],
)
async def test_names_with_zero_bytes_are_taken_or_refused(
    http: httpx2.AsyncClient, path: str, body: object
) -> None:
    answer = await http.post(path, json=body)
    assert answer.status_code in (200, 400, 404), answer.text
