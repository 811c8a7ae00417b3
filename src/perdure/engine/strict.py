"""Checks answers against strict JSON schemas (spec 01 §2.7).

Programs read such an answer without looking, because the original service made it fit. A model
server may take the schema and ignore it; then it is better that the run fails than that the
program gets something else. What is checked is the shape: types, fields, choices. Patterns,
formats and bounds are not: no pattern of a client's is run here.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from perdure.wire.base import JsonObject
from perdure.wire.formats import JsonSchemaFormat, ResponseFormat
from perdure.wire.messages import Part, TextPart

_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}
# Schemas may refer to themselves, and branch without end; what comes later is believed.
_MOST_COMPARED = 20_000

Problem: TypeAlias = str | None


def breach(wanted: ResponseFormat | None, content: Sequence[Part]) -> Problem:
    """The first fault of an answer; None if there is none, or if nothing was promised."""
    if not isinstance(wanted, JsonSchemaFormat) or not wanted.json_schema.strict:
        return None
    if not all(isinstance(part, TextPart) for part in content):
        return None  # a refusal is told apart by its part
    problem = _mismatch(_text(content), wanted.json_schema.schema or {})
    if problem is None:
        return None
    return (
        f"The model's answer does not fit the strict JSON schema '{wanted.json_schema.name}': "
        f"{problem}. The model server may not support response_format json_schema."
    )


def _text(content: Sequence[Part]) -> str:
    return "".join(part.text.value for part in content if isinstance(part, TextPart))


def _mismatch(text: str, schema: JsonObject) -> Problem:
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "it is no JSON"
    try:
        return _Check(schema).problem(value, schema, "$")
    except RecursionError:
        return None


class _Check:
    """Compares values with the parts of one schema."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._compared = 0

    def problem(self, value: object, schema: object, path: str) -> Problem:
        """The first thing that is wrong with a value. A schema that cannot be read allows all."""
        if schema is False:
            return f"{path} should not be there"
        self._compared += 1
        if not isinstance(schema, dict) or self._compared > _MOST_COMPARED:
            return None
        if "$ref" in schema:
            return self.problem(value, self._referred(schema["$ref"]), path)
        return (
            _plain(value, schema, path)
            or self._alternatives(value, schema, path)
            or self._members(value, schema, path)
        )

    def _alternatives(self, value: object, schema: JsonObject, path: str) -> Problem:
        for part in _list(schema.get("allOf")):
            problem = self.problem(value, part, path)
            if problem:
                return problem
        for name in ("anyOf", "oneOf"):
            problems = [self.problem(value, each, path) for each in _list(schema.get(name))]
            if problems and all(problems):
                return f"{path} fits none of {name}"
        return None

    def _members(self, value: object, schema: JsonObject, path: str) -> Problem:
        if isinstance(value, list):
            item = schema.get("items")
            places = ((f"{path}[{place}]", each, item) for place, each in enumerate(value))
        elif isinstance(value, dict):
            missing = [name for name in _list(schema.get("required")) if name not in value]
            if missing:
                return f"{path}.{missing[0]} is missing"
            known = schema.get("properties")
            properties = known if isinstance(known, dict) else {}
            others = None if "patternProperties" in schema else schema.get("additionalProperties")
            places = (
                (f"{path}.{name}", each, properties.get(name, others))
                for name, each in value.items()
            )
        else:
            return None
        problems = (self.problem(each, part, place) for place, each, part in places)
        return next(filter(None, problems), None)

    def _referred(self, reference: object) -> object:
        """The schema that a reference within the schema leads to; any other allows all."""
        first, *names = str(reference).split("/")
        found: object = self._root if first == "#" else None
        for name in names:
            name = name.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _plain(value: object, schema: JsonObject, path: str) -> Problem:
    wanted = schema.get("type")
    names = wanted if isinstance(wanted, list) else [wanted]
    tests = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
    if tests and not any(test(value) for test in tests):
        return f"{path} is not of type {' or '.join(map(str, names))}"
    if isinstance(schema.get("enum"), list) and not _among(value, _list(schema["enum"])):
        return f"{path} is none of the allowed values"
    if "const" in schema and not _among(value, [schema["const"]]):
        return f"{path} is not the only allowed value"
    return None


def _among(value: object, allowed: list[object]) -> bool:
    # True == 1 in Python, and not in JSON.
    return any(value == each and isinstance(value, bool) == isinstance(each, bool)
               for each in allowed)  # fmt: skip


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
