"""Exports and imports: the line of an object, the manifest, and the report of an import.

Extensions: the original had neither (spec 10 §2 and §3).
"""

import re
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from perdure.wire.assistants import Assistant
from perdure.wire.base import Body, JsonObject, Object, decode, encode
from perdure.wire.files import File
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.vector_store_files import VectorStoreFile
from perdure.wire.vector_stores import VectorStore

FORMAT, VERSION = "perdure-export", 1
MOST_LINE_BYTES = 64 * 1024 * 1024

Kind: TypeAlias = Literal[
    "file",
    "vector_store",
    "vector_store.file",
    "assistant",
    "thread",
    "thread.run",
    "thread.run.step",
    "thread.message",
]
Exportable: TypeAlias = (
    File | VectorStore | VectorStoreFile | Assistant | Thread | Run | RunStep | Message
)
# What comes first is what later kinds refer to.
KINDS: dict[Kind, type[Exportable]] = {
    "file": File,
    "vector_store": VectorStore,
    "vector_store.file": VectorStoreFile,
    "assistant": Assistant,
    "thread": Thread,
    "thread.run": Run,
    "thread.run.step": RunStep,
    "thread.message": Message,
}
# The tables of the kinds.
TABLES: dict[Kind, str] = {
    "file": "files",
    "vector_store": "vector_stores",
    "vector_store.file": "vector_store_files",
    "assistant": "assistants",
    "thread": "threads",
    "thread.run": "runs",
    "thread.run.step": "run_steps",
    "thread.message": "messages",
}
# What belongs to one thread is written together.
OF_THREAD: frozenset[Kind] = frozenset({"thread.run", "thread.run.step", "thread.message"})
_PREFIXES: dict[Kind, str] = {
    # Azure's files begin with `assistant`
    "file": "(?:file|assistant)[-_]",
    "vector_store": "vs_",
    "vector_store.file": "(?:file|assistant)[-_]",
    "assistant": "asst_",
    "thread": "thread_",
    "thread.run": "run_",
    "thread.run.step": "step_",
    "thread.message": "msg_",
}
_IDS = {kind: re.compile(rf"{prefix}[A-Za-z0-9_-]{{1,240}}") for kind, prefix in _PREFIXES.items()}
_FIELDS = {
    kind: frozenset(field.encode_name for field in msgspec.structs.fields(struct)) | {"_export"}
    for kind, struct in KINDS.items()
}


class ExportMark(Object, kw_only=True, omit_defaults=True):
    """Facts about an object that the API does not show: the member `_export` of its line.

    `seq` is its place in the order of its kind, `sha256` that of a file's content.
    `unsupported_tools` are those of an assistant that cannot run here.
    """

    seq: int | None = None
    project: str | None = None
    sha256: str | None = None
    bytes_missing: bool = False
    unsupported_tools: list[JsonObject] | None = None


class _Marked(Object):
    export: ExportMark | UnsetType = msgspec.field(name="_export", default=UNSET)


# What a database can store, and JavaScript count.
_Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]


_Place: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]


class LineHead(Object, kw_only=True):
    """The head of a line, which it must have before it is read: its kind, its id, and where it
    belongs. Numbers that become columns are within their limits.
    """

    object: str
    id: str
    created_at: _Number = 0
    thread_id: str | None = None
    run_id: str | None = None
    filename: str | None = None
    bytes: _Number | None = None
    expires_at: _Number | None = None
    last_active_at: _Number | None = None
    completed_at: _Number | None = None
    cancelled_at: _Number | None = None
    failed_at: _Number | None = None
    export: ExportMark = msgspec.field(name="_export", default=ExportMark())


class ExportedObject(NamedTuple):
    """An object of a line with its mark. `strange` are the keys that no object of the kind has."""

    kind: Kind
    body: Exportable
    mark: ExportMark
    strange: frozenset[str]


class Manifest(Object, kw_only=True):
    """The manifest of an export, which is written last: without it an export was cut off.

    `counts` are lines by kind, and files with their bytes as `contents`. `objects_sha256` is that
    of `objects.jsonl`. `selection` is what was asked for, empty for everything. `damaged` are the
    ids of rows that could not be read.
    """

    format: str = FORMAT
    version: int = VERSION
    created_at: int
    source: dict[str, str] = {}
    counts: dict[str, int] = {}
    objects_sha256: str
    selection: dict[str, str] = {}
    damaged: list[str] = []
    complete: bool = True


class KindCounts(Object, kw_only=True):
    """The numbers of one kind: lines read, and what became of them."""

    read: int = 0
    created: int = 0
    skipped: int = 0
    replaced: int = 0
    failed: int = 0


class ImportFailure(Object, kw_only=True):
    """A line that was not imported, and why."""

    line: int
    kind: str | None = None
    id: str | None = None
    reason: str


class MissingReference(Object, kw_only=True):
    """A file or vector store that is named and not there; a row of its own says so now. A file
    whose content alone is missing is named by itself.
    """

    kind: Literal["file", "vector_store"]
    id: str
    named_by: str


class ImportReport(Object, kw_only=True):
    """The report of an import, or of a part of it.

    `kinds` are the numbers by kind. `cut_runs` were in hand where they came from, and were
    cancelled. `unknown_keys` were kept out, by kind. `models` are the names that assistants have,
    and `unsupported_tools` the types of tools that cannot run here, with the numbers of assistants.
    """

    kinds: dict[str, KindCounts] = {}
    failures: list[ImportFailure] = []
    missing: list[MissingReference] = []
    cut_runs: int = 0
    unknown_keys: dict[str, list[str]] = {}
    models: dict[str, int] = {}
    unsupported_tools: dict[str, int] = {}


class BeginImport(Body):
    """A request to begin an import: the digest of all its lines, and the last place of each table
    that it has, if its objects have places.
    """

    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    places: dict[str, _Place] = {}


class ImportBegun(Object, kw_only=True):
    """An import that has begun; `keeps_places`: its objects have the places that they had."""

    object: Literal["import"] = "import"
    keeps_places: bool


class QueryContent(Body):
    """A request to say whether an import needs the content of a file."""

    file_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,256}\Z")]
    on_conflict: Literal["skip", "fail", "replace"] = "skip"


class ContentNeed(Object, kw_only=True):
    """The need of an import for the content of a file; not `is_needed`: the file has it already."""

    object: Literal["import.content"] = "import.content"
    file_id: str
    is_needed: bool


class UnreadableLine(Exception):
    """A line that is no object of the format; the message says why, in one sentence."""


def head(line: bytes) -> LineHead:
    """Returns what a line says of itself. Raises `UnreadableLine`."""
    try:
        found = decode(line, LineHead)
    except (ValueError, RecursionError) as error:
        raise UnreadableLine(_reason(error)) from None
    kind = _kind(found.object)
    if kind is None:
        raise UnreadableLine(f"'{_short(found.object)}' is no kind of object that is imported.")
    if not _IDS[kind].fullmatch(found.id):
        raise UnreadableLine(f"'{_short(found.id)}' cannot be the id of a {kind}.")
    return found


def read(line: bytes) -> ExportedObject:
    """Returns the object of a line whose head was read. Raises `UnreadableLine`.

    The tools of an assistant that cannot run here are in its mark.
    """
    try:
        members = decode(line, dict[str, msgspec.Raw])
        kind = _kind(decode(members["object"], str))
        if kind is None:
            raise UnreadableLine("This is no kind of object that is imported.")
        found = decode(line, _Marked).export
        mark = ExportMark() if found is UNSET else found
        if kind == "assistant":
            line, mark = _without_unsupported(members, mark, line)
        body = decode(line, KINDS[kind])
    except (ValueError, KeyError, RecursionError) as error:
        raise UnreadableLine(_reason(error)) from None
    return ExportedObject(kind, body, mark, frozenset(members.keys() - _FIELDS[kind]))


def write(body: Exportable, mark: ExportMark) -> bytes:
    """Returns the line of an object, with its end."""
    return b'%b,"_export":%b}\n' % (encode(body)[:-1], encode(mark))


_SUPPORTED = frozenset({"code_interpreter", "file_search", "function"})


class _AnyTool(Object):
    type: str


def _without_unsupported(
    members: dict[str, msgspec.Raw], mark: ExportMark, line: bytes
) -> tuple[bytes, ExportMark]:
    tools = decode(members["tools"], list[msgspec.Raw]) if "tools" in members else []
    kinds = [decode(tool, _AnyTool).type for tool in tools]
    if _SUPPORTED.issuperset(kinds):
        return line, mark
    kept = [tool for tool, kind in zip(tools, kinds, strict=True) if kind in _SUPPORTED]
    left = [
        decode(tool, JsonObject)
        for tool, kind in zip(tools, kinds, strict=True)
        if kind not in _SUPPORTED
    ]
    members["tools"] = msgspec.Raw(encode(kept))
    every = [*(mark.unsupported_tools or ()), *left]
    return encode(members), msgspec.structs.replace(mark, unsupported_tools=every)


def _kind(name: str) -> Kind | None:
    return next((kind for kind in KINDS if kind == name), None)


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"It does not fit: {_short(str(error), 300)}."
    if isinstance(error, RecursionError):
        return "It is nested too deep."
    return f"It is no JSON object of the API: {_short(str(error), 300)}."


def _short(text: str, most: int = 64) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
