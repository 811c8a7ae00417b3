"""Checks answers against strict JSON schemas (spec 01 §2.7).

Programs read such an answer without looking, because the original service made it fit. A model
server may take the schema and ignore it; then it is better that the run fails than that the
program gets something else. What is checked is the shape: types, fields, choices. Patterns,
formats and bounds are not: no pattern of a client's is run here.

The schema is the client's and the answer the model's, so each comparison is counted, and the
check runs in a thread. docs/design.md says why no library does this.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
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
_MOST_COMPARED = 100_000

Problem: TypeAlias = str | None


async def breach(wanted: ResponseFormat | None, content: Sequence[Part]) -> Problem:
    """The first fault of an answer; None if there is none, or if nothing was promised."""
    if not isinstance(wanted, JsonSchemaFormat) or not wanted.json_schema.strict:
        return None
    if not all(isinstance(part, TextPart) for part in content):
        return None  # a refusal is told apart by its part
    schema = wanted.json_schema.schema or {}
    problem = await asyncio.to_thread(_mismatch, _text(content), schema)
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
        problem = _Check(schema).problem(value, schema)
    except (RecursionError, _TooMuchError):
        return None
    return None if problem is None else f"${problem}"


class _TooMuchError(Exception):
    """More comparisons than a check may have."""


class _Check:
    """Compares values with the parts of one schema.

    A problem begins with the path below the value that it was found in: `.name is missing`.
    """

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._compared = 0
        self._targets: dict[str, object] = {}

    def problem(self, value: object, schema: object) -> Problem:
        """The first thing that is wrong with a value. A schema that cannot be read allows all."""
        self._count()
        if schema is False:
            return " should not be there"
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.problem(value, self._target(str(schema["$ref"])))
        return (
            self._plain(value, schema)
            or self._alternatives(value, schema)
            or self._members(value, schema)
        )

    def _count(self) -> None:
        self._compared += 1
        if self._compared > _MOST_COMPARED:
            raise _TooMuchError

    def _counted(self, items: object) -> Iterator[object]:
        """The items of a list in a schema; none of what is no list."""
        for item in items if isinstance(items, list) else ():
            self._count()
            yield item

    def _plain(self, value: object, schema: JsonObject) -> Problem:
        wanted = schema.get("type")
        names = [*self._counted(wanted if isinstance(wanted, list) else [wanted])]
        tests = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
        if tests and not any(test(value) for test in tests):
            return f" is not of type {' or '.join(map(str, names))}"
        if isinstance(allowed := schema.get("enum"), list) and not any(
            self._equal(value, each) for each in allowed
        ):
            return " is none of the allowed values"
        if "const" in schema and not self._equal(value, schema["const"]):
            return " is not the only allowed value"
        return None

    def _alternatives(self, value: object, schema: JsonObject) -> Problem:
        parts = (self.problem(value, part) for part in self._counted(schema.get("allOf")))
        if problem := next(filter(None, parts), None):
            return problem
        for name in ("anyOf", "oneOf"):
            problems = [self.problem(value, each) for each in self._counted(schema.get(name))]
            if problems and all(problems):
                return f" fits none of {name}"
        return None

    def _members(self, value: object, schema: JsonObject) -> Problem:
        if isinstance(value, list):
            item = schema.get("items")
            return self._first((f"[{place}]", each, item) for place, each in enumerate(value))
        if not isinstance(value, dict):
            return None
        for name in self._counted(schema.get("required")):
            if isinstance(name, str) and name not in value:
                return f".{name} is missing"
        known = schema.get("properties")
        properties = known if isinstance(known, dict) else {}
        others = None if "patternProperties" in schema else schema.get("additionalProperties")
        return self._first(
            (f".{name}", each, properties.get(name, others)) for name, each in value.items()
        )

    def _first(self, members: Iterable[tuple[str, object, object]]) -> Problem:
        problems = ((place, self.problem(each, part)) for place, each, part in members)
        return next((f"{place}{problem}" for place, problem in problems if problem), None)

    def _equal(self, value: object, other: object) -> bool:
        """Returns true if both are the same JSON; Python says that `True == 1`."""
        self._count()
        if isinstance(value, dict) and isinstance(other, dict):
            return len(value) == len(other) and all(
                name in other and self._equal(each, other[name]) for name, each in value.items()
            )
        if isinstance(value, list) and isinstance(other, list):
            return len(value) == len(other) and all(
                self._equal(each, expected) for each, expected in zip(value, other, strict=True)
            )
        return value == other and isinstance(value, bool) == isinstance(other, bool)

    def _target(self, reference: str) -> object:
        """The schema that a reference within the schema leads to; any other allows all."""
        if reference not in self._targets:
            first, *names = reference.split("/")
            found: object = self._root if first == "#" else None
            for name in names:
                name = name.replace("~1", "/").replace("~0", "~")
                found = found.get(name) if isinstance(found, dict) else None
            self._targets[reference] = found
        return self._targets[reference]
