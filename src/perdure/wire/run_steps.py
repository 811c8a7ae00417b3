"""Run step (spec 01 §7)."""

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from perdure.lifecycle import StepStatus
from perdure.wire.base import Metadata, Object, decode, encode
from perdure.wire.usage import Usage
from perdure.wire.vector_store_files import Attributes, ContentText


class CreatedMessage(Object):
    message_id: str


class MessageCreation(Object, tag_field="type", tag="message_creation"):
    message_creation: CreatedMessage


class FunctionCall(Object):
    """The function of a call. `output` is null until it is submitted (spec 01 §7.2)."""

    name: str
    arguments: str
    output: str | None = None


class FunctionToolCall(Object, tag_field="type", tag="function"):
    id: str
    function: FunctionCall


class StepSearchRanking(Object):
    ranker: str = "default_2024_08_21"
    score_threshold: float = 0.0


class FileSearchResult(Object, kw_only=True):
    """A passage that was found. `content` is stored with the step, and returned to clients that ask
    for it (`include[]`, spec 01 §7.2).
    """

    file_id: str
    file_name: str
    score: float
    attributes: Attributes = {}
    content: list[ContentText] | UnsetType = UNSET


class FileSearch(Object):
    """A search. `queries` is an extension: the texts that the model searched for."""

    ranking_options: StepSearchRanking = StepSearchRanking()
    results: list[FileSearchResult] = []
    queries: list[str] = []


class FileSearchToolCall(Object, tag_field="type", tag="file_search"):
    id: str
    file_search: FileSearch = FileSearch()


class CodeLogs(Object, tag_field="type", tag="logs"):
    """Text that the code wrote: output, results, tracebacks, and notes of the server."""

    logs: str


class CodeImageFile(Object):
    file_id: str


class CodeImage(Object, tag_field="type", tag="image"):
    image: CodeImageFile


CodeOutput: TypeAlias = CodeLogs | CodeImage


class CodeFile(Object):
    """A file that the code wrote; `path` is its path as the code sees it."""

    path: str
    file_id: str


class CodeInterpreter(Object):
    """Code and its outputs. `files` is an extension: the files that the code left in /mnt/data, for
    download.
    """

    input: str = ""
    outputs: list[CodeOutput] = []
    files: list[CodeFile] = []


class CodeInterpreterToolCall(Object, tag_field="type", tag="code_interpreter"):
    id: str
    code_interpreter: CodeInterpreter = CodeInterpreter()


ToolCall: TypeAlias = FunctionToolCall | FileSearchToolCall | CodeInterpreterToolCall


class ToolCalls(Object, tag_field="type", tag="tool_calls"):
    tool_calls: list[ToolCall] = []


def functions(details: ToolCalls) -> list[FunctionToolCall]:
    """Returns the calls that the client answers."""
    return [call for call in details.tool_calls if isinstance(call, FunctionToolCall)]


def outputs(details: ToolCalls) -> set[str]:
    """Returns the ids of the files that code has left: images that it showed, and files that it
    wrote.
    """
    ran = [
        call.code_interpreter
        for call in details.tool_calls
        if isinstance(call, CodeInterpreterToolCall)
    ]
    written = {file.file_id for code in ran for file in code.files}
    images = (each for code in ran for each in code.outputs if isinstance(each, CodeImage))
    return written | {each.image.file_id for each in images}


StepDetails: TypeAlias = MessageCreation | ToolCalls


class StepError(Object):
    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class RunStep(Object, kw_only=True):
    """A run step. It has `expires_at` beside the documented `expired_at`: the live service sent
    it.
    """

    id: str
    object: Literal["thread.run.step"] = "thread.run.step"
    created_at: int
    run_id: str
    assistant_id: str
    thread_id: str
    type: Literal["message_creation", "tool_calls"]
    status: StepStatus = StepStatus.IN_PROGRESS
    cancelled_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    expired_at: int | None = None
    failed_at: int | None = None
    last_error: StepError | None = None
    step_details: StepDetails
    metadata: Metadata = {}
    usage: Usage | None = None


_SEARCHED = b'"type":"file_search"'


def without_contents(step: bytes) -> bytes:
    """Returns a step's JSON without the contents of search results, for clients that did not ask
    for them.
    """
    if _SEARCHED not in step:
        return step
    found = decode(step, RunStep)
    if not isinstance(found.step_details, ToolCalls):
        return step
    calls: list[ToolCall] = [
        replace(call, file_search=_bare(call.file_search))
        if isinstance(call, FileSearchToolCall)
        else call
        for call in found.step_details.tool_calls
    ]
    return encode(replace(found, step_details=ToolCalls(tool_calls=calls)))


def _bare(search: FileSearch) -> FileSearch:
    return replace(search, results=[replace(one, content=UNSET) for one in search.results])
