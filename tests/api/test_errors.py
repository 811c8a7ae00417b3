"""Bad requests get the error envelope of spec 05, with its exact texts."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.shared import LOOP, ground, http

__all__ = ["ground", "http"]

pytestmark = LOOP

Expected = tuple[int, str, str | None, str | None]

BETA = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
    "Please try again by setting the header 'OpenAI-Beta: assistants=v2'."
)


def check(response: httpx2.Response, expected: Expected) -> None:
    status, message, param, code = expected
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }
    assert response.status_code == status
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/xyz", (404, "Invalid URL (GET /v1/xyz)", None, None)),
        ("POST", "/threads/thread_1/xyz", (
            404, "Invalid URL (POST /v1/threads/thread_1/xyz)", None, None)),
        ("PUT", "/assistants", (
            405, "Not allowed to PUT on /v1/assistants. "
            "(HINT: Perhaps you meant to use a different HTTP method?)",
            None, "method_not_supported")),
        ("GET", "/assistants/asst_no", (
            404, "No assistant found with id 'asst_no'.", None, None)),
        ("DELETE", "/assistants/asst_no", (
            404, "No assistant found with id 'asst_no'.", None, None)),
        ("GET", "/threads/thread_no", (404, "No thread found with id 'thread_no'.", None, None)),
        ("GET", "/threads/undefined", (
            400, "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
            "thread_id", "invalid_value")),
        ("GET", "/threads/thread_no/messages", (
            404, "No thread found with id 'thread_no'.", None, None)),
        ("GET", "/threads/thread_no/messages/msg_no", (
            404, "No message found with id 'msg_no'.", None, None)),
        ("GET", "/threads/thread_no/runs/run_no", (
            404, "No run found with id 'run_no'.", None, None)),
        ("POST", "/threads/thread_no/runs/run_no/cancel", (
            404, "No run found with id 'run_no'.", None, None)),
        ("GET", "/threads/thread_no/runs/run_no/steps/step_123", (
            404, "No run found with id 'run_no'.", None, None)),
        ("GET", "/assistants?limit=101", (
            400, "Invalid 'limit': integer above maximum value. "
            "Expected a value <= 100, but got 101 instead.", "limit", "integer_above_max_value")),
        ("GET", "/assistants?limit=0", (
            400, "Invalid 'limit': integer below minimum value. "
            "Expected a value >= 1, but got 0 instead.", "limit", "integer_below_min_value")),
        ("GET", "/assistants?order=up", (
            400, "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.",
            "order", "invalid_value")),
        ("GET", "/assistants?after=asst_no", (
            404, "No assistant found with id 'asst_no'.", None, None)),
        ("GET", "/threads/thread_%00", (
            404, "Invalid URL (GET /v1/threads/thread_\0)", None, None)),
        ("GET", "/assistants?after=asst_%00", (
            404, "Invalid URL (GET /v1/assistants)", None, None)),
        ("GET", "/models/no-such", (
            404, "The model 'no-such' does not exist", "model", "model_not_found")),
        ("GET", "/vector_stores/vs_1", (
            404, "No vector store found with id 'vs_1'.", None, None)),
        ("GET", "/vector_stores/other", (
            400, "Invalid 'vector_store_id': 'other'. Expected an ID that begins with 'vs'.",
            "vector_store_id", "invalid_value")),
        ("GET", "/vector_stores/vs_1/files/file-1", (
            404, "No vector store found with id 'vs_1'.", None, None)),
        ("GET", "/vector_stores/vs_1/file_batches/vsfb_1", (
            404, "No vector store found with id 'vs_1'.", None, None)),
        ("GET", "/vector_stores?after=vs_no", (
            404, "No vector store found with id 'vs_no'.", None, None)),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_said(
    http: httpx2.AsyncClient, method: str, path: str, expected: Expected
) -> None:
    check(await http.request(method, path), expected)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/assistants", {}, (
            400, "Missing required parameter: 'model'.", "model", "missing_required_parameter")),
        ("/assistants", {"model": "m", "nonsense": 1}, (
            400, "Unknown parameter: 'nonsense'.", "nonsense", "unknown_parameter")),
        ("/assistants", {"model": "m", "metadata": {"modified": True}}, (
            400, "Invalid type for 'metadata.modified': expected a string, "
            "but got a boolean instead.", "metadata.modified", "invalid_type")),
        ("/assistants", {"model": "m", "temperature": 3}, (
            400, "Invalid 'temperature': decimal above maximum value. "
            "Expected a value <= 2, but got 3 instead.",
            "temperature", "decimal_above_max_value")),
        ("/assistants", {"model": "m", "name": "x" * 300}, (
            400, "Invalid 'name': string too long. Expected a string with maximum length 256, "
            "but got a string with length 300 instead.", "name", "string_above_max_length")),
        ("/assistants", {"model": "m", "tools": [{"type": "retrieval"}]}, (
            400, "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', "
            "'file_search', and 'function'.", "tools[0].type", "invalid_value")),
        ("/assistants", {"model": "m", "tool_resources":
            {"file_search": {"vector_store_ids": ["vs_1"]}}}, (
            404, "No vector store found with id 'vs_1'.", None, None)),
        ("/assistants", {"model": "m", "tool_resources":
            {"code_interpreter": {"file_ids": ["file-1"]}}}, (
            400, "The files ['file-1'] were not found.",
            "tool_resources.code_interpreter.file_ids", None)),
        ("/vector_stores", {"file_ids": ["file-1"]}, (
            400, "The files ['file-1'] were not found.", "file_ids", None)),
        ("/vector_stores", {"expires_after": {"anchor": "last_active_at", "days": 366}}, (
            400, "Invalid 'expires_after.days': integer above maximum value. "
            "Expected a value <= 365, but got 366 instead.", "expires_after.days",
            "integer_above_max_value")),
        ("/threads/thread_no/runs", {"assistant_id": "asst_no", "include": ["usage"]}, (
            400, "Invalid value: 'usage'. Supported values are: "
            "'step_details.tool_calls[*].file_search.results[*].content'.",
            "include[0]", "invalid_value")),
        ("/vector_stores/vs_1/search", {"query": "x"}, (
            404, "No vector store found with id 'vs_1'.", None, None)),
        ("/vector_stores/vs_1/search", {"query": " "}, (
            400, "Invalid 'query': there is nothing to search for.", "query", "invalid_value")),
        ("/threads", {"messages": [{"role": "user", "content": "x"}] * 33}, (
            400, "Invalid 'messages': array too long. Expected an array with maximum length 32, "
            "but got an array with length 33 instead.", "messages", "array_above_max_length")),
        ("/threads", {"messages": [{"role": "user", "content": "x", "attachments":
            [{"file_id": "file-1", "tools": [{"type": "file_search"}]}]}]}, (
            400, "The files ['file-1'] were not found.",
            "messages[0].attachments[0].file_id", None)),
        ("/threads/runs", {"assistant_id": "x"}, (
            400, "Invalid 'assistant_id': 'x'. Expected an ID that begins with 'asst'.",
            "assistant_id", "invalid_value")),
        ("/threads/runs", {"assistant_id": "asst_\0"}, (
            400, "Invalid 'assistant_id': 'asst_\0'. Expected an ID that begins with 'asst'.",
            "assistant_id", "invalid_value")),
        ("/threads/runs", {"assistant_id": "asst_no"}, (
            404, "No assistant found with id 'asst_no'.", None, None)),
        ("/threads/thread_no/runs", {"assistant_id": "asst_no"}, (
            404, "No thread found with id 'thread_no'.", None, None)),
        ("/threads/thread_no/messages", {"role": "user", "content": "x", "file_ids": []}, (
            400, "Unknown parameter: 'file_ids'.", "file_ids", "unknown_parameter")),
    ],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_explained(
    http: httpx2.AsyncClient, path: str, body: object, expected: Expected
) -> None:
    check(await http.post(path, json=body), expected)


async def test_what_is_no_json_is_said(http: httpx2.AsyncClient) -> None:
    response = await http.post("/threads", content=b'{"metadata":')
    assert response.status_code == 400
    message = response.json()["error"]["message"]
    assert message.startswith("We could not parse the JSON body of your request. (HINT: ")


async def test_a_body_over_the_limit_is_refused(http: httpx2.AsyncClient) -> None:
    """Whether its length is told beforehand or not."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000

    expected = (
        413, "The request body is too large: at most 100000 bytes are accepted.", None,
        "request_too_large",
    )  # fmt: skip
    check(await http.post("/threads", content=b"x" * 100_001), expected)
    check(await http.post("/threads", content=endless()), expected)


@pytest.mark.parametrize(
    ("beta", "message"),
    [
        ("", BETA),
        (
            "assistants=v1",
            "The v1 Assistants API has been deprecated. "
            "Please try again by setting the header 'OpenAI-Beta: assistants=v2'.",
        ),
        ("other=x", "Unknown beta requested: 'other=x'."),
    ],
)
async def test_the_beta_header_is_needed(http: httpx2.AsyncClient, beta: str, message: str) -> None:
    for path in ("/assistants", "/threads/thread_1"):
        response = await http.get(path, headers={"openai-beta": beta})
        check(response, (400, message, None, "invalid_beta"))


async def test_the_beta_header_may_be_a_list(http: httpx2.AsyncClient) -> None:
    response = await http.get("/assistants", headers={"openai-beta": "other=x, assistants=v2"})
    assert response.status_code == 200


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer "}])
async def test_a_key_must_be_sent(http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    response = await http.get("/assistants", headers=headers)
    assert response.status_code == 401
    error = response.json()["error"]
    assert error["message"].startswith("You didn't provide an API key.")
    assert (error["type"], error["code"]) == ("invalid_request_error", None)


async def test_a_key_may_be_sent_the_azure_way(http: httpx2.AsyncClient) -> None:
    response = await http.get(
        "http://127.0.0.1/openai/assistants?api-version=2024-05-01-preview",
        headers={"authorization": "", "api-key": "k"},
    )
    assert response.status_code == 200


async def test_a_request_to_another_host_name_is_refused(http: httpx2.AsyncClient) -> None:
    """A web page must not reach the server by a name of its own (DNS rebinding)."""
    response = await http.get("/assistants", headers={"host": "evil.example:7373"})
    assert response.status_code == 403
    assert "evil.example" in response.json()["error"]["message"]
    for name in ("localhost:7373", "LOCALHOST", "127.0.0.1", "127.8.0.1:80", "[::1]:7373", "[::1]"):
        assert (await http.get("/assistants", headers={"host": name})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("[::1]evil", "[::1].evil.example", "[::1]:80evil", "[::1]:80:evil", "[::1", "::1", "[]"),
        *("[127.0.0.1]", "[[::1]]", "127.0.0.1evil", "127.0.0.1:80evil", "127.0.0.1:evil.example"),
        *("localhost:", "localhost:80@evil", "evil@localhost", "localhost, evil.example"),
        *("localhost evil", "localhost/evil", "localhost.evil.example", "evil.example#localhost"),
        *("127.0.0.1.evil.example", "0.0.0.0", "", " ", "loc\u0430lhost"),
    ],
)
async def test_what_only_begins_or_ends_like_a_loopback_name_is_another(
    http: httpx2.AsyncClient, host: str
) -> None:
    named = [(b"host", host.encode())]
    assert (await http.get("/assistants", headers=named)).status_code == 403


async def test_two_hosts_are_none(http: httpx2.AsyncClient) -> None:
    hosts = [("host", "localhost"), ("host", "evil.example")]
    for named in (hosts, hosts[::-1]):
        assert (await http.get("/assistants", headers=named)).status_code == 403


async def test_a_run_on_an_empty_thread_without_instructions_is_refused(
    http: httpx2.AsyncClient,
) -> None:
    assistant = (await http.post("/assistants", json={"model": "m"})).json()
    response = await http.post("/threads/runs", json={"assistant_id": assistant["id"]})
    check(response, (
        400,
        "Run creation requires a Thread with a user message or an assistant with instructions.",
        None, "invalid_thread",
    ))  # fmt: skip
    body = {"assistant_id": assistant["id"], "instructions": "Say hello."}
    assert (await http.post("/threads/runs", json=body)).status_code == 200


async def test_a_chosen_function_must_be_among_the_tools(http: httpx2.AsyncClient) -> None:
    assistant = (await http.post("/assistants", json={"model": "m", "instructions": "i"})).json()
    choice = {"type": "function", "function": {"name": "f"}}
    response = await http.post(
        "/threads/runs", json={"assistant_id": assistant["id"], "tool_choice": choice}
    )
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tool_choice"


async def test_headers_of_the_live_service_are_sent(http: httpx2.AsyncClient) -> None:
    response = await http.get("/assistants")
    assert response.headers["openai-version"] == "2020-10-01"
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert response.headers["x-request-id"].startswith("req_")


async def test_health_needs_no_key(http: httpx2.AsyncClient) -> None:
    response = await http.get("http://127.0.0.1/health", headers={"authorization": ""})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_empty_bodies_are_fine(http: httpx2.AsyncClient) -> None:
    """Spec 02 §5: none, an empty string and `{}`, with a JSON content type or without."""
    for content in (b"", b"{}", b"null"):
        response = await http.post("/threads", content=content)
        assert response.status_code == 200
        assert response.json()["metadata"] == {}
