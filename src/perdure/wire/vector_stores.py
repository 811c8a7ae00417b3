"""Vector store (spec 01 §8, 02 §9)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Metadata, Object
from perdure.wire.chunking import AskedChunking


class VectorStoreExpiresAfter(Body):
    """Days without use until the vector store expires (spec 01 §2.6)."""

    anchor: Literal["last_active_at"]
    days: Annotated[int, Meta(ge=1, le=365)]


class FileCounts(Object, kw_only=True):
    """The number of files in each status; `total` is their sum."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStore(Object, kw_only=True):
    """A vector store. `status`, `usage_bytes` and `file_counts` are computed from its files each
    time.
    """

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str | None = None
    description: str | None = None
    usage_bytes: int = 0
    file_counts: FileCounts = FileCounts()
    status: Literal["in_progress", "completed", "expired"] = "completed"
    expires_after: VectorStoreExpiresAfter | None = None
    expires_at: int | None = None
    last_active_at: int | None
    metadata: Metadata = {}


class CreateVectorStore(Body):
    name: str | None = None
    description: str | None = None
    file_ids: Annotated[list[str], Meta(max_length=500)] | None = None
    chunking_strategy: AskedChunking | None = None
    expires_after: VectorStoreExpiresAfter | None = None
    metadata: Metadata | None = None


class ModifyVectorStore(Body):
    name: str | UnsetType | None = UNSET
    expires_after: VectorStoreExpiresAfter | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
