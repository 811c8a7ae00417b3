"""The API's description as OpenAPI again, made of the facts that the contract tests keep of it."""

import re
from typing import Any

from tests.contract.schema import FACTS

Schema = dict[str, Any]

_PARAMETER = re.compile(r"{(\w+)}")
# What the facts do not have, since it is no JSON, or is passed on to model servers.
_FILE: Schema = {"type": "string", "format": "binary"}
_FORMS: dict[str, Schema] = {
    "/files": {
        "type": "object",
        "properties": {
            "file": _FILE,
            "purpose": {"type": "string", "enum": ["assistants", "user_data", "vision", "batch"]},
            "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
            "expires_after[seconds]": {"type": "integer"},
        },
        "required": ["file", "purpose"],
    },
    "/uploads/{upload_id}/parts": {
        "type": "object",
        "properties": {"data": _FILE},
        "required": ["data"],
    },
}
_TEXT: Schema = {"type": "string"}
_MESSAGES: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"role": {"enum": ["user", "assistant", "system"]}, "content": _TEXT},
        "required": ["role", "content"],
    },
}
_RELAYED: dict[str, Schema] = {
    "/chat/completions": {"messages": _MESSAGES, "stream": {"type": "boolean"}},
    "/completions": {"prompt": _TEXT},
    "/embeddings": {"input": {"type": "array", "items": _TEXT}},
    "/deployments/{deployment}/embeddings": {"input": _TEXT},
}
_STREAM = "/threads/{thread_id}/runs/{run_id}/stream"


def description() -> Schema:
    """All operations that the server has."""
    paths: dict[str, Schema] = {}
    for operation in FACTS["operations"]:
        path, body = operation["path"], None
        if operation["request"]:
            reference = {"$ref": f"#/components/schemas/{operation['request']}"}
            body = {"application/json": {"schema": reference}}
        elif path in _FORMS and operation["method"] == "post":
            body = {"multipart/form-data": {"schema": _FORMS[path]}}
        query = {name: _linked(schema) for name, schema in operation["query"].items()}
        paths.setdefault(path, {})[operation["method"]] = _operation(path, query, body)
    for path, properties in _RELAYED.items():
        whole: Schema = {"type": "object", "properties": {"model": _TEXT, **properties}}
        body = {"application/json": {"schema": whole | {"required": ["model"]}}}
        paths[path] = {"post": _operation(path, {}, body)}
    paths[_STREAM] = {"get": _operation(_STREAM, {"after": _TEXT}, None)}
    schemas = {name: _linked(schema) for name, schema in FACTS["schemas"].items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Assistants", "version": "2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(path: str, query: dict[str, Schema], body: Schema | None) -> Schema:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(path)
    ]
    parameters += [{"name": name, "in": "query", "schema": each} for name, each in query.items()]
    operation: Schema = {"parameters": parameters, "responses": {"200": {"description": "OK"}}}
    return operation | ({"requestBody": {"required": True, "content": body}} if body else {})


def _linked(schema: Any) -> Any:
    """The schema with whole references, and without members that it does not name: those are for
    the cases that mean to be wrong.
    """
    if isinstance(schema, list):
        return [_linked(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/components/schemas/{schema['$ref']}"}
    linked = {key: _linked(member) for key, member in schema.items()}
    if isinstance(linked.get("properties"), dict) and linked.get("type") == "object":
        linked.setdefault("additionalProperties", False)
    return linked
