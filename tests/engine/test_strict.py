"""Whether an answer has the shape that a strict JSON schema promises."""

import json

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
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


def breach(answer: str, schema: JsonObject, *, promised: bool = True) -> str | None:
    wanted = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema=schema, strict=promised))
    return strict.breach(wanted, [TextPart(text=TextContent(value=answer))])


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


def test_nothing_is_asked_of_what_was_not_promised() -> None:
    assert breach("Her name is Ann.", PERSON, promised=False) is None
    wanted = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema=PERSON, strict=True))
    assert strict.breach(wanted, [RefusalPart(refusal="I cannot say.")]) is None
    assert strict.breach(None, [TextPart(text=TextContent(value="Ann"))]) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"allOf": [{"$ref": "#"}, False]}, {"allOf": [{"$ref": "#"}, False]}]},
        {"$ref": "https://example.com/schema.json"},
        {"type": 7, "enum": 7, "required": 7, "properties": 7, "anyOf": 7, "items": 7},
        {"pattern": "(a+)+$", "type": "string"},
    ],
)
def test_no_schema_takes_for_ever_or_is_looked_up_elsewhere(schema: JsonObject) -> None:
    """What cannot be compared is believed, and nobody is asked for it."""
    breach(f'"{"a" * 5000}!"', schema)


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


@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)), VALUES)
def test_it_agrees_with_a_whole_validator(schema: JsonObject, value: object) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    assert (breach(json.dumps(value), schema) is None) == validator.is_valid(value)
