"""The check of replies finds what is wrong, and the facts hold nothing but facts."""

import json

import pytest

from perdure.wire.base import encode
from tests.contract.reduce import facts
from tests.contract.schema import FACTS, problems
from tests.wire.test_objects import ASSISTANT, MESSAGE, RUN


def run(**members: object) -> dict[str, object]:
    value: dict[str, object] = json.loads(encode(RUN))
    return value | members


WRONG = {
    "a status that does not exist": (
        "RunObject",
        run(status="done"),
        (
            "$.status: 'done' is not one of ['queued', 'in_progress', 'requires_action', "
            "'cancelling', 'cancelled', 'failed', 'completed', 'incomplete', 'expired']"
        ),
    ),
    "a time as a string": (
        "RunObject",
        run(created_at="now"),
        "$.created_at: 'now' is not of type 'integer'",
    ),
    "null for what is never null": (
        "RunObject",
        run(model=None),
        "$.model: None is not of type 'string'",
    ),
    "another object": (
        "RunObject",
        run(object="run"),
        "$.object: 'run' is not one of ['thread.run']",
    ),
    "an object in an object": (
        "MessageObject",
        json.loads(encode(MESSAGE)) | {"attachments": [{"file_id": 1}]},
        "$.attachments: [{'file_id': 1}] is not valid under any of the given schemas",
    ),
    "a list without has_more": (
        "ListAssistantsResponse",
        {"object": "list", "data": [], "first_id": None, "last_id": None},
        "$: 'has_more' is a required property",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_reply_is_found(case: str) -> None:
    """The one problem told is …"""
    name, value, problem = WRONG[case]
    assert problems(name, value) == [problem]


@pytest.mark.parametrize("key", sorted(FACTS["schemas"]["RunObject"]["required"]))
def test_a_missing_key_is_found(key: str) -> None:
    value = run()
    del value[key]
    assert problems("RunObject", value) == [f"$: '{key}' is a required property"]


def test_several_problems_are_all_told() -> None:
    assert len(problems("RunObject", run(status="done", model=None))) == 2


def test_the_live_service_is_right_where_the_description_is_not() -> None:
    """Null instructions, null ids of an empty list and small budgets were recorded."""
    live = run(instructions=None, max_completion_tokens=16, tools=[{"type": "file_search"}] * 21)
    assert problems("RunObject", live) == []
    page: dict[str, object] = {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
    assert problems("ListRunsResponse", page) == []


def test_the_items_of_a_list_are_checked() -> None:
    item = json.loads(encode(ASSISTANT))
    page = {"object": "list", "first_id": "a", "last_id": "a", "has_more": False}
    assert problems("ListAssistantsResponse", page | {"data": [item]}) == []
    del item["model"]
    assert problems("ListAssistantsResponse", page | {"data": [item]}) == [
        "$.data[0]: 'model' is a required property"
    ]


def test_a_schema_that_does_not_exist_is_an_error() -> None:
    """A typing error in a test must not pass as a check."""
    with pytest.raises(KeyError, match=r"has no schema 'Run'"):
        problems("Run", {})


DESCRIPTION = {
    "paths": {
        "/threads/{id}": {
            "post": {
                "operationId": "modifyThread",
                "summary": "Prose.",
                "parameters": [
                    {"name": "id", "in": "path", "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}},
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/B"}}
                        }
                    }
                },
            }
        },
        "/audio": {"post": {"responses": {"200": {}}}},
    },
    "components": {
        "schemas": {
            "A": {
                "type": "object",
                "description": "Prose.",
                "properties": {
                    # a property may have the name of a keyword
                    "description": {"type": "string", "nullable": True, "example": "Prose."},
                    "model": {"anyOf": [{"type": "string"}, {"type": "string", "enum": ["m-1"]}]},
                    "b": {"allOf": [{"$ref": "#/components/schemas/B"}, {"nullable": True}]},
                },
            },
            "B": {"type": "array", "items": {"type": "string", "title": "Prose."}, "maxItems": 3},
            "AssistantStreamEvent": {},
            "ErrorResponse": {},
            "MessageDeltaObject": {},
            "RunStepDeltaObject": {},
            "Unused": {},
        }
    },
}


def test_reducing_keeps_names_types_and_limits_only() -> None:
    """No prose, no examples, no model names, one spelling of null, nothing that is not served."""
    assert facts(DESCRIPTION) == {
        "operations": [
            {
                "id": "modifyThread",
                "path": "/threads/{id}",
                "method": "post",
                "query": {"limit": {"type": "integer"}},
                "request": "A",
                "reply": "B",
            }
        ],
        "schemas": {
            "A": {
                "type": "object",
                "properties": {
                    "description": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "model": {"type": "string"},
                    "b": {"anyOf": [{"$ref": "B"}, {"type": "null"}]},
                },
            },
            "AssistantStreamEvent": {},
            "B": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "ErrorResponse": {},
            "MessageDeltaObject": {},
            "RunStepDeltaObject": {},
        },
    }
