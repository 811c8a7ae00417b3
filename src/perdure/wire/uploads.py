"""Upload and its parts (spec 01 §13, 02 §11)."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from perdure.lifecycle import UploadStatus
from perdure.wire.base import Body, Object
from perdure.wire.files import File, FileExpiresAfter, InputPurpose

MAX_PART_BYTES = 64 * 1024 * 1024
MAX_UPLOAD_BYTES = 8 * 1024 * 1024 * 1024

# A part may be empty, and so may a file: but no file needs more parts than this.
_MAX_PARTS = 10_000
_Bytes: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_UPLOAD_BYTES)]


class Upload(Object, kw_only=True):
    """An upload. `bytes` is the size that the client announced; `file` is set when it is
    completed.
    """

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    filename: str
    purpose: InputPurpose
    status: UploadStatus = UploadStatus.PENDING
    expires_at: int
    file: File | UnsetType = UNSET


class Part(Object, kw_only=True):
    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str


class CreateUpload(Body):
    """A request to create an upload. `mime_type` is accepted and not used: the file's name gives
    its type.
    """

    filename: Annotated[str, Meta(min_length=1)]
    purpose: InputPurpose
    bytes: _Bytes
    mime_type: str
    expires_after: FileExpiresAfter | None = None


class CompleteUpload(Body):
    """The ids of the parts in the order of the file; `md5` is the sum of the whole, in hex."""

    part_ids: Annotated[list[str], Meta(max_length=_MAX_PARTS)]
    md5: str | None = None
