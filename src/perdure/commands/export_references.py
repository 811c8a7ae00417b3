"""Files, vector stores and assistants that the objects of a part of an export refer to."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from perdure.storage.database import Row, Transaction
from perdure.wire.assistants import Assistant
from perdure.wire.base import decode
from perdure.wire.messages import FilePathAnnotation, ImageFilePart, Message, TextPart
from perdure.wire.run_steps import RunStep, ToolCalls, outputs
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.tools import ToolResources

_AT_ONCE = 200


class ExportSelection(NamedTuple):
    """The objects of an export: of one project or of all; everything, or the assistants and
    threads that are named, the threads on which a named assistant ran, and threads made at `since`
    or later, with all that these refer to.
    """

    project: str | None = None
    assistants: frozenset[str] = frozenset()
    threads: frozenset[str] = frozenset()
    since: int | None = None
    with_files: bool = True
    with_runs: bool = True

    @property
    def is_partial(self) -> bool:
        """Returns True if not all objects of the projects are exported."""
        return bool(self.assistants or self.threads) or self.since is not None


class References(NamedTuple):
    """The ids that are referred to."""

    files: set[str]
    stores: set[str]
    assistants: set[str]


def pages(tx: Transaction, table: str, **where: object) -> Iterator[Row]:
    """Yields the rows of a table that are exported, which are read page by page."""
    after = 0
    while rows := tx.all(f"exports.{table}", **where, after=after, limit=_AT_ONCE):
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1]["seq"]


def of_tools(tools: ToolResources | None) -> tuple[list[str], list[str]]:
    """Returns the files and the vector stores that tool resources name."""
    code = tools.code_interpreter if tools else None
    search = tools.file_search if tools else None
    return (code.file_ids if code else []), (search.vector_store_ids or [] if search else [])


def of_message(message: Message) -> Iterator[str]:
    """Yields the files that a message attaches, shows or cites."""
    yield from (each.file_id for each in message.attachments or ())
    for part in message.content:
        if isinstance(part, ImageFilePart):
            yield part.image_file.file_id
        elif isinstance(part, TextPart):
            for note in part.text.annotations:
                if isinstance(note, FilePathAnnotation):
                    yield note.file_path.file_id
                else:
                    yield note.file_citation.file_id


def collect(
    tx: Transaction,
    selection: ExportSelection,
    threads: Callable[[Transaction, ExportSelection], Iterable[Row]],
) -> References:
    """Returns what the chosen threads and assistants refer to, and the files in the vector stores
    among that. Rows that cannot be read refer to nothing.
    """
    found = References(set(), set(), set(selection.assistants))
    for row in threads(tx, selection):
        _add_thread(tx, row, found, with_runs=selection.with_runs)
    for row in pages(tx, "assistants", project=selection.project):
        if row["id"] in found.assistants:
            with suppress(ValueError):
                _add_tools(decode(row["body"], Assistant).tool_resources, found)
    for row in pages(tx, "vector_store_files", project=selection.project):
        if row["vector_store_id"] in found.stores:
            found.files.add(row["id"])
    return found


def _add_thread(tx: Transaction, row: Row, found: References, *, with_runs: bool) -> None:
    with suppress(ValueError):
        _add_tools(decode(row["body"], Thread).tool_resources, found)
    for each in pages(tx, "messages", thread_id=row["id"]):
        with suppress(ValueError):
            found.files.update(of_message(decode(each["body"], Message)))
    for each in pages(tx, "runs", thread_id=row["id"]):
        with suppress(ValueError):
            run = decode(each["body"], Run)
            found.assistants.add(run.assistant_id)
            if with_runs:
                _add_tools(run.tool_resources, found)
    for each in pages(tx, "run_steps", thread_id=row["id"]) if with_runs else ():
        with suppress(ValueError):
            details = decode(each["body"], RunStep).step_details
            if isinstance(details, ToolCalls):
                found.files.update(outputs(details))


def _add_tools(tools: ToolResources | None, found: References) -> None:
    files, stores = of_tools(tools)
    found.files.update(files)
    found.stores.update(stores)
