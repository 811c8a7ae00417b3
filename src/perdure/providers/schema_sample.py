"""A smallest value that satisfies a JSON schema: the arguments of the scripted model's calls.

Covers what tool schemas are made of. A schema that nothing can satisfy gets a best effort.
"""

from collections.abc import Mapping
from typing import cast

from perdure.wire.base import JsonObject

_MAX_DEPTH = 12

_FORMATS = {
    "date": "2030-01-01",
    "date-time": "2030-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


def sample(schema: JsonObject) -> object:
    """A value for the schema, the same each time; `$ref` may point inside it."""
    return _Sampler(schema).value(schema, 0)


class _Sampler:
    def __init__(self, root: JsonObject) -> None:
        self._root = root

    def value(self, schema: object, depth: int) -> object:
        if not isinstance(schema, dict):
            return "text"  # `true`: anything will do
        schema = self._resolved(schema, depth)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("enum", "examples"):
            values = schema.get(key)
            if isinstance(values, list) and values:
                return values[0]
        return self._of_type(schema, depth)

    def _of_type(self, schema: JsonObject, depth: int) -> object:
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return int(_number(schema, whole=True))
            case "number":
                return _number(schema, whole=False)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _string(schema)

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = [str(name) for name in required] if isinstance(required, list) else []
        if depth < _MAX_DEPTH:
            # What is optional is filled in too, as a model would; but not for ever.
            names += [name for name in properties if name not in names and depth < 2]
        return {name: self.value(properties.get(name, True), depth + 1) for name in names}

    def _array(self, schema: JsonObject, depth: int) -> list[object]:
        prefix = schema.get("prefixItems")
        items = [self.value(each, depth + 1) for each in prefix] if isinstance(prefix, list) else []
        least = schema.get("minItems")
        wanted = least if isinstance(least, int) else 1 if depth < 2 else 0
        most = schema.get("maxItems")
        wanted = min(wanted, most) if isinstance(most, int) else wanted
        while len(items) < min(wanted, 100):
            items.append(self.value(schema.get("items", True), depth + 1))
        return items

    def _resolved(self, schema: JsonObject, depth: int) -> JsonObject:
        """The schema with `$ref`, `allOf` and the first of `anyOf` or `oneOf` merged in."""
        if depth > _MAX_DEPTH:
            return {**schema, "enum": [None]} if "$ref" in schema else schema
        merged = dict(schema)
        parts: list[object] = []
        if "$ref" in merged:
            parts.append(self._target(str(merged.pop("$ref"))))
        all_of = merged.pop("allOf", None)
        parts += all_of if isinstance(all_of, list) else []
        for key in ("anyOf", "oneOf"):
            options = merged.pop(key, None)
            if isinstance(options, list) and options:
                parts.append(_easiest(options))
        for part in parts:
            if isinstance(part, dict):
                merged = _merge(self._resolved(part, depth + 1), merged)
        return merged

    def _target(self, ref: str) -> object:
        target: object = self._root
        for name in ref.removeprefix("#").strip("/").split("/"):
            if name:
                key = name.replace("~1", "/").replace("~0", "~")
                target = target.get(key, {}) if isinstance(target, Mapping) else {}
        return target


def _type(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _easiest(options: list[object]) -> object:
    """An option that does not lead back into the schema, if there is one."""
    return next(
        (each for each in options if isinstance(each, dict) and "$ref" not in each), options[0]
    )


def _merge(first: JsonObject, second: JsonObject) -> JsonObject:
    merged = {**first, **second}
    for key in ("properties", "required"):
        one, other = first.get(key), second.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            merged[key] = {**one, **other}
        elif isinstance(one, list) and isinstance(other, list):
            merged[key] = [*one, *(name for name in other if name not in one)]
    return merged


def _number(schema: JsonObject, *, whole: bool) -> float:
    low = cast("float", schema.get("minimum", schema.get("exclusiveMinimum", 1)))
    if "exclusiveMinimum" in schema and "minimum" not in schema:
        low += 1 if whole else 0.5
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(high, int | float) and low > high:
        low = high
    if high is not None and high == schema.get("exclusiveMaximum") and low >= cast("float", high):
        low = cast("float", high) - (1 if whole else 0.5)
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0:
        low = -(-low // step) * step
    return low


def _string(schema: JsonObject) -> str:
    text = _FORMATS.get(str(schema.get("format")), "text")
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int):
        text = text.ljust(min(least, 10_000), "x")
    return text[:most] if isinstance(most, int) else text
