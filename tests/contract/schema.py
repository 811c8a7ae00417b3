"""Whether a reply is what the API's description says, with the corrections of the live service."""

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

Schema: TypeAlias = dict[str, Any]

FACTS: Schema = json.loads(Path(__file__).with_name("facts.json").read_text())

_STRING_OR_NULL = {"type": ["string", "null"]}
_PAGE = {"first_id": _STRING_OR_NULL, "last_id": _STRING_OR_NULL}

# Where recorded traffic contradicts the description, the traffic is right.
AMENDMENTS: dict[str, Schema] = {
    # both ids are null when the list is empty (spec 01 §16)
    "ListAssistantsResponse": _PAGE,
    "ListMessagesResponse": _PAGE,
    "ListRunsResponse": _PAGE,
    "ListRunStepsResponse": _PAGE,
    "ListFilesResponse": _PAGE,
    "OpenAIFile": {
        # null where there is no policy, and always (spec 01 §12)
        "expires_at": {"type": ["integer", "null"]},
        "status_details": _STRING_OR_NULL,
    },
    "RunObject": {
        # null where neither the run nor the assistant has any (spec 01 §6)
        "instructions": _STRING_OR_NULL,
        # runs inherit the assistant's tools, of which there may be 128 (spec 01 §2.3)
        "tools": FACTS["schemas"]["AssistantObject"]["properties"]["tools"],
        # 16 was accepted (spec 01 §6)
        "max_prompt_tokens": {"type": ["integer", "null"], "minimum": 1},
        "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1},
    },
}


def problems(schema_name: str, value: object) -> list[str]:
    """What is wrong with decoded JSON as a reply of this schema; empty where nothing is.

    `schema_name` is a name of the description, such as `RunObject` (see `facts.json`).
    """
    errors = _validator(schema_name).iter_errors(value)
    return sorted(f"{error.json_path}: {error.message}" for error in errors)


@cache
def _validator(schema_name: str) -> Draft202012Validator:
    schemas = {
        name: _amended(_linked(schema), AMENDMENTS.get(name, {}))
        for name, schema in FACTS["schemas"].items()
    }
    if schema_name not in schemas:
        raise KeyError(f"facts.json has no schema {schema_name!r}")
    return Draft202012Validator({"$ref": f"#/$defs/{schema_name}", "$defs": schemas})


def _amended(schema: Schema, members: Schema) -> Schema:
    linked = {name: _linked(member) for name, member in members.items()}
    return schema | {"properties": schema["properties"] | linked} if members else schema


def _linked(schema: Any) -> Any:
    """The schema with references in the form of JSON Schema."""
    if isinstance(schema, list):
        return [_linked(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    return {key: _linked(member) for key, member in schema.items()}
