"""The schemas of the description, made of the structs in `wire/`."""

import re
from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from msgspec import UnsetType

from perdure import lifecycle
from perdure.api.openapi.operation import Schema
from perdure.wire.base import Object
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.threads import Thread

REF = "#/components/schemas/"

# Docstrings cite the contract for those who read the code. (Cut, or it would be a citation.)
_CITATION = re.compile(r"\s*\(s" r"pec [^)]*\)|, s" r"pec \d[^);]*")
# The objects that events tell of; deltas have another form.
_TOLD: tuple[tuple[str, type[Object]], ...] = (
    ("thread.run.step.", RunStep),
    ("thread.run.", Run),
    ("thread.message.", Message),
    ("thread.", Thread),
)


def ref(name: str) -> Schema:
    """Returns the reference to a schema."""
    return {"$ref": f"{REF}{name}"}


def components(structs: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """Returns the schemas of the structs and of all that they hold, by the names of the classes,
    and those of stream events.
    """
    wanted = {*structs, *(kind for _, kind in _TOLD)}
    _, found = msgspec.json.schema_components(
        sorted(wanted, key=lambda kind: kind.__name__),
        schema_hook=_schema_of_any,
        ref_template=f"{REF}{{name}}",
    )
    kinds = {kind.__name__: kind for kind in _with_members(wanted)}
    schemas = {name: _refined(schema, kinds.get(name)) for name, schema in found.items()}
    return dict(sorted({**schemas, **_of_events()}.items()))


def list_of(name: str) -> Schema:
    """Returns the envelope of a page of a list."""
    id_or_null = {"type": ["string", "null"]}
    members = {
        "object": {"const": "list"},
        "data": {"type": "array", "items": ref(name)},
        "first_id": id_or_null,
        "last_id": id_or_null,
        "has_more": {"type": "boolean"},
    }
    return {"type": "object", "properties": members, "required": [*members]}


def _schema_of_any(kind: type) -> Schema:
    if kind is object:
        return {"title": "anything"}  # an empty one is taken for none
    raise NotImplementedError(kind)


def _with_members(kinds: Iterable[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Returns the structs and those that their fields name, at any depth."""
    found: set[type[msgspec.Struct]] = set()
    waiting: list[Any] = [*kinds]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
            found.add(kind)
            waiting += [field.type for field in msgspec.structs.fields(kind)]
    return found


def _refined(schema: Schema, kind: type[msgspec.Struct] | None) -> Schema:
    """Returns a schema as clients meet it. Objects of answers are complete: defaults are those of
    rows that an older version has written, and nothing that a client would need.
    """
    refined: Schema = _without_marks(schema)
    if kind is None or kind.__struct_config__.omit_defaults:
        return refined
    if issubclass(kind, Object) and "properties" in refined:
        left_out = {
            field.encode_name
            for field in msgspec.structs.fields(kind)
            if UnsetType in get_args(field.type)
        }
        for schema_of_member in refined["properties"].values():
            schema_of_member.pop("default", None)
        refined["required"] = [name for name in refined["properties"] if name not in left_out]
    return refined


def _without_marks(schema: Any) -> Any:
    """Returns a schema without titles, and without what is meant for readers of the code."""
    if isinstance(schema, list):
        return [_without_marks(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _member(key, value) for key, value in schema.items() if key != "title"}
    if isinstance(plain.get("description"), str):
        plain["description"] = " ".join(_CITATION.sub("", plain["description"]).split())
    if isinstance(plain.get("pattern"), str):
        # Python's end of a text, which other languages spell so
        plain["pattern"] = plain["pattern"].replace(r"\Z", "$")
    return plain


def _member(key: str, value: Any) -> Any:
    if key == "properties":  # a property may have any name
        return {name: _without_marks(schema) for name, schema in value.items()}
    return value if key == "default" else _without_marks(value)


def _of_events() -> dict[str, Schema]:
    events = [_event(name) for name in dict.fromkeys(filter(None, lifecycle.STREAM_EVENTS))]
    return {
        "StreamEvent": {
            "description": "One server-sent event: `event` is its name, `data` the JSON behind it.",
            "oneOf": events,
        },
        "MessageDelta": _delta(lifecycle.MESSAGE_DELTA, "content", {"type": "array"}),
        "RunStepDelta": _delta(lifecycle.STEP_DELTA, "step_details", {"type": "object"}),
    }


def _event(name: str) -> Schema:
    data = {
        lifecycle.DONE: {"const": "[DONE]"},
        lifecycle.ERROR: ref("ErrorDetail"),
        lifecycle.MESSAGE_DELTA: ref("MessageDelta"),
        lifecycle.STEP_DELTA: ref("RunStepDelta"),
    }
    told = next((ref(kind.__name__) for head, kind in _TOLD if name.startswith(head)), {})
    members = {"event": {"const": name}, "data": data.get(name, told)}
    return {"type": "object", "properties": members, "required": [*members]}


def _delta(name: str, member: str, schema: Schema) -> Schema:
    delta = {"type": "object", "properties": {member: schema}, "required": [member]}
    members = {"id": {"type": "string"}, "object": {"const": name}, "delta": delta}
    return {
        "description": "A fragment of the object with this id: its members have an `index`, and "
        "texts are to be joined.",
        "type": "object",
        "properties": members,
        "required": [*members],
    }
