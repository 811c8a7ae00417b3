"""Short ways to files and vector stores, through the commands themselves."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from perdure import ids
from perdure.commands import blobs, events, files, ingestions, vector_stores
from perdure.commands.blobs import WrittenBlob
from perdure.commands.ingestions import IngestionJob
from perdure.retrieval import index_writer
from perdure.wire.base import decode
from perdure.wire.files import CreateFile
from perdure.wire.messages import Message, TextPart
from perdure.wire.run_steps import FileSearchToolCall, RunStep, ToolCalls
from perdure.wire.runs import Run
from perdure.wire.tools import CreateFileSearchResources, CreateToolResources, FileSearchTool
from perdure.wire.vector_stores import CreateVectorStore, VectorStore
from tests.commands.acts import PROJECT
from tests.engine.stage import Stage

SEARCH = [FileSearchTool()]
BEES = "A colony of bees keeps its brood nest at thirty-five degrees."
RENT = "The rent is due on the third working day of each month."


class Paragraph(NamedTuple):
    """A chunk as it is written."""

    text: str
    start: int
    tokens: int = 10
    heading: int = 0


async def upload(stage: Stage, name: str, text: str | bytes) -> str:
    """The id of a new file."""

    async def content() -> AsyncIterator[bytes]:
        yield text.encode() if isinstance(text, str) else text

    blob_id = ids.new(ids.BLOB)
    location = stage.blobs.location
    await stage.database.write(blobs.begin, blob_id, location, now=stage.clock.now())
    written = WrittenBlob(blob_id, await stage.blobs.write(blob_id, content()), location)
    body = CreateFile(purpose="assistants")
    now = int(stage.clock.now())
    file = await stage.database.write(files.create, body, name, written, project=PROJECT, now=now)
    return file.id


async def waiting_store(stage: Stage, **texts: str) -> str:
    """The id of a new store whose files wait to be read; a name's underscore stands for a dot."""
    file_ids = [await upload(stage, name.replace("_", "."), text) for name, text in texts.items()]
    body = CreateVectorStore(file_ids=file_ids)
    store = await stage.database.write(
        vector_stores.create, body, project=PROJECT, now=int(stage.clock.now())
    )
    return store.id


async def store(stage: Stage, **texts: str) -> str:
    """The same with its files read: a chunk for each line."""
    store_id = await waiting_store(stage, **texts)
    while job := await claim(stage):
        lines = texts[job.filename.replace(".", "_")].splitlines()
        await finish(stage, job, *lines)
    return store_id


async def claim(stage: Stage, owner: str = "worker_1") -> IngestionJob | None:
    return await stage.database.write(
        ingestions.claim, owner=owner, now=stage.clock.now(), lease_seconds=30, embedding=None
    )


async def finish(stage: Stage, job: IngestionJob, *lines: str) -> None:
    """Writes these chunks and completes the file."""
    chunks, at = [], 0
    for line in lines:
        chunks.append(Paragraph(line, at))
        at += len(line) + 1
    piece = index_writer.prepare(chunks)
    usage = await stage.database.write(ingestions.write, job, piece, now=stage.clock.now())
    await stage.database.write(ingestions.complete, job, usage_bytes=usage)


async def look(stage: Stage, store_id: str) -> VectorStore:
    return await stage.database.read(
        vector_stores.get, store_id, project=PROJECT, now=int(stage.clock.now())
    )


async def begin(
    stage: Stage, prompt: str, store_id: str, *, before: Sequence[str] = (), **fields: object
) -> Run:
    """A queued run whose assistant searches the store; `before` are earlier messages."""
    resources = CreateToolResources(
        file_search=CreateFileSearchResources(vector_store_ids=[store_id])
    )
    assistant = await stage.acts.assistant(tools=SEARCH, tool_resources=resources)
    thread = await stage.acts.thread(*before, prompt)
    return await stage.acts.run(thread.id, assistant.id, **fields)


async def answer(stage: Stage, run: Run) -> TextPart:
    """What the run has said last."""
    said = [
        event
        for event in await stage.database.read(events.after, run.id, 0)
        if event.name in ("thread.message.completed", "thread.message.incomplete")
    ]
    (part,) = decode(said[-1].data, Message).content
    assert isinstance(part, TextPart)
    return part


def search_of(step: RunStep) -> FileSearchToolCall:
    assert isinstance(step.step_details, ToolCalls)
    (call,) = step.step_details.tool_calls
    assert isinstance(call, FileSearchToolCall)
    return call
