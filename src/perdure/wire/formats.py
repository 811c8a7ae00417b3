"""The format of an answer: `response_format` (spec 01 §2.7)."""

from typing import Literal, TypeAlias

from perdure.wire.base import Body, JsonObject, Name


class TextFormat(Body, tag_field="type", tag="text"):
    pass


class JsonObjectFormat(Body, tag_field="type", tag="json_object"):
    pass


class JsonSchema(Body, omit_defaults=True):
    name: Name
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None


class JsonSchemaFormat(Body, tag_field="type", tag="json_schema"):
    json_schema: JsonSchema


ResponseFormat: TypeAlias = Literal["auto"] | TextFormat | JsonObjectFormat | JsonSchemaFormat

# Accepted as the superset of what any SDK knows (spec 01 §2.10).
ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
