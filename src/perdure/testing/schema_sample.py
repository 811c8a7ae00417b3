"""Sample of a small value that satisfies a JSON schema: the arguments of the scripted model's
calls.

It covers what the schemas of tools are made of; not `not`, `if`, `contains`. A schema that nothing
can satisfy gets a best effort.
"""

from collections.abc import Callable, Mapping

from perdure.testing.simple_sample import number, string
from perdure.wire.base import JsonObject

_MAX_DEPTH = 12
# Values in all, whatever the schema's branches lead to.
_MAX_VALUES = 2000
# Items that have to differ, since each is compared with all before it.
_MAX_DIFFERENT = 30
# Optional properties are filled in down to here: as a model would, but not for ever.
_FULL_DEPTH = 2


def sample(schema: JsonObject, *, hint: str = "text") -> object:
    """Returns a value for the schema, the same each time; `$ref` may point inside it.

    `hint` stands where any string will do.
    """
    return _Sampler(schema, hint).value(schema, 0)


class _Sampler:
    def __init__(self, root: JsonObject, hint: str) -> None:
        self._root = root
        self._hint = hint
        self._left = _MAX_VALUES
        # Counts the values of one schema that have to differ; 0 is the ordinary one.
        self._variant = 0

    def value(self, schema: object, depth: int) -> object:
        if not isinstance(schema, dict):
            return self._hint  # `true`: anything will do
        schema = self._resolved(schema, depth)
        for key in ("const", "default"):
            if key in schema and not (key == "default" and self._variant):
                return schema[key]
        for key in ("enum", "examples"):
            values = schema.get(key)
            if isinstance(values, list) and values:
                return values[self._variant % len(values)]
        return self._of_type(schema, depth)

    def _of_type(self, schema: JsonObject, depth: int) -> object:
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return number(schema, whole=True, variant=self._variant)
            case "number":
                return number(schema, whole=False, variant=self._variant)
            case "boolean":
                return self._variant % 2 == 0
            case "null":
                return None
            case _:
                return string(schema, hint=self._hint, variant=self._variant)

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = [str(name) for name in required] if isinstance(required, list) else []
        if depth < _FULL_DEPTH:
            names += [name for name in properties if name not in names]
        if depth >= _MAX_DEPTH:
            names = []
        others = schema.get("additionalProperties", True)
        return {name: self.value(properties.get(name, others), depth + 1) for name in names}

    def _array(self, schema: JsonObject, depth: int) -> list[object]:
        prefix, least, most = (schema.get(key) for key in ("prefixItems", "minItems", "maxItems"))
        wanted = least if isinstance(least, int) else 1 if depth < _FULL_DEPTH else 0
        wanted = min(wanted, most) if isinstance(most, int) else wanted
        kinds = list(prefix) if isinstance(prefix, list) else []
        wanted = max(wanted, len(kinds)) if most is None else wanted
        kinds += [schema.get("items", True)] * (min(wanted, _MAX_VALUES) - len(kinds))
        if schema.get("uniqueItems") is True:
            return self._different(kinds[: min(wanted, _MAX_DIFFERENT)], depth)
        return [self.value(kind, depth + 1) for kind in kinds[:wanted]]

    def _different(self, kinds: list[object], depth: int) -> list[object]:
        """Returns a value of each schema, no two alike."""
        before, values = self._variant, list[object]()
        for kind in kinds:
            for self._variant in range(len(kinds) + 1):
                value = self.value(kind, depth + 1)
                if value not in values:
                    values.append(value)
                    break
        self._variant = before
        return values

    def _resolved(self, schema: JsonObject, depth: int) -> JsonObject:
        """Returns the schema with `$ref`, `allOf` and the first of `anyOf` or `oneOf` merged in."""
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            return {"const": None}
        merged = dict(schema)
        schemas: list[object] = []
        if "$ref" in merged:
            schemas.append(self._target(str(merged.pop("$ref"))))
        all_of = merged.pop("allOf", None)
        schemas += all_of if isinstance(all_of, list) else []
        for key in ("anyOf", "oneOf"):
            options = merged.pop(key, None)
            if isinstance(options, list) and options:
                schemas.append(_easiest(options))
        for each in schemas:
            if isinstance(each, dict):
                merged = _merge(self._resolved(each, depth + 1), merged)
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
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _easiest(options: list[object]) -> object:
    """Returns an option that does not lead back into the schema, if there is one."""
    return next(
        (each for each in options if isinstance(each, dict) and "$ref" not in each), options[0]
    )


def _merge(one: JsonObject, other: JsonObject) -> JsonObject:
    """Returns a schema for values that satisfy both."""
    merged = {**one, **other}
    for key in one.keys() & other.keys():
        merge = _MERGED.get(key)
        if merge is not None:
            merged[key] = merge(one[key], other[key])
    return merged


def _both_properties(one: object, other: object) -> object:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    twice = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
    return {**one, **other, **twice}


def _either(one: object, other: object) -> object:
    if not isinstance(one, list) or not isinstance(other, list):
        return other
    return [*one, *(name for name in other if name not in one)]


def _common(one: object, other: object) -> object:
    if {str(one), str(other)} == {"integer", "number"}:
        return "integer"
    if isinstance(one, str) and isinstance(other, list):
        return one
    if not isinstance(one, list) or not isinstance(other, list):
        return other
    return [value for value in one if value in other] or other


def _larger(one: object, other: object) -> object:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return max(one, other)
    return other


def _smaller(one: object, other: object) -> object:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return min(one, other)
    return other


_MERGED: Mapping[str, Callable[[object, object], object]] = {
    "enum": _common,
    "exclusiveMaximum": _smaller,
    "exclusiveMinimum": _larger,
    "maxItems": _smaller,
    "maxLength": _smaller,
    "maximum": _smaller,
    "minItems": _larger,
    "minLength": _larger,
    "minimum": _larger,
    "properties": _both_properties,
    "required": _either,
    "type": _common,
}
