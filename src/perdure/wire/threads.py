"""Thread (spec 01 §4, 02 §5)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Metadata, Object
from perdure.wire.messages import Attachment, CreateMessage, PartInput, Text
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


class ChangedMessage(Body):
    """The changes of the copy of a message. An absent field is copied; null clears it."""

    id: str
    content: Text | Annotated[list[PartInput], Meta(min_length=1)] | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class CopyThread(Body):
    """A request to copy a thread. An extension.

    `up_to` is the id of the last message that is copied; without it all are. `messages` changes
    some of those. `metadata` takes the place of the thread's own.
    """

    up_to: str | None = None
    messages: Annotated[list[ChangedMessage], Meta(max_length=32)] | None = None
    metadata: Metadata | UnsetType | None = UNSET
