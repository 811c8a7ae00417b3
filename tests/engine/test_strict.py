"""Whether an answer has the shape that a strict JSON schema promises."""

import asyncio
import json

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perdure.engine import strict
from perdure.wire.base import JsonObject
from perdure.wire.formats import JsonSchema, JsonSchemaFormat
from perdure.wire.messages import RefusalPart, TextContent, TextPart

PERSON: JsonObject = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": ["integer", "null"]},
        "mood": {"enum": ["good", "bad"]},
        "friends": {"type": "array", "items": {"$ref": "#"}},
        "home": {"anyOf": [{"$ref": "#/$defs/town"}, {"type": "null"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"town": {"type": "object", "required": ["zip"]}},
}


def breach(answer: str, schema: JsonObject) -> str | None:
    wanted = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema=schema, strict=True))
    return asyncio.run(strict.breach(wanted, [TextPart(text=TextContent(value=answer))]))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"name": "Ann"}', None),
        ('{"name": "Ann", "age": 7, "mood": "good", "home": {"zip": 1}}', None),
        ('{"name": "Ann", "age": 7.0, "home": null, "friends": [{"name": "Bo"}]}', None),
        ("Her name is Ann.", "it is no JSON"),
        ('```json\n{"name": "Ann"}\n```', "it is no JSON"),
        ("", "it is no JSON"),
        ("[" * 5000, "it is no JSON"),
        ("[]", "$ is not of type object"),
        ("{}", "$.name is missing"),
        ('{"name": 7}', "$.name is not of type string"),
        ('{"name": "Ann", "age": true}', "$.age is not of type integer or null"),
        ('{"name": "Ann", "age": 7.5}', "$.age is not of type integer or null"),
        ('{"name": "Ann", "mood": "so so"}', "$.mood is none of the allowed values"),
        ('{"name": "Ann", "pet": "cat"}', "$.pet should not be there"),
        ('{"name": "Ann", "friends": [{"name": "Bo"}, {}]}', "$.friends[1].name is missing"),
        ('{"name": "Ann", "home": {}}', "$.home fits none of anyOf"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(answer: str, problem: str | None) -> None:
    expected = problem and (
        f"The model's answer does not fit the strict JSON schema 'x': {problem}. The model server "
        "may not support response_format json_schema."
    )
    assert breach(answer, PERSON) == expected


async def test_nothing_is_asked_of_what_was_not_promised() -> None:
    unpromised = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema=PERSON, strict=False))
    answer = [TextPart(text=TextContent(value="Her name is Ann."))]
    assert await strict.breach(unpromised, answer) is None
    wanted = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema=PERSON, strict=True))
    assert await strict.breach(wanted, [RefusalPart(refusal="I cannot say.")]) is None
    assert await strict.breach(None, answer) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"allOf": [{"$ref": "#"}, False]}, {"allOf": [{"$ref": "#"}, False]}]},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"type": 7, "enum": 7, "required": 7, "properties": 7, "anyOf": 7, "items": 7},
        {"type": [[]], "required": [[], 7, None], "properties": {"a": 7}, "$defs": []},
        {"pattern": "(a+)+$", "type": "string"},
    ],
)
@pytest.mark.parametrize("answer", [f'"{"a" * 5000}!"', "{}", "[[]]"])
def test_a_schema_that_cannot_be_read_allows_all_and_is_looked_up_nowhere(
    answer: str, schema: JsonObject
) -> None:
    assert breach(answer, schema) is None or schema.get("type") == "string"


def branching(depth: int) -> JsonObject:
    """A schema of a few kilobytes whose parts are compared two to the power of depth times."""
    parts: JsonObject = {
        f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(depth)
    }
    return {"$ref": "#/$defs/a0", "$defs": parts}


NAMES = [f"name_{number}" for number in range(10_000)]


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        (7, branching(64)),
        ([NAMES[-1]] * 5_000, {"items": {"enum": NAMES}}),
        ([7] * 5_000, {"items": {"type": [*NAMES, "integer"]}}),
        ([dict.fromkeys(NAMES[:3])] * 5_000, {"items": {"required": NAMES[:3] * 5_000}}),
        ([7] * 5_000, {"items": {"$ref": "#" + "/a" * 100_000}}),
        ([NAMES] * 50, {"items": {"allOf": [{"enum": [NAMES, 7]}] * 500}}),
        ([dict.fromkeys(NAMES)] * 50, {"items": {"allOf": [{"const": dict.fromkeys(NAMES)}] * 50}}),
    ],
    ids=["branches", "enum", "types", "required", "reference", "array", "object"],
)
def test_what_is_compared_is_bounded(answer: object, schema: JsonObject) -> None:
    """The comparisons that are left out are believed. Without the bound this takes minutes."""
    assert breach(json.dumps(answer), schema) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
SCHEMAS: st.SearchStrategy[object] = st.recursive(
    st.booleans()
    | st.builds(lambda name: {"type": name}, st.sampled_from(TYPES))
    | st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=2))
    | st.builds(lambda value: {"const": value}, VALUES),
    lambda inner: (
        st.builds(lambda schemas: {"anyOf": schemas}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda schemas: {"allOf": schemas}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda schema: {"type": "array", "items": schema}, inner)
        | st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)},
            optional={
                "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
                "additionalProperties": inner,
            },
        )
    ),
    max_leaves=4,
)


@example({"const": [1]}, [True])
@example({"enum": [{"a": 0}]}, {"a": False})
@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)), VALUES)
def test_it_agrees_with_a_whole_validator(schema: JsonObject, value: object) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    assert (breach(json.dumps(value), schema) is None) == validator.is_valid(value)
