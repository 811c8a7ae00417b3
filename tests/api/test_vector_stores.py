"""Vector stores over HTTP: every operation, on both databases (spec 01 §8-11, 02 §9)."""

import asyncio
from typing import Any

import httpx2
import pytest

from perdure.app import Perdure
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.contract.schema import problems
from tests.patience import PATIENCE_SECONDS

BEES = b"A colony of bees keeps its brood nest at thirty-five degrees."
RENT = b"The rent is due on the third working day of each month."
# Beyond half a chunk.
OVERLAP = {
    "type": "static",
    "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51},
}
# What the live service answered and its description does not have (spec 01 §8 and §10).
_LIVE = (
    ".expires_after: None is not of type 'object'",
    ".name: None is not of type 'string'",
    ".object: 'vector_store.file_batch' is not one of ['vector_store.files_batch']",
)


@pytest.fixture
def lent(parser: Parser) -> Parser:
    """The servers of these tests share a parser."""
    return parser


async def ok(response: httpx2.Response, reply: str) -> dict[str, Any]:
    """The reply of this schema."""
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert [each for each in problems(reply, answer) if not each.endswith(_LIVE)] == []
    return answer


async def upload(http: httpx2.AsyncClient, name: str, content: bytes) -> str:
    response = await http.post(
        "/files", files={"file": (name, content)}, data={"purpose": "assistants"}
    )
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def read_all(app: Perdure) -> None:
    """Lets the server read the files that wait."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await app.engine.ingest.take()
        await app.engine.ingest.settle()


async def filled(app: Perdure, http: httpx2.AsyncClient) -> tuple[str, str, str]:
    """The ids of a store with two files, and of the files."""
    bees, rent = await upload(http, "bees.txt", BEES), await upload(http, "rent.md", RENT)
    made = await http.post("/vector_stores", json={"name": "Papers", "file_ids": [bees, rent]})
    store = await ok(made, "VectorStoreObject")
    await read_all(app)
    return store["id"], bees, rent


async def test_a_store_goes_from_its_files_to_its_end(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    file_id = await upload(http, "bees.txt", BEES)
    made = await ok(
        await http.post("/vector_stores", json={"file_ids": [file_id], "metadata": {"k": "v"}}),
        "VectorStoreObject",
    )
    now = int(clock.now())
    assert made == {
        "id": made["id"],
        "object": "vector_store",
        "created_at": now,
        "name": None,
        "description": None,
        "usage_bytes": 0,
        "file_counts": {
            "in_progress": 1, "completed": 0, "failed": 0, "cancelled": 0, "total": 1,
        },
        "status": "in_progress",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": now,
        "metadata": {"k": "v"},
    }  # fmt: skip
    await read_all(app)
    read = await ok(await http.get(f"/vector_stores/{made['id']}"), "VectorStoreObject")
    assert (read["status"], read["file_counts"]["completed"]) == ("completed", 1)
    assert read["usage_bytes"] > 0
    policy = {"anchor": "last_active_at", "days": 2}
    changed = await ok(
        await http.post(
            f"/vector_stores/{made['id']}", json={"name": "New", "expires_after": policy}
        ),
        "VectorStoreObject",
    )
    assert (changed["name"], changed["expires_at"]) == ("New", now + 2 * 86_400)
    assert changed["metadata"] == {"k": "v"}
    gone = await http.delete(f"/vector_stores/{made['id']}")
    assert await ok(gone, "DeleteVectorStoreResponse") == {
        "id": made["id"], "object": "vector_store.deleted", "deleted": True,
    }  # fmt: skip
    assert (await http.get(f"/vector_stores/{made['id']}")).status_code == 404
    assert (await http.get(f"/files/{file_id}")).status_code == 200


async def test_stores_are_listed_newest_first_with_their_counts(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    store_id, *_ = await filled(app, http)
    empty = (await http.post("/vector_stores", json={})).json()
    page = await ok(await http.get("/vector_stores"), "ListVectorStoresResponse")
    assert [store["id"] for store in page["data"]] == [empty["id"], store_id]
    assert [store["file_counts"]["total"] for store in page["data"]] == [0, 2]
    after = (await http.get(f"/vector_stores?order=asc&after={store_id}")).json()
    assert [store["id"] for store in after["data"]] == [empty["id"]]


async def test_files_of_a_store_can_be_listed_and_changed_and_shown_and_taken_out(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    store_id, bees, rent = await filled(app, http)
    path = f"/vector_stores/{store_id}/files"
    page = await ok(await http.get(f"{path}?order=asc"), "ListVectorStoreFilesResponse")
    assert [file["id"] for file in page["data"]] == [bees, rent]
    assert (await http.get(f"{path}?filter=failed")).json()["data"] == []
    assert len((await http.get(f"{path}?filter=completed")).json()["data"]) == 2
    refused = await http.get(f"{path}?filter=done")
    assert refused.json()["error"]["code"] == "invalid_value"
    changed = await http.post(f"{path}/{bees}", json={"attributes": {"year": 2026, "ok": True}})
    assert (await ok(changed, "VectorStoreFileObject"))["attributes"] == {"year": 2026, "ok": True}
    content = await http.get(f"{path}/{bees}/content")
    assert (await ok(content, "VectorStoreFileContentResponse"))["data"] == [
        {"type": "text", "text": BEES.decode()}
    ]
    gone = await http.delete(f"{path}/{bees}")
    assert (await ok(gone, "DeleteVectorStoreFileResponse"))["deleted"] is True
    missing = await http.get(f"{path}/{bees}")
    assert missing.status_code == 404
    assert missing.json()["error"]["message"] == (
        f"No file found with id '{bees}' in vector store '{store_id}'."
    )
    # a program that deletes while it iterates keeps its place
    rest = (await http.get(f"{path}?order=asc&after={bees}")).json()
    assert [file["id"] for file in rest["data"]] == [rent]


async def test_the_content_of_a_file_of_many_chunks_comes_in_one_page(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    words = " ".join(f"word{number}" for number in range(6000))
    file_id = await upload(http, "words.txt", words.encode())
    store_id = (await http.post("/vector_stores", json={})).json()["id"]
    sizes = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 10}
    strategy = {"type": "static", "static": sizes}
    path = f"/vector_stores/{store_id}/files"
    await http.post(path, json={"file_id": file_id, "chunking_strategy": strategy})
    await read_all(app)
    page = await ok(await http.get(f"{path}/{file_id}/content"), "VectorStoreFileContentResponse")
    texts = [part["text"] for part in page["data"]]
    assert len(texts) > 100
    assert "".join(texts).replace(" ", "") == words.replace(" ", "")
    assert (page["has_more"], page["next_page"]) == (False, None)


async def test_a_search_filters_and_ranks_what_it_finds(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    store_id, bees, rent = await filled(app, http)
    path = f"/vector_stores/{store_id}"
    await http.post(f"{path}/files/{bees}", json={"attributes": {"kind": "nature"}})
    page = await ok(
        await http.post(f"{path}/search", json={"query": "When is the rent due?"}),
        "VectorStoreSearchResultsPage",
    )
    assert page["search_query"] == ["When is the rent due?"]
    assert page["data"][0]["file_id"] == rent
    assert page["data"][0]["filename"] == "rent.md"
    assert page["data"][0]["content"] == [{"type": "text", "text": RENT.decode()}]
    assert 0 < page["data"][0]["score"] <= 1
    filters = {"type": "eq", "key": "kind", "value": "nature"}
    body = {"query": ["rent", "brood nest"], "filters": filters, "max_num_results": 1}
    found = (await http.post(f"{path}/search", json=body)).json()["data"]
    assert [each["file_id"] for each in found] == [bees]
    assert found[0]["attributes"] == {"kind": "nature"}


async def test_a_batch_counts_its_own_files(app: Perdure, http: httpx2.AsyncClient) -> None:
    store_id, bees, _ = await filled(app, http)
    other = await upload(http, "sheet.xls", b"x")
    path = f"/vector_stores/{store_id}/file_batches"
    made = await ok(
        await http.post(path, json={"files": [{"file_id": bees}, {"file_id": other}]}),
        "VectorStoreFileBatchObject",
    )
    assert made["status"] == "in_progress"
    assert made["file_counts"]["total"] == 2
    await read_all(app)
    read = await ok(await http.get(f"{path}/{made['id']}"), "VectorStoreFileBatchObject")
    assert read["status"] == "completed"
    assert (read["file_counts"]["completed"], read["file_counts"]["failed"]) == (1, 1)
    files = await ok(
        await http.get(f"{path}/{made['id']}/files?filter=failed"), "ListVectorStoreFilesResponse"
    )
    (failed,) = files["data"]
    assert failed["last_error"]["code"] == "unsupported_file"
    cancelled = await http.post(f"{path}/{made['id']}/cancel")
    assert (await ok(cancelled, "VectorStoreFileBatchObject"))["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"files": [{"file_id": "file-1"}], "attributes": {}}, "attributes"),
        ({}, "file_ids"),
        ({"file_ids": []}, "file_ids"),
        ({"file_ids": ["file-no"]}, "file_ids"),
        ({"files": [{"file_id": "file-no"}]}, "files[0].file_id"),
        (
            {"files": [{"file_id": "file-1"}, {"file_id": "file-2", "chunking_strategy": OVERLAP}]},
            "files[1].chunking_strategy.static.chunk_overlap_tokens",
        ),
        (
            {
                "file_ids": ["file-no"],
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 50, "chunk_overlap_tokens": 0},
                },
            },
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
    ],
)
async def test_a_wrong_batch_is_refused(
    http: httpx2.AsyncClient, body: dict[str, Any], param: str
) -> None:
    store_id = (await http.post("/vector_stores", json={})).json()["id"]
    refused = await http.post(f"/vector_stores/{store_id}/file_batches", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_a_file_that_does_not_exist_is_not_found_where_it_is_the_only_one(
    http: httpx2.AsyncClient,
) -> None:
    """spec 05 §3.5."""
    store_id = (await http.post("/vector_stores", json={})).json()["id"]
    refused = await http.post(f"/vector_stores/{store_id}/files", json={"file_id": "file-no"})
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (404, "file_id")
    assert error["message"] == "Files [file-no] were not found."


async def test_an_overlap_beyond_half_a_chunk_is_refused(http: httpx2.AsyncClient) -> None:
    store_id = (await http.post("/vector_stores", json={})).json()["id"]
    body = {"file_id": await upload(http, "a.txt", BEES), "chunking_strategy": OVERLAP}
    refused = await http.post(f"/vector_stores/{store_id}/files", json=body)
    assert refused.json()["error"]["param"] == "chunking_strategy.static.chunk_overlap_tokens"
    assert (await http.get(f"/vector_stores/{store_id}/files")).json()["data"] == []


async def test_an_expired_store_can_be_read_and_not_used(
    app: Perdure, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    file_id = await upload(http, "bees.txt", BEES)
    policy = {"anchor": "last_active_at", "days": 1}
    made = (
        await http.post("/vector_stores", json={"file_ids": [file_id], "expires_after": policy})
    ).json()
    await read_all(app)
    clock.advance(86_400)
    path = f"/vector_stores/{made['id']}"
    assert (await http.get(path)).json()["status"] == "expired"
    for request in (
        http.post(f"{path}/search", json={"query": "bees"}),
        http.post(f"{path}/files", json={"file_id": file_id}),
        http.post(path, json={"expires_after": None}),
        http.get(f"{path}/files/{file_id}/content"),
    ):
        refused = await request
        assert refused.status_code == 400
        assert f"Vector store '{made['id']}' has expired" in refused.json()["error"]["message"]
    await app.engine.sweeper.tidy_index()
    assert (await http.get(path)).json()["status"] == "expired"


async def test_a_deleted_file_leaves_its_stores_and_lists(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    store_id, bees, rent = await filled(app, http)
    interpreter = {"code_interpreter": {"file_ids": [bees, rent]}}
    assistant = (
        await http.post("/assistants", json={"model": "m", "tool_resources": interpreter})
    ).json()
    thread = (await http.post("/threads", json={"tool_resources": interpreter})).json()
    await http.delete(f"/files/{bees}")
    files = (await http.get(f"/vector_stores/{store_id}/files")).json()["data"]
    assert [file["id"] for file in files] == [rent]
    for path in (f"/assistants/{assistant['id']}", f"/threads/{thread['id']}"):
        left = (await http.get(path)).json()["tool_resources"]
        assert left == {"code_interpreter": {"file_ids": [rent]}}
    found = await http.post(f"/vector_stores/{store_id}/search", json={"query": "bees"})
    assert [each["file_id"] for each in found.json()["data"]] == []


async def test_attachments_make_the_threads_store_and_extend_it(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    """spec 03 §15: with a policy of seven days."""
    bees, rent = await upload(http, "bees.txt", BEES), await upload(http, "rent.md", RENT)

    def message(file_id: str, *tools: str) -> dict[str, Any]:
        attachment = {"file_id": file_id, "tools": [{"type": tool} for tool in tools]}
        return {"role": "user", "content": "Look", "attachments": [attachment]}

    made = await http.post("/threads", json={"messages": [message(bees, "file_search")]})
    thread = await ok(made, "ThreadObject")
    (store_id,) = thread["tool_resources"]["file_search"]["vector_store_ids"]
    store = (await http.get(f"/vector_stores/{store_id}")).json()
    assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
    both = message(rent, "file_search", "code_interpreter")
    await ok(await http.post(f"/threads/{thread['id']}/messages", json=both), "MessageObject")
    after = (await http.get(f"/threads/{thread['id']}")).json()["tool_resources"]
    assert after == {
        "code_interpreter": {"file_ids": [rent]},
        "file_search": {"vector_store_ids": [store_id]},
    }
    files = (await http.get(f"/vector_stores/{store_id}/files?order=asc")).json()["data"]
    assert [file["id"] for file in files] == [bees, rent]
    await read_all(app)


async def test_an_attachment_that_cannot_be_searched_is_refused_at_once(
    http: httpx2.AsyncClient,
) -> None:
    """Spec 05 §3.5. For code_interpreter any file will do."""
    picture = await upload(http, "chart.png", b"no text")
    thread = (await http.post("/threads", json={})).json()

    async def attach(tool: str) -> httpx2.Response:
        attachment = {"file_id": picture, "tools": [{"type": tool}]}
        body = {"role": "user", "content": "Look", "attachments": [attachment]}
        return await http.post(f"/threads/{thread['id']}/messages", json=body)

    refused = await attach("file_search")
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "message": "Files with extensions [.png] are not supported for retrieval.",
        "type": "invalid_request_error",
        "param": "file_ids",
        "code": "unsupported_file",
    }
    stored = (await http.get(f"/threads/{thread['id']}")).json()
    assert not stored["tool_resources"].get("file_search")
    assert (await attach("code_interpreter")).status_code == 200


async def test_an_attachment_makes_a_new_store_where_the_threads_was_deleted(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    attachment = {
        "file_id": await upload(http, "bees.txt", BEES),
        "tools": [{"type": "file_search"}],
    }
    message = {"role": "user", "content": "Look", "attachments": [attachment]}
    thread = (await http.post("/threads", json={"messages": [message]})).json()

    async def store() -> str:
        tools = (await http.get(f"/threads/{thread['id']}")).json()["tool_resources"]
        (store_id,) = tools["file_search"]["vector_store_ids"]
        return str(store_id)

    deleted = await store()
    await http.delete(f"/vector_stores/{deleted}")
    await ok(await http.post(f"/threads/{thread['id']}/messages", json=message), "MessageObject")
    made = (await http.get(f"/vector_stores/{await store()}")).json()
    assert made["id"] != deleted
    assert made["expires_after"] == {"anchor": "last_active_at", "days": 7}
    assert made["file_counts"]["total"] == 1
    await read_all(app)


async def test_the_helper_makes_a_store_for_an_assistant_without_an_end(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    file_id = await upload(http, "bees.txt", BEES)
    helper = {"file_search": {"vector_stores": [{"file_ids": [file_id], "metadata": {"k": "v"}}]}}
    body = {"model": "m", "tools": [{"type": "file_search"}], "tool_resources": helper}
    assistant = await ok(await http.post("/assistants", json=body), "AssistantObject")
    (store_id,) = assistant["tool_resources"]["file_search"]["vector_store_ids"]
    store = (await http.get(f"/vector_stores/{store_id}")).json()
    assert (store["expires_after"], store["metadata"]) == (None, {"k": "v"})
    await read_all(app)
    both = {"file_search": {"vector_store_ids": [store_id], "vector_stores": [{}]}}
    refused = await http.post("/threads", json={"tool_resources": both})
    assert refused.json()["error"]["param"] == "tool_resources.file_search"


async def test_contents_of_results_are_shown_to_who_asks(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    """spec 01 §7.2: `include[]`, on steps that are read and in the stream of the run; there in the
    body too, as the asynchronous Python SDK 1.54 sends it.
    """
    store_id, *_ = await filled(app, http)
    assistant = await http.post(
        "/assistants",
        json={
            "model": "m",
            "tools": [{"type": "file_search"}],
            "tool_resources": {"file_search": {"vector_store_ids": [store_id]}},
        },
    )
    thread = await http.post(
        "/threads", json={"messages": [{"role": "user", "content": "When is the rent due?"}]}
    )
    content = "step_details.tool_calls[*].file_search.results[*].content"
    include = f"include[]={content}"
    path = f"/threads/{thread.json()['id']}/runs"
    body = {"assistant_id": assistant.json()["id"], "stream": True}
    bare = (await http.post(path, json=body)).text
    whole = (await http.post(f"{path}?{include}", json=body)).text
    searched = '"file_name":"rent.md"'
    asked = (await http.post(path, json={**body, "include": [content]})).text
    for text, shown in ((bare, False), (whole, True), (asked, True)):
        (ended,) = [
            line
            for line in text.splitlines()
            if line.startswith("data: ") and searched in line and '"status":"completed"' in line
        ]
        assert (RENT.decode() in ended) is shown
    run = (await http.get(path)).json()["data"][0]
    steps = f"{path}/{run['id']}/steps"
    step = (await http.get(f"{steps}?order=asc&{include}")).json()["data"][0]
    one = (await http.get(f"{steps}/{step['id']}")).json()
    assert RENT.decode() in str(step)
    assert RENT.decode() not in str(one)
    assert problems("RunStepObject", step) == problems("RunStepObject", one) == []
