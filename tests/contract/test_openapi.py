"""The server's own description says what the published one says, and what our structs take."""

from typing import Any

import pytest

from perdure.api.description import document
from tests.contract.schema import FACTS
from tests.contract.shapes import keys, of_schema, of_struct
from tests.contract.test_requests import REQUESTS
from tests.contract.test_responses import NOT_YET

OURS = document()
SCHEMAS = OURS["components"]["schemas"]
OPERATIONS = {f"{each['method']} {each['path']}": each for each in FACTS["operations"]}
# What our operations take besides.
ADDED = {
    "get /files": {"before"},
    "post /threads/runs": {"include[]"},
    "post /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": {"include[]"},
}


def described(name: str) -> dict[str, Any]:
    """An operation as the server describes it; `name` is one of the published description."""
    operation: dict[str, Any] = OURS["paths"][OPERATIONS[name]["path"]][OPERATIONS[name]["method"]]
    return operation


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_published_id_and_query(name: str) -> None:
    """Clients that are generated of either have the same functions."""
    operation = described(name)
    assert operation["operationId"] == OPERATIONS[name]["id"]
    query = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert query == set(OPERATIONS[name]["query"]) | ADDED.get(name, set())


@pytest.mark.parametrize("name", [each for each in OPERATIONS if OPERATIONS[each]["request"]])
def test_a_body_is_described_as_its_struct_takes_it(name: str) -> None:
    """The structs are compared with the published description elsewhere, line by line."""
    content = described(name)["requestBody"]["content"]["application/json"]["schema"]
    struct = REQUESTS[OPERATIONS[name]["request"]]
    assert content == {"$ref": f"#/components/schemas/{struct.__name__}"}
    lines = {line.replace(r"\Z", "$") for line in of_struct(struct)}
    assert set(of_schema(content, "", SCHEMAS)) == lines
    assert SCHEMAS[struct.__name__]["additionalProperties"] is False


@pytest.mark.parametrize("name", [each for each in OPERATIONS if OPERATIONS[each]["reply"]])
def test_an_answer_has_every_published_key(name: str) -> None:
    reply = OPERATIONS[name]["reply"]
    content = described(name)["responses"]["200"]["content"]["application/json"]["schema"]
    lacking = keys(of_schema({"$ref": reply})) - keys(of_schema(content, "", SCHEMAS))
    known = NOT_YET.get(reply, ())
    assert [path for path in sorted(lacking) if not path.startswith(known or "?")] == []
