"""Chunks of a file in a vector store over HTTP, which the original does not show."""

from itertools import pairwise
from typing import Any

import httpx2
import pytest

from perdure.app import Perdure
from perdure.parsing.parser import Parser
from tests.api.test_vector_stores import read_all, upload

SIZES = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}
BEES = " ".join(f"Colony {number} keeps its brood nest warm." for number in range(40))
TEXT = f"# Bees\n\n{BEES}\n\n## Honey\n\nHoney is sweet.\n"


@pytest.fixture
def lent(parser: Parser) -> Parser:
    """The servers of these tests share a parser."""
    return parser


async def add(app: Perdure, http: httpx2.AsyncClient, text: str = TEXT) -> str:
    """The path of a file that was read."""
    file_id = await upload(http, "bees.md", text.encode())
    store_id = (await http.post("/vector_stores", json={})).json()["id"]
    path = f"/vector_stores/{store_id}/files"
    strategy = {"type": "static", "static": SIZES}
    await http.post(path, json={"file_id": file_id, "chunking_strategy": strategy})
    await read_all(app)
    return f"{path}/{file_id}"


async def chunks(http: httpx2.AsyncClient, path: str, query: str = "") -> list[dict[str, Any]]:
    answer = await http.get(f"{path}/chunks?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_the_chunks_of_a_file_are_listed_in_order_with_their_headings(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    path = await add(app, http)
    found = await chunks(http, path)
    assert len(found) > 3
    assert [each["index"] for each in found] == list(range(len(found)))
    *_, store_id, _, file_id = path.split("/")
    assert found[0] == {
        "id": found[0]["id"],
        "object": "vector_store.file.chunk",
        "vector_store_id": store_id,
        "file_id": file_id,
        "index": 0,
        "text": found[0]["text"],
        "heading": None,
        "start_index": 0,
        "end_index": len(found[0]["text"]),
        "tokens": found[0]["tokens"],
    }
    assert found[1]["heading"] == "Bees"
    assert found[1]["text"].startswith("Bees\n")
    for each in found:
        assert 0 < each["tokens"] <= SIZES["max_chunk_size_tokens"]
        own = each["text"][len(each["heading"] or "") :].lstrip("\n")
        assert own == TEXT[each["start_index"] : each["end_index"]]
    for before, after in pairwise(found):
        assert before["start_index"] < after["start_index"] <= before["end_index"] + 2


async def test_pages_of_chunks_go_both_ways(app: Perdure, http: httpx2.AsyncClient) -> None:
    path = await add(app, http)
    found = await chunks(http, path)
    page = (await http.get(f"{path}/chunks?limit=2")).json()
    assert (page["object"], page["data"], page["has_more"]) == ("list", found[:2], True)
    assert (page["first_id"], page["last_id"]) == (found[0]["id"], found[1]["id"])
    queries = {
        "order=desc": found[::-1],
        f"limit=1&after={found[0]['id']}": found[1:2],
        f"limit=2&before={found[3]['id']}": found[1:3],
        f"order=desc&after={found[1]['id']}": found[:1],
        f"order=desc&limit=1&before={found[0]['id']}": found[1:2],
        f"after={found[0]['id']}&before={found[2]['id']}": found[1:2],
        f"after={found[-1]['id']}": [],
    }
    for query, expected in queries.items():
        assert await chunks(http, path, query) == expected, query


async def test_a_file_that_was_read_again_has_other_chunks(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    path = await add(app, http, "Bees.")
    (old,) = await chunks(http, path)
    files, _, file_id = path.rpartition("/")
    await http.post(files, json={"file_id": file_id, "read_again": True})
    waiting = await http.get(f"{path}/chunks")
    assert (waiting.status_code, "'in_progress'" in waiting.text) == (400, True)
    await read_all(app)
    (new,) = await chunks(http, path)
    assert new["text"] == old["text"]
    for cursor in (old["id"], new["id"].removesuffix("0") + "7", "chunk_x", "chunk_1_2_3"):
        answer = await http.get(f"{path}/chunks?after={cursor}")
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            404, f"No chunk found with id '{cursor}'.",
        )  # fmt: skip


async def test_a_file_that_is_not_there_has_no_chunks(
    app: Perdure, http: httpx2.AsyncClient
) -> None:
    store = (await add(app, http)).rpartition("/")[0]
    assert (await http.get(f"{store}/file-no/chunks")).status_code == 404
    assert (await http.get("/vector_stores/vs_no/files/file-no/chunks")).status_code == 404
