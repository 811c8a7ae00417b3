"""Thread (spec 01 §4, 02 §5)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Metadata, Object
from perdure.wire.messages import CreateMessage
from perdure.wire.tools import CreateToolResources, ToolResources


class Thread(Object, kw_only=True):
    id: str
    object: Literal["thread"] = "thread"
    created_at: int
    metadata: Metadata = {}
    tool_resources: ToolResources | None = ToolResources()


class CreateThread(Body):
    # 32: the service's own error named the number (spec 05 §3.4)
    messages: Annotated[list[CreateMessage], Meta(max_length=32)] | None = None
    tool_resources: CreateToolResources | None = None
    metadata: Metadata | None = None


class ModifyThread(Body):
    tool_resources: ToolResources | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
