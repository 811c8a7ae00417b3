"""A database with some of everything that is exported."""

from collections.abc import AsyncGenerator

from perdure import ids
from perdure.commands import assistants, blobs, files, threads, vector_stores
from perdure.commands.blobs import WrittenBlob
from perdure.wire.assistants import CreateAssistant
from perdure.wire.files import CreateFile
from perdure.wire.messages import Attachment, AttachmentTool, CreateMessage
from perdure.wire.threads import CreateThread
from perdure.wire.tools import (
    CodeInterpreterResources,
    CodeInterpreterTool,
    CreateFileSearchResources,
    CreateToolResources,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
)
from perdure.wire.vector_stores import CreateVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, Acts
from tests.exchange.places import Place


async def add_file(place: Place, content: bytes, name: str = "a.txt") -> str:
    """Uploads a file. Returns its id."""

    async def blocks() -> AsyncGenerator[bytes, None]:
        yield content

    acts = Acts(place.database)
    blob_id = ids.new_hex(ids.BLOB)
    await place.database.write(blobs.begin, blob_id, place.blobs.location, now=float(acts.now))
    size = await place.blobs.write(blob_id, blocks())
    blob = WrittenBlob(blob_id, size, place.blobs.location)
    body = CreateFile(purpose="assistants")
    made = await place.database.write(files.create, body, name, blob, project=PROJECT, now=acts.now)
    return made.id


async def fill(place: Place) -> None:
    """Adds files, a vector store, assistants, and runs in every state."""
    acts = Acts(place.database)
    write = place.database.write
    texts = [await add_file(place, b"Some text. \xff", f"{name}.txt") for name in "abc"]
    body = CreateVectorStore(
        name="store",
        file_ids=texts[:2],
        expires_after=VectorStoreExpiresAfter(anchor="last_active_at", days=7),
        metadata={"a": "b"},
    )
    store = await write(vector_stores.create, body, project=PROJECT, now=acts.now)
    tools = CreateToolResources(
        code_interpreter=CodeInterpreterResources(file_ids=[texts[2]]),
        file_search=CreateFileSearchResources(vector_store_ids=[store.id]),
    )
    assistant = CreateAssistant(
        model="gpt-4o",
        name="Ä “quoted” \x00",
        tools=[
            CodeInterpreterTool(),
            FileSearchTool(),
            FunctionTool(function=FunctionDefinition(name="f")),
        ],
        tool_resources=tools,
    )
    made = await write(assistants.create, assistant, project=PROJECT, now=acts.now)
    attached = Attachment(file_id=texts[0], tools=[AttachmentTool(type="code_interpreter")])
    thread = CreateThread(
        messages=[
            CreateMessage(role="user", content="Hello", attachments=[attached]),
            CreateMessage(role="assistant", content="Hi"),
        ],
        tool_resources=tools,
        metadata={"user": "u1"},
    )
    await write(threads.create, thread, project=PROJECT, now=acts.now)
    await acts.thread()
    await acts.complete(await acts.writing())
    await acts.truncate(await acts.writing())
    await acts.fail(await acts.writing())
    await acts.queued()
    await acts.claimed()
    await acts.writing()
    await acts.asking()
    await acts.cancelling()
    expired = await acts.queued()
    acts.now += 1000
    await acts.expire(expired.id)
    await acts.run((await acts.thread("x")).id, made.id)
