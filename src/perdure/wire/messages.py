"""Message (spec 01 §5, 02 §6)."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from perdure.lifecycle import MessageStatus
from perdure.wire.base import Body, Metadata, Object

Detail: TypeAlias = Literal["auto", "low", "high"]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256_000)]


class ImageFile(Body):
    file_id: str
    detail: Detail = "auto"


class ImageFilePart(Body, tag_field="type", tag="image_file"):
    image_file: ImageFile


class ImageUrl(Body):
    url: str
    detail: Detail = "auto"


class ImageUrlPart(Body, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class FileCitation(Object):
    file_id: str


class FileCitationAnnotation(Object, tag_field="type", tag="file_citation"):
    text: str
    start_index: int
    end_index: int
    file_citation: FileCitation


class FilePath(Object):
    file_id: str


class FilePathAnnotation(Object, tag_field="type", tag="file_path"):
    text: str
    start_index: int
    end_index: int
    file_path: FilePath


Annotation: TypeAlias = FileCitationAnnotation | FilePathAnnotation


class TextContent(Object):
    value: str
    annotations: list[Annotation] = []


class TextPart(Object, tag_field="type", tag="text"):
    text: TextContent


class RefusalPart(Object, tag_field="type", tag="refusal"):
    refusal: str


Part: TypeAlias = TextPart | ImageFilePart | ImageUrlPart | RefusalPart


class AttachmentTool(Body):
    type: Literal["code_interpreter", "file_search"]


class Attachment(Body):
    """An attachment. It is returned as it was sent, so that absent tools stay absent (spec 01
    §5).
    """

    file_id: str
    tools: list[AttachmentTool] | UnsetType = UNSET


class IncompleteMessage(Object):
    reason: Literal["content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"]


class Message(Object, kw_only=True):
    """A message: all fields that the live service sent in REST and in streams (spec 01 §5)."""

    id: str
    object: Literal["thread.message"] = "thread.message"
    created_at: int
    thread_id: str
    status: MessageStatus = MessageStatus.COMPLETED
    incomplete_details: IncompleteMessage | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    role: Literal["user", "assistant"]
    content: list[Part]
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: list[Attachment] | None = []
    metadata: Metadata = {}


class TextInput(Body, tag_field="type", tag="text"):
    """A text part of a request; here the text is a plain string."""

    text: Text


PartInput: TypeAlias = TextInput | ImageFilePart | ImageUrlPart


class CreateMessage(Body):
    role: Literal["user", "assistant"]
    content: Text | Annotated[list[PartInput], Meta(min_length=1)]
    attachments: list[Attachment] | None = None
    metadata: Metadata | None = None


class ModifyMessage(Body):
    metadata: Metadata | UnsetType | None = UNSET


def parts(content: str | list[PartInput]) -> list[Part]:
    """Returns the stored form of a message's content."""
    if isinstance(content, str):
        return [TextPart(text=TextContent(value=content))]
    return [
        TextPart(text=TextContent(value=part.text)) if isinstance(part, TextInput) else part
        for part in content
    ]


def without_citations(message: Message) -> Message:
    """Returns the message without the markers of its citations."""
    return replace(message, content=[_without_markers(part) for part in message.content])


def _without_markers(part: Part) -> Part:
    if not isinstance(part, TextPart) or not part.text.annotations:
        return part
    kept, at = [], 0
    for note in part.text.annotations:
        if isinstance(note, FileCitationAnnotation):
            kept.append(part.text.value[at : note.start_index])
            at = note.end_index
    return TextPart(text=TextContent(value="".join([*kept, part.text.value[at:]])))


def text(message: Message) -> str:
    """Returns all text of a message, refusals too, with one line break between parts."""
    values = (
        part.text.value if isinstance(part, TextPart) else part.refusal
        for part in message.content
        if isinstance(part, TextPart | RefusalPart)
    )
    return "\n".join(values)
