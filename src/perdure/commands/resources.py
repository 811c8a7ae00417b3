"""Rules for `tool_resources` and for attachments (spec 01 §2.4, 03 §15)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from perdure import ids
from perdure.commands import known_files, store_membership, vector_stores
from perdure.commands.store_membership import FileToAdd
from perdure.errors import BadRequest, NotFound
from perdure.parsing import formats
from perdure.storage.database import Transaction
from perdure.wire.assistants import Assistant
from perdure.wire.base import decode, encode
from perdure.wire.messages import Attachment, CreateMessage
from perdure.wire.threads import Thread
from perdure.wire.tools import (
    CodeInterpreterResources,
    CreateFileSearchResources,
    CreateToolResources,
    FileSearchResources,
    ToolResources,
)
from perdure.wire.vector_store_files import CreateVectorStoreFile
from perdure.wire.vector_stores import CreateVectorStore, VectorStoreExpiresAfter

# The vector store that a thread's attachments or its helper make (spec 03 §15).
_OF_THREAD = VectorStoreExpiresAfter(anchor="last_active_at", days=7)
_MOST_FILES = 20
_KINDS: dict[str, type[Assistant] | type[Thread]] = {"assistants": Assistant, "threads": Thread}


def resolve(
    tx: Transaction,
    asked: CreateToolResources | ToolResources | None,
    *,
    project: str,
    now: int,
    of_thread: bool = False,
    param: str = "tool_resources",
) -> ToolResources | None:
    """Returns the stored form of tool resources. Named files and vector stores must exist;
    requested vector stores are created.

    Raises `BadRequest` for files, `NotFound` for vector stores that the project does not have.
    """
    if asked is None:
        return None
    interpreter, search = asked.code_interpreter, asked.file_search
    if interpreter is not None:
        paths = dict.fromkeys(interpreter.file_ids, f"{param}.code_interpreter.file_ids")
        known_files.require(tx, paths, project=project)
    if search is None:
        return ToolResources(code_interpreter=interpreter)
    store_ids = list(search.vector_store_ids or ())
    for store_id in store_ids:
        vector_stores.require(tx, store_id, project=project)
    if isinstance(search, CreateFileSearchResources) and search.vector_stores:
        if store_ids:
            raise BadRequest(
                f"'{param}.file_search' takes either 'vector_store_ids' or 'vector_stores', not "
                "both.",
                param=f"{param}.file_search",
                code="invalid_value",
            )
        (helper,) = search.vector_stores
        body = CreateVectorStore(
            file_ids=helper.file_ids,
            chunking_strategy=helper.chunking_strategy,
            metadata=helper.metadata,
            expires_after=_OF_THREAD if of_thread else None,
        )
        head = f"{param}.file_search.vector_stores[0]."
        store_ids = [vector_stores.create(tx, body, project=project, now=now, head=head).id]
    return ToolResources(
        code_interpreter=interpreter, file_search=FileSearchResources(vector_store_ids=store_ids)
    )


def note(tx: Transaction, owner: str, tools: ToolResources | None) -> None:
    """Stores the files that an assistant or a thread lists, so that the deletion of a file finds
    its owners.
    """
    if tools is not None and tools.code_interpreter is not None:
        uses = [{"file_id": each, "owner": owner} for each in tools.code_interpreter.file_ids]
        tx.many("file_uses.insert", uses)


def unlist(tx: Transaction, file_id: str, *, project: str) -> None:
    """Removes a file that is being deleted from the lists of assistants and threads (spec 02
    §10).
    """
    for row in tx.all("file_uses.of_file", file_id=file_id):
        is_assistant = row["owner"].startswith(ids.ASSISTANT)
        noun, lock = ("assistants", "lock") if is_assistant else ("threads", "change")
        owner = tx.one(f"{noun}.{lock}", id=row["owner"], project=project)
        if owner is not None:
            kept = _without(decode(owner["body"], _KINDS[noun]), file_id)
            body = encode(kept).decode()
            tx.run(f"{noun}.update", id=row["owner"], project=project, body=body)
    tx.run("file_uses.delete", file_id=file_id)


def _without(owner: Assistant | Thread, file_id: str) -> Assistant | Thread:
    tools = owner.tool_resources
    if tools is None or tools.code_interpreter is None:
        return owner
    left = [each for each in tools.code_interpreter.file_ids if each != file_id]
    return replace(
        owner,
        tool_resources=replace(tools, code_interpreter=CodeInterpreterResources(file_ids=left)),
    )


class _Attached(NamedTuple):
    """An attachment, and its place in the request."""

    body: Attachment
    path: str


def attach(
    tx: Transaction,
    had: ToolResources,
    messages: Iterable[CreateMessage],
    *,
    project: str,
    now: int,
    param: str | None,
) -> ToolResources:
    """Returns the tool resources that a thread has once these messages are added (spec 03 §15).

    Files for file_search go into the thread's vector store, which is created where there is none.
    Files for code_interpreter go onto its list. `param` names the list of messages in the request.
    None means that the request is the message. Raises `BadRequest` where a file does not exist or
    cannot be searched (spec 05 §3.5), the list becomes too long, or the vector store has expired.
    """
    attached = list(_attached(messages, param))
    paths = {each.body.file_id: f"{each.path}.file_id" for each in attached}
    found = known_files.require(tx, paths, project=project)
    searched, interpreted = _for("file_search", attached), _for("code_interpreter", attached)
    # A client would hardly check the thread's vector store for files that failed.
    if text := formats.refusal([found[file_id].filename for file_id in searched]):
        raise BadRequest(text, param="file_ids", code="unsupported_file")
    if searched:
        had = replace(had, file_search=_search(tx, had, searched, project=project, now=now))
    if interpreted:
        had = replace(had, code_interpreter=_interpret(had, interpreted))
    return had


def _attached(messages: Iterable[CreateMessage], param: str | None) -> Iterator[_Attached]:
    for place, message in enumerate(messages):
        head = f"{param}[{place}]." if param else ""
        for at, body in enumerate(message.attachments or ()):
            yield _Attached(body, f"{head}attachments[{at}]")


def _search(
    tx: Transaction, had: ToolResources, searched: Mapping[str, str], *, project: str, now: int
) -> FileSearchResources:
    """Returns the thread's vector store with the files; a new one where it has none, or none any
    more.
    """
    store_ids = (had.file_search.vector_store_ids if had.file_search else None) or []
    if not (store_ids and _is_there(tx, store_ids[0], project=project, now=now)):
        body = CreateVectorStore(expires_after=_OF_THREAD)
        store_ids = [vector_stores.create(tx, body, project=project, now=now).id]
    asked = [
        FileToAdd(CreateVectorStoreFile(file_id=file_id), path)
        for file_id, path in searched.items()
    ]
    store_membership.add(tx, store_ids[0], asked, project=project, now=now)
    return FileSearchResources(vector_store_ids=store_ids)


def _is_there(tx: Transaction, store_id: str, *, project: str, now: int) -> bool:
    """Returns True if the vector store was not deleted. Then nobody else writes to it until the
    transaction ends.
    """
    try:
        vector_stores.lock(tx, store_id, project=project, now=now)
    except NotFound:
        return False
    return True


def _interpret(had: ToolResources, interpreted: Mapping[str, str]) -> CodeInterpreterResources:
    old = had.code_interpreter.file_ids if had.code_interpreter else []
    all_ids = list(dict.fromkeys([*old, *interpreted]))
    if len(all_ids) > _MOST_FILES:
        raise BadRequest(
            f"A thread's code_interpreter can have at most {_MOST_FILES} files; with these "
            f"attachments it would have {len(all_ids)}.",
            param=interpreted[all_ids[_MOST_FILES]],
            code="array_above_max_length",
        )
    return CodeInterpreterResources(file_ids=all_ids)


def _for(tool: str, attached: Sequence[_Attached]) -> dict[str, str]:
    """Returns the attached files that are for this tool, each with its place in the request."""
    return {
        each.body.file_id: each.path
        for each in attached
        if each.body.tools and any(asked.type == tool for asked in each.body.tools)
    }
