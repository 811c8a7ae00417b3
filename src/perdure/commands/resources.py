"""Rules for `tool_resources` and for attachments (spec 01 §2.4, 03 §15)."""

from collections.abc import Iterable

from msgspec.structs import replace

from perdure import ids
from perdure.commands import filing, known_files, vector_stores
from perdure.errors import BadRequest
from perdure.retrieval import formats
from perdure.store.database import Transaction
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
from perdure.wire.vector_stores import ExpiresAfter

# The store that a thread's attachments or its helper make (spec 03 §15).
_OF_THREAD = ExpiresAfter(anchor="last_active_at", days=7)
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
    """The stored form of tool resources: what is named exists, what is asked for is made.

    Raises `BadRequest` for files, `NotFound` for vector stores that the project does not have.
    """
    if asked is None:
        return None
    interpreter, search = asked.code_interpreter, asked.file_search
    if interpreter is not None:
        known_files.require(
            tx, interpreter.file_ids, project=project, param=f"{param}.code_interpreter.file_ids"
        )
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
        made = vector_stores.create_for(
            tx,
            helper.file_ids,
            chunking=helper.chunking_strategy,
            metadata=helper.metadata,
            expires_after=_OF_THREAD if of_thread else None,
            project=project,
            now=now,
        )
        store_ids = [made]
    return ToolResources(
        code_interpreter=interpreter, file_search=FileSearchResources(vector_store_ids=store_ids)
    )


def note(tx: Transaction, owner: str, tools: ToolResources | None) -> None:
    """Notes which files an assistant or a thread lists, so that deleting one finds it there."""
    if tools is not None and tools.code_interpreter is not None:
        uses = [{"file_id": each, "owner": owner} for each in tools.code_interpreter.file_ids]
        tx.many("file_uses.insert", uses)


def unlist(tx: Transaction, file_id: str) -> None:
    """Takes a file that is being deleted off the lists of assistants and threads (spec 02 §10)."""
    for row in tx.all("file_uses.of_file", file_id=file_id):
        noun = "assistants" if row["owner"].startswith(ids.ASSISTANT) else "threads"
        owner = tx.one(f"{noun}.any", id=row["owner"])
        if owner is not None:
            kept = _without(decode(owner["body"], _KINDS[noun]), file_id)
            tx.run(f"{noun}.update", id=row["owner"], body=encode(kept).decode())
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


def attach(
    tx: Transaction,
    had: ToolResources,
    messages: Iterable[CreateMessage],
    *,
    project: str,
    now: int,
) -> ToolResources:
    """What a thread's tools have once these messages are added (spec 03 §15).

    Files for file_search go into the thread's vector store, which is made where there is none;
    files for code_interpreter onto its list. Raises `BadRequest` where a file does not exist or
    cannot be searched (spec 05 §3.5), the list becomes too long, or the store has expired.
    """
    attached = [each for message in messages for each in message.attachments or ()]
    found = known_files.require(
        tx, [each.file_id for each in attached], project=project, param="attachments"
    )
    searched, interpreted = _for("file_search", attached), _for("code_interpreter", attached)
    # Nobody would look at the thread's store to see that one of its files has failed.
    if text := formats.refusal([found[file_id].filename for file_id in searched]):
        raise BadRequest(text, param="attachments", code="unsupported_file")
    if searched:
        had = replace(had, file_search=_search(tx, had, searched, project=project, now=now))
    if interpreted:
        had = replace(had, code_interpreter=_interpret(had, interpreted))
    return had


def _search(
    tx: Transaction, had: ToolResources, file_ids: list[str], *, project: str, now: int
) -> FileSearchResources:
    stores = (had.file_search.vector_store_ids if had.file_search else None) or []
    if stores:
        vector_stores.lock(tx, stores[0], project=project, now=now)
        asked = [CreateVectorStoreFile(file_id=file_id) for file_id in file_ids]
        filing.add(tx, stores[0], asked, project=project, now=now, param="attachments")
        return FileSearchResources(vector_store_ids=stores)
    made = vector_stores.create_for(
        tx,
        file_ids,
        chunking=None,
        metadata=None,
        expires_after=_OF_THREAD,
        project=project,
        now=now,
    )
    return FileSearchResources(vector_store_ids=[made])


def _interpret(had: ToolResources, file_ids: list[str]) -> CodeInterpreterResources:
    old = had.code_interpreter.file_ids if had.code_interpreter else []
    all_ids = list(dict.fromkeys([*old, *file_ids]))
    if len(all_ids) > _MOST_FILES:
        raise BadRequest(
            f"A thread's code_interpreter can have at most {_MOST_FILES} files; with these "
            f"attachments it would have {len(all_ids)}.",
            param="attachments",
            code="array_above_max_length",
        )
    return CodeInterpreterResources(file_ids=all_ids)


def _for(tool: str, attached: Iterable[Attachment]) -> list[str]:
    """The attached files that are for this tool, each once."""
    return list(
        dict.fromkeys(
            each.file_id
            for each in attached
            if each.tools and any(asked.type == tool for asked in each.tools)
        )
    )
