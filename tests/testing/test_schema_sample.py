"""Sampled values satisfy their schemas."""

import json
import re

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.testing.pattern_sample import matching
from perdure.testing.schema_sample import sample
from perdure.wire.base import JsonObject

_NAMES = st.sampled_from(["a", "b", "c", "d"])


def _satisfies(schema: JsonObject) -> object:
    value = sample(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(value, schema, jsonschema.Draft202012Validator, format_checker=checker)
    return value


@st.composite
def _numbers(draw: st.DrawFn) -> JsonObject:
    """Bounds that leave room for a whole number, and a step that fits between them."""
    schema: JsonObject = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.integers(-1000, 1000))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        room = draw(st.integers(30, 100))
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = low + room
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 5, 7, 0.5, 0.25]))
    return schema


@st.composite
def _strings(draw: st.DrawFn) -> JsonObject:
    schema: JsonObject = {"type": "string"}
    least = draw(st.integers(0, 40))
    if draw(st.booleans()):
        schema["minLength"] = least
    if draw(st.booleans()):
        schema["maxLength"] = least + draw(st.integers(0, 10))
    return schema


_PLAIN: st.SearchStrategy[JsonObject] = st.sampled_from(
    [
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": ["null", "integer"]},
        {"enum": ["x", 1, None]},
        {"const": {"deep": [1]}},
        {"type": "string", "default": "given"},
        {"type": "integer", "examples": [41, 42]},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "email"},
        {"type": "string", "format": "ipv6"},
        {"type": "string", "pattern": "^[A-Z]{2}\\d{4}$"},
        {"$ref": "#/$defs/color"},
        {"$ref": "#/$defs/tree"},
        {},
    ]
)


@st.composite
def _object(draw: st.DrawFn, inner: st.SearchStrategy[JsonObject]) -> JsonObject:
    properties = draw(st.dictionaries(_NAMES, inner, max_size=4))
    required = draw(st.lists(st.sampled_from([*properties, "other"]), unique=True))
    schema: JsonObject = {"type": "object", "properties": properties, "required": required}
    if "other" not in required:
        schema["additionalProperties"] = draw(st.sampled_from([False, True]))
    return schema


@st.composite
def _array(draw: st.DrawFn, inner: st.SearchStrategy[JsonObject]) -> JsonObject:
    least = draw(st.integers(0, 4))
    return {"type": "array", "items": draw(inner), "minItems": least, "maxItems": least + 1}


def _composed(inner: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
    options = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _object(inner),
        _array(inner),
        options.map(lambda each: {"anyOf": each}),
        inner.map(lambda each: {"oneOf": [each]}),
        inner.map(lambda each: {"allOf": [each, {"description": "x"}]}),
    )


_SCHEMAS = st.recursive(st.one_of(_PLAIN, _numbers(), _strings()), _composed, max_leaves=8)
_DEFS: JsonObject = {
    "color": {"type": "string", "enum": ["red", "green"]},
    "tree": {
        "type": "object",
        "properties": {
            "value": {"type": "integer"},
            "left": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            "more": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        },
        "required": ["value", "left", "more"],
        "additionalProperties": False,
    },
}


@given(_SCHEMAS)
def test_a_sampled_value_satisfies_its_schema(schema: JsonObject) -> None:
    _satisfies({**schema, "$defs": _DEFS})


@given(_SCHEMAS)
def test_a_schema_has_one_sample(schema: JsonObject) -> None:
    schema = {**schema, "$defs": _DEFS}
    assert sample(schema) == sample(json.loads(json.dumps(schema)))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "text"),
        ({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"},
          "exact": {"type": "boolean"}}}, {"city": "text", "days": 1, "exact": True}),
        ({"properties": {"a": {"minimum": 3}}}, {"a": 3}),
        ({"type": "array", "items": {"enum": ["x", "y"]}}, ["x"]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"type": "array", "maxItems": 0}, []),
        ({"prefixItems": [{"const": 1}, {"const": 2}]}, [1, 2]),
        ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5, "multipleOf": 5}, 10),
        ({"type": "integer", "multipleOf": 1.5}, 3),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, 0.25),
        ({"type": "number", "maximum": -2.5}, -2.5),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"allOf": [{"type": "integer", "minimum": 4}, {"minimum": 2, "maximum": 9}]}, 4),
        ({"allOf": [{"properties": {"a": {"type": "number"}}},
                    {"properties": {"a": {"minimum": 7}}}]}, {"a": 7}),
        ({"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]}, 3),
        ({"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}], "$defs": {"x": {}}}, None),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": "found"}}}, "found"),
        ({"required": ["x"], "additionalProperties": {"type": "integer"}}, {"x": 1}),
    ],
)  # fmt: skip
def test_samples_are_the_small_and_plain_ones(schema: JsonObject, value: object) -> None:
    assert _satisfies(schema) == value


def test_a_hint_stands_where_any_string_will_do() -> None:
    properties = {"city": {"type": "string"}, "unit": {"enum": ["C"]},
                  "day": {"type": "string", "format": "date"}}  # fmt: skip
    assert sample({"properties": properties}, hint="Paris") == {
        "city": "Paris", "unit": "C", "day": "2030-01-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}] * 8},
        {"type": "object", "properties": {f"p{n}": {"$ref": "#"} for n in range(8)},
         "required": [f"p{n}" for n in range(8)]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 50},
        {"type": "array", "minItems": 10**12},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 10**12, "uniqueItems": True},
        {"type": "string", "minLength": 10**12},
        {"type": "string", "pattern": "(((a{9999}){9999}){9999})"},
        {"type": "string", "pattern": "^(a+)+(b+)+$", "minLength": 60},
        {"type": "string", "pattern": "(" * 100_000},
        {"$ref": "#/nowhere/at/all"}, {"enum": []}, {"anyOf": []}, {"type": 5}, {"minimum": "1"},
        {"properties": [], "required": "x", "type": "object"}, {"items": 5, "prefixItems": {}},
    ],
)  # fmt: skip
def test_hostile_and_broken_schemas_get_a_value_in_no_time(schema: JsonObject) -> None:
    assert len(json.dumps(sample(schema))) < 100_000


@pytest.mark.parametrize(
    "pattern",
    ["^[a-z]+$", "^\\d{4}-\\d{2}-\\d{2}$", "^(red|green)$", "^[^@]+@[^@]+\\.com$", "a|b", "^$",
     "^#[0-9a-fA-F]{6}$", "^(?:\\+\\d{1,3} )?\\d{5,}$", "^[\\w.-]{3,}$", "x*y?z", "^[\\]a]$",
     "^[A-Z][a-z]{2,8}\\s\\S\\W\\D$", "^[^[]$", "\\bword\\b", "^v?\\d+(\\.\\d+){2}$", "^a{0}b$"],
)  # fmt: skip
@pytest.mark.parametrize("repeats", [0, 1, 7])
def test_a_text_for_a_pattern_matches_it(pattern: str, repeats: int) -> None:
    text = matching(pattern, repeats=repeats)
    assert text is not None
    assert re.search(pattern, text)


@pytest.mark.parametrize(
    "pattern", ["(?=a)b", "(?P<n>a)", "(a)\\1", "[", "(", ")", "*", "a{", "\\", "[^\\s\\S]"]
)
def test_patterns_beyond_us_are_passed_over(pattern: str) -> None:
    text = matching(pattern, repeats=1)
    assert text is None or re.search(pattern, text)


@given(least=st.integers(0, 30), room=st.integers(0, 5))
def test_lengths_and_patterns_go_together(least: int, room: int) -> None:
    _satisfies({"type": "string", "pattern": "^[a-z]+\\d*$", "minLength": max(1, least),
                "maxLength": max(1, least) + room})  # fmt: skip
