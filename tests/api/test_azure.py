"""What clients of Azure's agents do that OpenAI's do not (spec 09)."""

import contextlib
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.api.routes import ROUTES, find
from perdure.errors import NotFound
from tests.api.servers import HEADERS
from tests.api.sse import events
from tests.api.test_files import BOUNDARY, field, file_field, post

HOST = "http://127.0.0.1"
VERSION = "?api-version=2025-05-15-preview"
# Below which paths, and with which query, the beta header is not asked for.
UNASKED = (
    ("/openai", ""),
    ("/openai/v1", ""),
    ("/api/projects/my-project", ""),
    ("/api/projects/my project", ""),
    ("/api/projects/my-project/openai", ""),
    ("/api/projects/my-project/openai/v1", ""),
    ("/api/projects/my-project", "?api-version=v1"),
    ("", VERSION),
    ("/v1", VERSION),
    ("/v1", "?order=asc&api-version=v1"),
)
UNSUPPORTED = (
    *("azure_ai_search", "azure_function", "bing_custom_search", "bing_grounding"),
    *("browser_automation", "computer_use_preview", "connected_agent", "deep_research"),
    *("fabric_dataagent", "mcp", "openapi", "sharepoint_grounding"),
)
PART = b'--%b\r\nContent-Disposition: form-data; name="file"\r\n\r\n%b\r\n'


@pytest.fixture
def database_url() -> None:
    """None of this depends on the database."""


@pytest.fixture
async def bare(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that never sends the beta header."""
    del http.headers["openai-beta"]
    return http


@pytest.mark.parametrize(("mount", "query"), UNASKED)
async def test_azures_clients_need_no_beta_header(
    bare: httpx2.AsyncClient, mount: str, query: str
) -> None:
    made = await bare.post(f"{HOST}{mount}/assistants{query}", json={"model": "m"})
    assert made.status_code == 200, made.text
    found = await bare.get(f"{HOST}{mount}/assistants/{made.json()['id']}{query}")
    assert found.json() == made.json()


@pytest.mark.parametrize("mount", ["", "/v1"])
@pytest.mark.parametrize("query", ["", "?x-api-version=1", "?more=api-version=1"])
async def test_others_need_it_on_the_bare_host_too(
    bare: httpx2.AsyncClient, mount: str, query: str
) -> None:
    refused = await bare.get(f"{HOST}{mount}/assistants{query}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_beta")
    assert (await bare.get(f"{HOST}{mount}/assistants{query}", headers=HEADERS)).status_code == 200


async def test_a_project_in_the_path_needs_a_name(http: httpx2.AsyncClient) -> None:
    for path in ("/api/projects/assistants", "/api/projects//assistants", "/api/assistants", "/x"):
        assert (await http.get(f"{HOST}{path}")).status_code == 404


@given(st.text("/v1openaiprojects-", max_size=40))
def test_a_path_has_a_route_or_there_is_none(path: str) -> None:
    with contextlib.suppress(NotFound):
        found = find({"type": "http", "method": "GET", "path": f"/{path}", "query_string": b""})
        assert found.handler in [handler for _, _, handler in ROUTES]


async def test_a_client_finds_its_own_id_of_the_request(http: httpx2.AsyncClient) -> None:
    name = "x-ms-client-request-id"
    given = "0b6d9e52-4a8f-11f0-9a3b-00155d012345"
    for path in ("/assistants", "/no-such"):
        assert (await http.get(path, headers={name: given})).headers[name] == given
    assert name not in (await http.get("/assistants")).headers
    assert name not in (await http.get("/assistants", headers={name: "a b<script>"})).headers


class TestWhoMayListThreads:
    @pytest.fixture
    def chosen(self, request: pytest.FixtureRequest) -> dict[str, object]:
        return dict(request.param)

    @pytest.mark.parametrize(
        ("chosen", "status"),
        [
            ({}, 200),
            ({"api_keys": ["test"]}, 200),
            ({"api_keys": ["test", "test"]}, 200),
            ({"api_keys": ["test", "another"]}, 404),
            ({"api_keys": ["test", "another"], "list_threads": True}, 200),
            ({"list_threads": False}, 404),
        ],
        indirect=["chosen"],
    )
    async def test_several_keys_see_each_others_threads_and_runs_only_where_that_is_said(
        self, http: httpx2.AsyncClient, status: int
    ) -> None:
        for noun in ("threads", "runs"):
            answer = await http.get(f"/{noun}")
            assert answer.status_code == status
            if status == 404:
                error = answer.json()["error"]
                assert error["code"] == f"{noun}_not_listed"
                assert "set list_threads = true" in error["message"]


@pytest.mark.parametrize("first", [True, False])
async def test_a_file_without_a_name_takes_that_of_the_field(
    http: httpx2.AsyncClient, first: bool
) -> None:
    file = PART % (BOUNDARY.encode(), b"A,B\n1,2\n")
    name = field("filename", "table.csv")
    fields = [name, file] if first else [file, name]
    answer = await post(http, field("purpose", "assistants"), *fields)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["filename"], answer.json()["bytes"]) == ("table.csv", 8)
    content = await http.get(f"/files/{answer.json()['id']}/content")
    assert content.content == b"A,B\n1,2\n"


async def test_the_field_names_a_file_that_has_a_name_too(http: httpx2.AsyncClient) -> None:
    fields = field("purpose", "assistants"), field("filename", "b.txt"), file_field(b"x")
    assert (await post(http, *fields)).json()["filename"] == "b.txt"


async def test_a_run_takes_tool_resources_in_place_of_its_assistants(
    http: httpx2.AsyncClient,
) -> None:
    stores = [(await http.post("/vector_stores", json={})).json()["id"] for _ in range(2)]
    own, other = [{"file_search": {"vector_store_ids": [each]}} for each in stores]
    assistant = await _assistant(http, tools=[{"type": "file_search"}], tool_resources=own)
    thread = (await http.post("/threads", json={"messages": [_user("say: Hello")]})).json()["id"]
    body = {"assistant_id": assistant, "tool_resources": other, "stream": True}
    told = events((await http.post(f"/threads/{thread}/runs", json=body)).text)
    assert told[0].data["tool_resources"] == other
    body = {"assistant_id": assistant, "stream": True}
    told = events((await http.post(f"/threads/{thread}/runs", json=body)).text)
    assert told[0].data["tool_resources"] == own
    missing = {"file_search": {"vector_store_ids": ["vs_no"]}}
    body = {"assistant_id": assistant, "tool_resources": missing}
    assert (await http.post(f"/threads/{thread}/runs", json=body)).status_code == 404
    runs = (await http.get(f"/threads/{thread}/runs")).json()["data"]
    assert [run["status"] for run in runs] == ["completed", "completed"]


async def test_outputs_may_say_their_type(http: httpx2.AsyncClient) -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assistant = await _assistant(http, tools=[tool])
    thread = {"messages": [_user("call: f {}\nthen: say: Done")]}
    body = {"assistant_id": assistant, "thread": thread, "stream": True}
    told = events((await http.post("/threads/runs", json=body)).text)
    run = next(event.data for event in told if event.name == "thread.run.requires_action")
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    output = {"tool_call_id": call["id"], "output": "1"}
    wrong = await http.post(path, json={"tool_outputs": [{**output, "type": "other"}]})
    assert wrong.json()["error"]["param"] == "tool_outputs[0].type"
    output["type"] = "function_call_output"
    told = events((await http.post(path, json={"tool_outputs": [output], "stream": True})).text)
    assert told[-2].name == "thread.run.completed"


@pytest.mark.parametrize("tool", UNSUPPORTED)
async def test_a_tool_of_azures_cloud_is_refused_by_its_name(
    http: httpx2.AsyncClient, tool: str
) -> None:
    tools = [{"type": "code_interpreter"}, {"type": tool, tool: {"connections": []}}]
    for path, body, param in (
        ("/assistants", {"model": "m", "tools": tools}, "tools[1].type"),
        ("/threads/runs", {"assistant_id": "asst_1", "tools": tools}, "tools[1].type"),
        ("/threads/runs", {"assistant_id": "asst_1", "tool_choice": {"type": tool}},
         "tool_choice.type"),
    ):  # fmt: skip
        refused = await http.post(path, json=body)
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["param"]) == (
            400, "unsupported_tool", param,
        )  # fmt: skip
        assert error["message"].startswith(f"The tool '{tool}' is ")
        assert "'function'" in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/assistants", {"model": "m", "tool_resources": {"azure_ai_search": {"indexes": []}}},
         "tool_resources.azure_ai_search", "unsupported_tool"),
        ("/assistants", {"model": "m", "tool_resources": {"mcp": []}},
         "tool_resources.mcp", "unsupported_tool"),
        ("/vector_stores", {"configuration": {"data_sources": []}},
         "configuration", "unsupported_data_source"),
        ("/vector_stores/vs_1/files", {"data_source": {"type": "uri_asset"}},
         "data_source", "unsupported_data_source"),
        ("/vector_stores/vs_1/file_batches", {"data_sources": []},
         "data_sources", "unsupported_data_source"),
        ("/threads", {"messages": [{"role": "user", "content": "x", "attachments":
            [{"data_source": {"type": "uri_asset"}, "tools": []}]}]},
         "messages[0].attachments[0].data_source", "unsupported_data_source"),
    ],
)  # fmt: skip
async def test_data_in_azures_cloud_is_refused_by_its_name(
    http: httpx2.AsyncClient, path: str, body: object, param: str, code: str
) -> None:
    refused = await http.post(path, json=body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, code, param)
    assert param.rpartition(".")[2] in error["message"]


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def _assistant(http: httpx2.AsyncClient, **fields: Any) -> str:
    return str((await http.post("/assistants", json={"model": "m", **fields})).json()["id"])
