"""A batch of files that go into a vector store together (spec 01 §10, 02 §9)."""

from typing import Annotated, Literal

from msgspec import Meta

from perdure.wire.base import Body, Object
from perdure.wire.chunking import AskedChunking
from perdure.wire.vector_store_files import Attributes, CreateVectorStoreFile
from perdure.wire.vector_stores import FileCounts


class FileBatch(Object, kw_only=True):
    """A file batch. The live service sent `vector_store.file_batch`; its description says
    `…files_batch`.

    `status` and `file_counts` are computed from the batch's files each time.
    """

    id: str
    object: Literal["vector_store.file_batch"] = "vector_store.file_batch"
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"] = "in_progress"
    file_counts: FileCounts = FileCounts()


class CreateFileBatch(Body):
    """A request with `file_ids`, which share the other fields, or with `files`, which have their
    own.
    """

    file_ids: Annotated[list[str], Meta(min_length=1, max_length=2000)] | None = None
    files: Annotated[list[CreateVectorStoreFile], Meta(min_length=1, max_length=2000)] | None = None
    chunking_strategy: AskedChunking | None = None
    attributes: Attributes | None = None
