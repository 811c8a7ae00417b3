"""Schemas as programs have them: made by pydantic, written for strict mode, given by tool servers.

Pydantic is the judge of its own: the sample has to make an object of the class.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, Field

from perdure.testing.schema_sample import sample
from perdure.wire.base import JsonObject, encode


class Unit(Enum):
    celsius = "c"
    fahrenheit = "f"


class Place(BaseModel):
    """Where; fields by alias, none more than these."""

    model_config = ConfigDict(extra="forbid")
    country_code: Annotated[str, Field(pattern="^[A-Z]{2}$", alias="countryCode")]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    share: Annotated[float, Field(gt=0, lt=1)]
    quantity: Annotated[int, Field(ge=5, multiple_of=4)]


class ByTrain(BaseModel):
    kind: Literal["train"]
    seats: Annotated[list[int], Field(min_length=2, max_length=3)]


class ByFoot(BaseModel):
    kind: Literal["foot"]
    hours: Annotated[Decimal, Field(gt=0, max_digits=4)]


class Trip(BaseModel):
    """Everything at once."""

    place: Place
    places: Annotated[list[Place], Field(min_length=1)]
    way: Annotated[ByTrain | ByFoot, Field(discriminator="kind")]
    unit: Unit
    other_unit: Unit | None
    days: Annotated[set[Literal["mon", "tue", "wed"]], Field(min_length=2)]
    hours: Annotated[set[Annotated[int, Field(ge=3, le=9)]], Field(min_length=3)]
    names: Annotated[set[str], Field(min_length=2)]
    on: date
    at: datetime
    from_: time
    lasts: timedelta
    id: UUID
    link: AnyUrl
    hosts: tuple[IPv4Address, IPv6Address]
    prices: dict[str, float]
    note: str | None = None
    pair: tuple[int, str]
    flag: bool
    either: int | str


class Tree(BaseModel):
    label: Annotated[str, Field(min_length=3, max_length=5)]
    children: "list[Tree]"
    parent: "Tree | None"


@pytest.mark.parametrize("kind", [Trip, Tree, Place, ByTrain, ByFoot])
def test_what_pydantic_describes_it_accepts(kind: type[BaseModel]) -> None:
    kind.model_validate_json(encode(sample(kind.model_json_schema())))


@pytest.mark.parametrize(
    "schema",
    [
        {  # strict mode: all is required, what may be left out is null
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What to look for."},
                "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 50},
                "filters": {
                    "type": ["array", "null"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "field": {"enum": ["author", "title"], "type": "string"},
                            "value": {"anyOf": [{"type": "string"}, {"type": "number"}]},
                        },
                        "required": ["field", "value"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["query", "limit", "filters"],
            "additionalProperties": False,
        },
        {  # a tool that edits files
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "edits": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "oldText": {"type": "string", "minLength": 1},
                            "newText": {"type": "string"},
                        },
                        "required": ["oldText", "newText"],
                    },
                },
                "dryRun": {"type": "boolean", "default": False},
                "mode": {"type": "string", "pattern": "^0[0-7]{3}$"},
            },
            "required": ["path", "edits", "owner"],
        },
        {  # one that has labels, each once
            "type": "object",
            "properties": {
                "labels": {"type": "array", "items": {"type": "string"}, "uniqueItems": True,
                           "minItems": 3},
                "milestone": {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
                "assignees": {"type": "array", "uniqueItems": True, "minItems": 2,
                              "items": {"$ref": "#/definitions/user"}},
                "ratios": {"type": "array", "uniqueItems": True, "minItems": 4,
                           "items": {"type": "number", "minimum": 0, "multipleOf": 0.25}},
                "switches": {"type": "array", "uniqueItems": True, "minItems": 2,
                             "items": {"type": "boolean"}},
            },
            "definitions": {
                "user": {"type": "object", "properties": {"login": {"type": "string",
                         "maxLength": 39}, "bot": {"const": False}}, "required": ["login"]}
            },
        },
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object"},
    ],
)  # fmt: skip
def test_what_tools_describe_is_satisfied(schema: JsonObject) -> None:
    jsonschema.validate(sample(schema), schema)
