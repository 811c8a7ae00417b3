"""Requests after the API's description, some of them right and some wrong on purpose."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from schemathesis import GenerationMode, openapi
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.fuzz.client import KEY, Request
from tests.fuzz.description import description

# Which ids a member of a body takes.
_TAKES = {
    "assistant_id": "assistant_id",
    "file_id": "file_id",
    "file_ids": "file_id",
    "vector_store_ids": "vector_store_id",
    "part_ids": "part_id",
    "after": "message_id",
    "before": "message_id",
    "run_id": "run_id",
    "model": "model",
}
_BOUNDARY = "-b"

Ids = Mapping[str, list[str]]


@cache
def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    """All operations of the server."""
    schema = openapi.from_dict(description())
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@st.composite
def requests(draw: st.DrawFn, operation: APIOperation[Any, Any, Any, Any], ids: Ids) -> Request:
    """Requests of one operation; most name objects that exist."""
    right = operation.as_strategy(GenerationMode.POSITIVE)
    parameters = len([*operation.iter_parameters()]) - operation.path.count("{")
    if parameters or operation.body:
        right |= operation.as_strategy(GenerationMode.NEGATIVE)
    case = draw(right)
    path = operation.path
    for name, value in (case.path_parameters or {}).items():
        known = ids.get(str(name), [])
        chosen = draw(st.sampled_from(known)) if known and _mostly(draw) else str(value)
        path = path.replace(f"{{{name}}}", quote(_encodable(chosen), safe=""))
    query = {name: _with_ids(draw, name, value, ids) for name, value in (case.query or {}).items()}
    target = f"/v1{path}" + (f"?{_encoded(query)}" if query else "")
    media_type = case.media_type or "application/json"
    body = case.body if isinstance(case.body, bytes) else _body(draw, case.body, media_type, ids)
    if media_type.startswith("multipart/"):
        media_type = f"multipart/form-data; boundary={_BOUNDARY}"
    return Request(operation.method.upper(), target, {**KEY, "Content-Type": media_type}, body)


def _body(draw: st.DrawFn, value: Any, media_type: str, ids: Ids) -> bytes | None:
    if type(value).__name__ == "NotSet":
        return None
    if media_type.startswith("multipart/") and isinstance(value, dict):
        return _form(value)
    return json.dumps(_with_ids(draw, "", value, ids)).encode()


def _form(fields: dict[str, Any]) -> bytes:
    parts = []
    for name, value in fields.items():
        content = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        file = '; filename="a.txt"' if name in ("file", "data") else ""
        named = quote(_encodable(name), safe="[]")
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{named}"{file}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def _with_ids(draw: st.DrawFn, name: str, value: Any, ids: Ids) -> Any:
    """The value, with ids of objects that exist in place of most of the made-up ones."""
    known = ids.get(_TAKES.get(name, ""), [])
    match value:
        case str() if known and _mostly(draw):
            return draw(st.sampled_from(known))
        case list():
            return [_with_ids(draw, name, each, ids) for each in value]
        case dict():
            return {key: _with_ids(draw, str(key), each, ids) for key, each in value.items()}
        case _:
            return value


def _mostly(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 3)) > 0


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _encoded(query: Mapping[str, Any]) -> str:
    return urlencode(
        {str(name): value for name, value in query.items()}, doseq=True, errors="replace"
    )
