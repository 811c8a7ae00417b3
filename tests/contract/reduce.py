"""Reduces an OpenAPI description of the API to the facts that our tests hold us to.

    python -m tests.contract.reduce DESCRIPTION.json > tests/contract/facts.json

Only names, types, limits and enumerations are kept, and only of what Perdure serves; no prose,
no examples, no model names. The tests read the facts and never the description.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

SERVED = ("/assistants", "/threads", "/files", "/uploads", "/vector_stores", "/models")
# Not reachable from an operation of the description: the stream and the errors.
EXTRA = ("AssistantStreamEvent", "ErrorResponse", "MessageDeltaObject", "RunStepDeltaObject")
KEPT = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "enum",
    "items",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minimum",
    "minItems",
    "minLength",
    "minProperties",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
}
METHODS = ("get", "post", "delete")
REF = "#/components/schemas/"


def facts(description: Schema) -> Schema:
    """Operations with their id, query, request and reply, and the schemas that these need."""
    operations = [
        operation(path, method, entry[method])
        for path, entry in description["paths"].items()
        if path.startswith(SERVED)
        for method in METHODS
        if method in entry
    ]
    named = description["components"]["schemas"]
    wanted = [name for each in operations for name in (each["request"], each["reply"]) if name]
    schemas: Schema = {}
    wanted += EXTRA
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = reduced(named[name])
            wanted += references(schemas[name])
    return {"operations": operations, "schemas": dict(sorted(schemas.items()))}


def operation(path: str, method: str, entry: Schema) -> Schema:
    query = {
        parameter["name"]: reduced(parameter["schema"])
        for parameter in entry.get("parameters", ())
        if parameter["in"] == "query"
    }
    return {
        "id": entry["operationId"],
        "path": path,
        "method": method,
        "query": query,
        "request": body_name(entry.get("requestBody", {})),
        "reply": body_name(entry["responses"]["200"]),
    }


def body_name(entry: Schema) -> str | None:
    schema = entry.get("content", {}).get("application/json", {}).get("schema", {})
    return schema["$ref"].removeprefix(REF) if "$ref" in schema else None


def reduced(schema: Schema) -> Schema:
    """The schema without prose, in one spelling of null, with free model names."""
    if "allOf" in schema:
        return reduced(merged(schema))
    kept = {key: smaller(key, value) for key, value in schema.items() if key in KEPT}
    if schema.get("nullable"):
        return {"anyOf": [reduced(schema | {"nullable": False}), {"type": "null"}]}
    if {"type": "string"} in kept.get("anyOf", ()) and {"type": "null"} not in kept["anyOf"]:
        # a string, or one of the models of the day
        return {"type": "string"}
    return kept


def merged(schema: Schema) -> Schema:
    """`allOf` of one schema and of remarks on it, such as `nullable`."""
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    for member in schema["allOf"]:
        whole |= member
    return whole


def smaller(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: reduced(member) for name, member in value.items()}
    if key in ("anyOf", "oneOf"):
        return [reduced(member) for member in value]
    if key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
        return reduced(value)
    return value.removeprefix(REF) if key == "$ref" else value


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for member in schema.values():
            yield from references(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from references(member)


def written(found: Schema) -> str:
    """JSON with one operation and one schema a line, so that changes can be read."""
    operations = ",\n".join(json.dumps(each) for each in found["operations"])
    schemas = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(schema)}" for name, schema in found["schemas"].items()
    )
    return f'{{"operations": [\n{operations}\n],\n"schemas": {{\n{schemas}\n}}}}\n'


if __name__ == "__main__":
    sys.stdout.write(written(facts(json.loads(Path(sys.argv[1]).read_text()))))
