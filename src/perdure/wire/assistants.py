"""Assistant (spec 01 §3, 02 §4)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Instructions, Metadata, Object, Temperature, TopP
from perdure.wire.formats import ReasoningEffort, ResponseFormat
from perdure.wire.tools import CreateToolResources, Tool, ToolResources, Tools

AssistantName = Annotated[str, Meta(max_length=256)]
Description = Annotated[str, Meta(max_length=512)]


class Assistant(Object, kw_only=True):
    id: str
    object: Literal["assistant"] = "assistant"
    created_at: int
    name: str | None = None
    description: str | None = None
    model: str
    instructions: str | None = None
    tools: list[Tool] = []
    top_p: float | None = 1.0
    temperature: float | None = 1.0
    reasoning_effort: ReasoningEffort | None = None
    tool_resources: ToolResources | None = ToolResources()
    metadata: Metadata = {}
    response_format: ResponseFormat | None = "auto"


class CreateAssistant(Body):
    model: str
    name: AssistantName | None = None
    description: Description | None = None
    instructions: Instructions | None = None
    tools: Tools = []
    tool_resources: CreateToolResources | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class ModifyAssistant(Body):
    """A request to modify an assistant. An absent field keeps its value, a value replaces it, and
    null clears it where the field can be cleared.
    """

    model: str | UnsetType = UNSET
    name: AssistantName | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    instructions: Instructions | UnsetType | None = UNSET
    tools: Tools | UnsetType = UNSET
    tool_resources: ToolResources | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    top_p: TopP | UnsetType | None = UNSET
    response_format: ResponseFormat | UnsetType | None = UNSET
    reasoning_effort: ReasoningEffort | UnsetType | None = UNSET
