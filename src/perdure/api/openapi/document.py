"""The description of the API as an OpenAPI document."""

import re
from collections.abc import Iterable

import msgspec

import perdure
from perdure.api.openapi import (
    conversation_operations,
    file_operations,
    organization_operations,
    schemas,
    server_operations,
    usage_operations,
)
from perdure.api.openapi.operation import Content, FormBody, Listed, Operation, Schema
from perdure.api.openapi.parameters import PATH, QUERY
from perdure.wire.base import Body
from perdure.wire.lists import ErrorEnvelope

OPERATIONS: dict[str, Operation] = {
    **conversation_operations.OPERATIONS,
    **file_operations.OPERATIONS,
    **server_operations.OPERATIONS,
    **organization_operations.OPERATIONS,
    **usage_operations.OPERATIONS,
}

_ABOUT = (
    "The Assistants API v2 as this server answers it, with its own extensions. Errors have one "
    "form, whatever the operation. Paths stand below /v1."
)
_NAME = re.compile(r"\{(\w+)\}")
_BETA: Schema = {
    "name": "OpenAI-Beta",
    "in": "header",
    "required": True,
    "description": "`assistants=v2`, perhaps among others. Azure's clients need not send it.",
    "schema": {"type": "string", "example": "assistants=v2"},
}
_SECURITY: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "api_key": {"type": "apiKey", "in": "header", "name": "api-key"},
}


class Undescribed(Exception):
    """A route has no description, or a description no route."""


def document(
    routes: Iterable[tuple[str, str]],
    *,
    beta: tuple[str, ...],
    public: Iterable[str],
    operations: dict[str, Operation] | None = None,
) -> Schema:
    """Returns the description of these routes, given by method and path.

    Paths that begin with one of `beta` need the header of that name; `public` paths need no API
    key. Raises `Undescribed` unless each route has its operation.
    """
    known = OPERATIONS if operations is None else operations
    keys = [f"{method} {path.replace(':path', '')}" for method, path in routes]
    if strangers := {*keys} ^ known.keys():
        raise Undescribed(f"these routes and descriptions have no counterpart: {sorted(strangers)}")
    paths: dict[str, Schema] = {}
    for key in keys:
        method, path = key.split(" ")
        described = _operation(path, known[key], needs_beta=path.startswith(beta))
        if path in public:
            described["security"] = []
        paths.setdefault(path, {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Perdure",
            "version": perdure.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/v1"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "responses": {
                "Error": {
                    "description": "The request was not answered; the error says why.",
                    "content": _json(schemas.ref(ErrorEnvelope.__name__)),
                }
            },
            "schemas": _components(known.values()),
        },
    }


def _operation(path: str, operation: Operation, *, needs_beta: bool) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [path.split("/")[1]],
    }
    parameters = [_path_parameter(name) for name in _NAME.findall(path)]
    parameters += [{"name": name, **QUERY[name]} for name in operation.query]
    if needs_beta:
        parameters.append(_BETA)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": _body(operation.body),
        }
    described["responses"] = {
        "200": {"description": "The answer.", "content": _answer(operation)},
        "default": {"$ref": "#/components/responses/Error"},
    }
    return described


def _path_parameter(name: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PATH[name],
        "schema": {"type": "string"},
    }


def _body(body: type[Body] | FormBody | Content) -> Schema:
    if isinstance(body, Content):
        return {body.media_type: {"schema": body.schema}}
    if isinstance(body, FormBody):
        return {"multipart/form-data": {"schema": _form(body)}}
    return _json(schemas.ref(body.__name__))


def _form(form: FormBody) -> Schema:
    """Returns the schema of a form, in which members of members are named with brackets."""
    members: Schema = {form.file: {"type": "string", "format": "binary"}}
    required = [form.file]
    for field in msgspec.structs.fields(form.fields) if form.fields else ():
        structs = [
            kind
            for kind in getattr(field.type, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, Body)
        ]
        for struct in structs:
            inner = msgspec.json.schema_components([struct])[1][struct.__name__]["properties"]
            members |= {f"{field.name}[{name}]": schema for name, schema in inner.items()}
        if not structs:
            members[field.name] = msgspec.json.schema(field.type)
            required.append(field.name)
    return {"type": "object", "properties": members, "required": required}


def _answer(operation: Operation) -> Schema:
    answer = operation.answer
    if isinstance(answer, Content):
        content = {answer.media_type: {"schema": answer.schema}}
    elif isinstance(answer, Listed):
        content = _json(schemas.list_of(answer.item.__name__))
    else:
        content = _json(schemas.ref(answer.__name__))
    if operation.streams:
        is_run = not isinstance(answer, Content)
        told = schemas.ref("StreamEvent") if is_run else {"type": "string"}
        content |= {"text/event-stream": {"schema": told}}
    return content


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _components(operations: Iterable[Operation]) -> dict[str, Schema]:
    structs: list[type[msgspec.Struct]] = [ErrorEnvelope]
    for operation in operations:
        answer, body = operation.answer, operation.body
        told = answer.item if isinstance(answer, Listed) else answer
        structs += [each for each in (told, body) if isinstance(each, type)]
    return schemas.components(structs)
