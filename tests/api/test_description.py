"""The description of the API: valid, whole, true of answers, and open to anybody."""

import base64
import hashlib
import re
from itertools import chain
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from perdure.api import description
from perdure.api.openapi.document import OPERATIONS, Undescribed, document
from perdure.api.routes import BETA, PUBLIC, ROUTES
from tests.api.servers import HEADERS

DOCUMENT = description.document()


@pytest.fixture
def database_url() -> None:
    """The description does not depend on the database."""


def problems(method: str, path: str, value: object) -> list[str]:
    """What is wrong with an answer, by the description."""
    content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


def test_the_description_is_valid() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)
    operations = list(chain.from_iterable(each.values() for each in DOCUMENT["paths"].values()))
    assert len(operations) == len(ROUTES) == len({each["operationId"] for each in operations})


def test_a_route_without_a_description_is_not_forgotten() -> None:
    routes = [(method, path) for method, path, _ in ROUTES]
    with pytest.raises(Undescribed, match="GET /news"):
        document([*routes, ("GET", "/news")], beta=BETA, public=PUBLIC)
    with pytest.raises(Undescribed, match="GET /docs"):
        document([each for each in routes if each[1] != "/docs"], beta=BETA, public=PUBLIC)
    assert len(OPERATIONS) == len(routes)


def test_every_schema_is_of_use() -> None:
    """No schema is left that nothing refers to."""
    text = str(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f"'#/components/schemas/{name}'" in text


def test_nothing_is_said_to_people_who_read_the_code() -> None:
    assert "\N{SECTION SIGN}" not in str(DOCUMENT)


@pytest.mark.parametrize("chosen", [{"api_keys": ["secret"]}])
async def test_anybody_may_read_the_description_and_nothing_else(
    http: httpx2.AsyncClient,
) -> None:
    http.headers.pop("authorization")
    answer = await http.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, DOCUMENT)
    for path in ("/docs", "/v1/docs"):
        assert (await http.get(f"http://127.0.0.1{path}")).status_code == 200
    for path in ("/assistants", "/docs/", "/docs/../assistants", "/no-such"):
        assert (await http.get(path)).status_code == 401
    assert (await http.post("/docs")).status_code == 405
    elsewhere = await http.get("/docs", headers={"host": "evil.example"})
    assert elsewhere.status_code == 403


async def test_the_page_needs_nothing_and_runs_nothing(http: httpx2.AsyncClient) -> None:
    answer = await http.get("http://127.0.0.1/docs")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    page = answer.text
    assert re.findall(r"<script|<link|<img|<iframe|\son\w+=|url\(|@import|style=", page) == []
    assert set(re.findall(r'(?:href|src)="([^#"][^"]*)"', page)) == {"/v1/openapi.json"}
    ids = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    for each in chain.from_iterable(methods.values() for methods in DOCUMENT["paths"].values()):
        assert each["operationId"] in ids


async def test_the_page_shows_the_style_that_its_policy_lets_in(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


async def test_answers_are_as_they_are_described(http: httpx2.AsyncClient) -> None:
    async def ask(method: str, path: str, url: str, body: Any = None) -> Any:
        answer = await http.request(method, url, json=body)
        assert answer.status_code == 200, answer.text
        assert problems(method.lower(), path, answer.json()) == []
        return answer.json()

    assistant = await ask("POST", "/assistants", "/assistants", {"model": "scripted"})
    thread = await ask("POST", "/threads", "/threads", {"messages": [
        {"role": "user", "content": "Hello"}
    ]})  # fmt: skip
    body = {"assistant_id": assistant["id"]}
    run = await ask("POST", "/threads/{thread_id}/runs", f"/threads/{thread['id']}/runs", body)
    path, url = "/threads/{thread_id}", f"/threads/{thread['id']}"
    stream = f"{url}/runs/{run['id']}/stream"
    await http.get(stream)  # until it has ended
    for suffix, there in (
        ("/messages", "/messages"),
        ("/runs", "/runs"),
        ("/runs/{run_id}", f"/runs/{run['id']}"),
        ("/runs/{run_id}/steps", f"/runs/{run['id']}/steps"),
    ):
        await ask("GET", f"{path}{suffix}", f"{url}{there}")
    await ask("POST", f"{path}/copy", f"{url}/copy")
    for listed in (
        *("/assistants", "/threads", "/runs", "/files", "/vector_stores", "/models"),
        *("/webhook_deliveries", "/servers", "/model_adjustments", "/model_windows"),
    ):
        await ask("GET", listed, listed)
    await ask("POST", "/vector_stores", "/vector_stores")
    await ask("DELETE", path, url)
    refused = (await http.get(url, headers=HEADERS)).json()
    error = {"$ref": "#/components/schemas/ErrorEnvelope", "components": DOCUMENT["components"]}
    assert list(Draft202012Validator(error).iter_errors(refused)) == []
