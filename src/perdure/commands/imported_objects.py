"""The form in which objects of another server are stored here (spec 10 §3.2): what was in hand
there is cut off, and what this server computes is left out.
"""

from typing import Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from perdure import lifecycle
from perdure.lifecycle import MessageStatus, RunStatus, StepStatus, VectorStoreFileStatus
from perdure.wire.assistants import Assistant
from perdure.wire.base import JsonObject, encode
from perdure.wire.files import File
from perdure.wire.messages import IncompleteMessage, Message, TextContent, TextPart
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.usage import Usage
from perdure.wire.vector_store_files import FileError, VectorStoreFile
from perdure.wire.vector_stores import FileCounts, VectorStore

T = TypeVar("T")

OnConflict = Literal["skip", "fail", "replace"]

# The key of an assistant's metadata that names the tools that cannot run here.
UNSUPPORTED = "perdure:unsupported_tools"
LACKING = (
    "Its content is missing: what was imported does not have it. Supply it with perdure files "
    "supply."
)
_LACKING_THERE = FileError(
    code="invalid_file",
    message="The content of the file is missing. Supply it with perdure files supply, and it is "
    "read.",
)
_UNKNOWN_ERROR = FileError(code="server_error", message="It had failed before it was imported.")
_DAY = 86_400
_MOST_METADATA, _MOST_VALUE = 16, 512
# An imported run has the epoch that a claim would have given it.
_EPOCH = 1


class ImportOptions(NamedTuple):
    """The manner of an import.

    All go to `project`, or else to the one that their line names. `keeps_seq`: they keep their
    places. `fills_gaps`: what is named and not there becomes a row that says so; else it was
    deleted where it came from. `keep_expired`: nothing expires.
    """

    now: int
    project: str | None = None
    on_conflict: OnConflict = "skip"
    keep_expired: bool = False
    keeps_seq: bool = False
    fills_gaps: bool = True


def file(found: File, *, bytes_: int | None, keep_expired: bool) -> File:
    """Returns a file with so many bytes of content, or without any (None)."""
    if keep_expired:
        found = replace(found, expires_at=None)
    if bytes_ is None:
        return replace(found, status="error", status_details=LACKING)
    is_healed = found.status == "error" and found.status_details == LACKING
    if is_healed:
        found = replace(found, status="processed", status_details=None)
    return replace(found, bytes=bytes_)


def missing_file(file_id: str, *, now: int) -> File:
    """Returns the file that stands for one that is named and not there."""
    return File(
        id=file_id,
        bytes=0,
        created_at=now,
        filename=file_id,
        purpose="assistants",
        status="error",
        status_details=LACKING,
    )


def is_lacking(found: File) -> bool:
    """Returns True if the content of a file is missing."""
    return found.status == "error" and found.status_details == LACKING


def vector_store(found: VectorStore, *, keep_expired: bool) -> VectorStore:
    """Returns a vector store without what is computed from its files, with the times of its policy:
    it expires so many days after its last use.
    """
    policy = None if keep_expired else found.expires_after
    used = found.created_at if found.last_active_at is None else found.last_active_at
    if policy is not None and found.expires_at is not None:
        used = found.expires_at - policy.days * _DAY
    return replace(
        found,
        usage_bytes=0,
        file_counts=FileCounts(),
        status="completed",
        expires_after=policy,
        last_active_at=used,
        expires_at=None if policy is None else used + policy.days * _DAY,
    )


def missing_vector_store(store_id: str, *, now: int) -> VectorStore:
    """Returns the empty vector store that stands for one that is named and not there."""
    return VectorStore(id=store_id, created_at=now, name=store_id, last_active_at=now)


def without_use(found: VectorStore) -> VectorStore:
    """Returns a vector store without the times of its last use, to be compared."""
    return replace(vector_store(found, keep_expired=False), last_active_at=None, expires_at=None)


def vector_store_file(found: VectorStoreFile, *, lacking: bool) -> VectorStoreFile:
    """Returns a file of a vector store as it waits to be read; one that had failed or was cancelled
    stays so, and one whose content is missing has failed.
    """
    found = replace(found, usage_bytes=0)
    ended = (VectorStoreFileStatus.FAILED, VectorStoreFileStatus.CANCELLED)
    if lacking:
        return replace(found, status=VectorStoreFileStatus.FAILED, last_error=_LACKING_THERE)
    if found.status not in ended or found.last_error == _LACKING_THERE:
        return replace(found, status=VectorStoreFileStatus.IN_PROGRESS, last_error=None)
    if found.status == VectorStoreFileStatus.CANCELLED:
        return replace(found, last_error=None)
    return replace(found, last_error=found.last_error or _UNKNOWN_ERROR)


def assistant(found: Assistant, unsupported: list[JsonObject] | None) -> Assistant:
    """Returns an assistant whose metadata names the tools that cannot run here."""
    metadata = found.metadata
    if not unsupported or UNSUPPORTED in metadata or len(metadata) >= _MOST_METADATA:
        return found
    names = ", ".join(dict.fromkeys(str(tool.get("type")) for tool in unsupported))
    return replace(found, metadata={**metadata, UNSUPPORTED: names[:_MOST_VALUE]})


def is_in_hand(found: Run | RunStep | Message) -> bool:
    """Returns True if the object had not ended where it came from."""
    if isinstance(found, Run):
        return found.status in lifecycle.ACTIVE
    if isinstance(found, RunStep):
        return found.status == StepStatus.IN_PROGRESS
    return found.status == MessageStatus.IN_PROGRESS


def run(found: Run, usage: Usage | None, *, now: int) -> Run:
    """Returns a run that has ended; one in hand is cancelled, and used what its steps did."""
    if not is_in_hand(found):
        return found
    return replace(
        found,
        status=RunStatus.CANCELLED,
        cancelled_at=now,
        expires_at=None,
        required_action=None,
        usage=usage,
    )


def step(found: RunStep, *, now: int) -> RunStep:
    """Returns a step that has ended; an open one is cancelled."""
    if not is_in_hand(found):
        return found
    return replace(found, status=StepStatus.CANCELLED, cancelled_at=now, expires_at=None)


def message(found: Message, *, now: int) -> Message:
    """Returns a message that has ended; an open one is incomplete, and has a part of text."""
    if found.status == MessageStatus.COMPLETED:
        if found.completed_at is not None:
            return found
        return replace(found, completed_at=found.created_at)
    if not is_in_hand(found):
        return found
    return replace(
        found,
        status=MessageStatus.INCOMPLETE,
        incomplete_details=IncompleteMessage(reason="run_cancelled"),
        incomplete_at=now,
        content=found.content or [TextPart(text=TextContent(value=""))],
    )


def run_columns(found: Run, *, project: str) -> dict[str, object]:
    """Returns the columns of a run that has ended."""
    stamps = (found.completed_at, found.failed_at, found.cancelled_at)
    ended = next((each for each in stamps if each is not None), None)
    if ended is None:
        ended = found.created_at if found.expires_at is None else found.expires_at
    error = found.last_error.code if found.last_error else "server_error"
    return {
        "id": found.id,
        "project": project,
        "thread_id": found.thread_id,
        "status": found.status,
        "expires_at": found.expires_at,
        "ended_at": ended,
        "epoch": 0 if found.started_at is None else _EPOCH,
        "queued_at": float(found.created_at),
        "created_at": found.created_at,
        "assistant_id": found.assistant_id,
        "model": found.model,
        "error_code": error if found.status == RunStatus.FAILED else None,
        "body": encode(found).decode(),
    }


def step_columns(found: RunStep, *, project: str) -> dict[str, object]:
    """Returns the columns of a step that has ended."""
    return {
        "id": found.id,
        "project": project,
        "thread_id": found.thread_id,
        "run_id": found.run_id,
        "status": found.status,
        "usage": encode(found.usage).decode() if found.usage else None,
        "body": encode(found).decode(),
    }
