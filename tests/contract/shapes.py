"""The shape of a schema and of a struct as one kind of sentence, so that they can be compared.

A shape is a set of lines such as `tools[].function.name: at most 64 long`. Alternatives are
told at one path.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from tests.contract.schema import FACTS

Schema: TypeAlias = dict[str, Any]

# line for a keyword of JSON Schema, and the bound of msgspec that means the same
_BOUNDS = {
    "minimum": ("at least {}", "ge"),
    "maximum": ("at most {}", "le"),
    "minLength": ("at least {} long", "min_length"),
    "maxLength": ("at most {} long", "max_length"),
    "minItems": ("at least {} long", "min_length"),
    "maxItems": ("at most {} long", "max_length"),
    "maxProperties": ("at most {} long", "max_length"),
    "pattern": ("like {}", "pattern"),
}
_NAMES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


# Filters of a search hold filters, and the description has lost that they do.
_NESTED = ".filters.filters[].filters"


def of_schema(
    schema: Schema, path: str = "", named: Mapping[str, Schema] = FACTS["schemas"]
) -> Iterator[str]:
    """The lines of a schema. Those that it refers to are `named`: those of `facts.json`, if no
    others are given.
    """
    if _NESTED in path:
        return
    if "$ref" in schema:
        yield from of_schema(named[schema["$ref"].rpartition("/")[2]], path, named)
        return
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if set(alternative) != {"required"}:
            yield from of_schema(alternative, path, named)
    if "enum" in schema:
        yield from (f"{path}: '{value}'" for value in schema["enum"])
        return
    for keyword, (line, _) in _BOUNDS.items():
        if keyword in schema:
            yield f"{path}: {line.format(schema[keyword])}"
    yield from _of_typed(schema, path, named)


def _of_typed(schema: Schema, path: str, named: Mapping[str, Schema]) -> Iterator[str]:
    match schema.get("type"):
        case "array":
            yield f"{path}: array"
            yield from of_schema(schema["items"], f"{path}[]", named)
        case _ if "properties" in schema:
            yield f"{path}: object"
            for name, member in schema["properties"].items():
                yield from of_schema(member, f"{path}.{name}", named)
            yield from (f"{path}.{name}: required" for name in schema.get("required", ()))
        case "object" if "anyOf" not in schema and "oneOf" not in schema:
            yield f"{path}: map"
            if isinstance(schema.get("additionalProperties"), dict):
                yield from of_schema(schema["additionalProperties"], f"{path}{{}}", named)
        case str(name) if name != "object":
            yield f"{path}: {name}"


def of_struct(annotation: Any, path: str = "") -> Iterator[str]:
    """The lines of a struct, or of any annotation inside one."""
    if _NESTED in path:
        return
    origin, members = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        for member in members:
            yield from of_struct(member, path)
    elif origin is Annotated:
        yield from _of_bounds(members[1], path)
        yield from of_struct(members[0], path)
    elif origin is Literal:
        yield from (f"{path}: '{value}'" for value in members)
    elif origin is list:
        yield f"{path}: array"
        yield from of_struct(members[0], f"{path}[]")
    elif origin is dict:
        yield f"{path}: map"
        if members[1] is not object:
            yield from of_struct(members[1], f"{path}{{}}")
    else:
        yield from _of_class(annotation, path)


def _of_class(kind: Any, path: str) -> Iterator[str]:
    if kind in _NAMES:
        yield f"{path}: {_NAMES[kind]}"
    elif issubclass(kind, msgspec.Struct):
        yield from _of_fields(kind, path)
    elif issubclass(kind, StrEnum):
        yield from (f"{path}: '{value}'" for value in kind)


def _of_bounds(bounds: Meta, path: str) -> Iterator[str]:
    told = {(line, getattr(bounds, bound)) for line, bound in _BOUNDS.values()}
    for line, value in told:
        if value is not None:
            yield f"{path}: {line.format(value)}"


def _of_fields(struct: type[msgspec.Struct], path: str) -> Iterator[str]:
    yield f"{path}: object"
    config = struct.__struct_config__
    if config.tag_field is not None:
        yield f"{path}.{config.tag_field}: '{config.tag}'"
        yield f"{path}.{config.tag_field}: required"
    for field in msgspec.structs.fields(struct):
        if field.required:
            yield f"{path}.{field.name}: required"
        yield from of_struct(field.type, f"{path}.{field.name}")


def keys(lines: Iterator[str]) -> set[str]:
    """Only the paths of the lines."""
    return {line.split(": ", 1)[0] for line in lines}
