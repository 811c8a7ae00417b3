"""A file in a vector store (spec 01 §9, 02 §9)."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from perdure.lifecycle import VectorStoreFileStatus
from perdure.wire.base import Body, Object
from perdure.wire.chunking import AskedChunking, StaticChunking

# At most 16 keys of up to 64 characters; texts up to 512 (spec 01 §2.2).
Attributes: TypeAlias = Annotated[
    dict[
        Annotated[str, Meta(max_length=64)],
        Annotated[str, Meta(max_length=512)] | int | float | bool,
    ],
    Meta(max_length=16),
]


class FileError(Object):
    """The reason why a file failed: its type is unknown, it cannot be read, or the server has a
    fault.
    """

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class VectorStoreFile(Object, kw_only=True):
    """A file in a vector store. `usage_bytes` is the size of its chunks in the index, 0 while it is
    in progress.
    """

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    usage_bytes: int = 0
    vector_store_id: str
    status: VectorStoreFileStatus = VectorStoreFileStatus.IN_PROGRESS
    last_error: FileError | None = None
    chunking_strategy: StaticChunking
    attributes: Attributes = {}


class CreateVectorStoreFile(Body):
    """A request to add a file. `read_again` is an extension: a file that was completed is read
    anew, and is not found by searches until it has been.
    """

    file_id: str
    chunking_strategy: AskedChunking | None = None
    attributes: Attributes | None = None
    read_again: bool = False


class ModifyVectorStoreFile(Body):
    """A request to replace the attributes; null clears them."""

    attributes: Attributes | None


class ContentText(Object, tag_field="type", tag="text"):
    text: str


class FileChunk(Object, kw_only=True):
    """A chunk of a file, as it is stored and found. An extension.

    `index` counts the chunks of the file from 0. `text` begins with the `heading`, if there is one:
    what the chunk repeats from earlier in the file's text. `start_index` and `end_index` are the
    place of the rest in that text, in characters; neighbours overlap. `tokens` is the size of
    `text`.
    """

    id: str
    object: Literal["vector_store.file.chunk"] = "vector_store.file.chunk"
    vector_store_id: str
    file_id: str
    index: int
    text: str
    heading: str | None
    start_index: int
    end_index: int
    tokens: int


class FileContentPage(Object, kw_only=True):
    """The text that was read of a file, in order (spec 01 §11)."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[ContentText]
    has_more: bool = False
    next_page: str | None = None
