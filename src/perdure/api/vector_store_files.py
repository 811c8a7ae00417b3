"""Files of vector stores over HTTP (spec 02 §9)."""

from collections.abc import AsyncGenerator

from starlette.responses import StreamingResponse

from perdure.api.http import Answer, ApiCall, respond
from perdure.commands import vector_store_files
from perdure.commands.vector_store_files import ParsedContent
from perdure.lifecycle import VectorStoreFileStatus
from perdure.wire.base import decode, encode
from perdure.wire.query import query
from perdure.wire.vector_store_files import (
    ContentText,
    CreateVectorStoreFile,
    FileContentPage,
    ModifyVectorStoreFile,
    VectorStoreFile,
)


async def create(call: ApiCall) -> Answer:
    store_id = call.id("vector_store_id")
    body = await call.body(CreateVectorStoreFile)
    return await call.services.database.write(
        vector_store_files.create, store_id, body, project=call.project, now=call.now
    )


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        vector_store_files.page,
        call.list_query,
        store_id=call.id("vector_store_id"),
        project=call.project,
    )


async def retrieve(call: ApiCall) -> Answer:
    text = await call.services.database.read(
        vector_store_files.get,
        str(call.request.path_params["file_id"]),
        store_id=call.id("vector_store_id"),
        project=call.project,
    )
    at_work = decode(text, VectorStoreFile).status == VectorStoreFileStatus.IN_PROGRESS
    return respond(text, call.poll_hint if at_work else None)


async def modify(call: ApiCall) -> Answer:
    store_id, file_id = call.id("vector_store_id"), str(call.request.path_params["file_id"])
    body = await call.body(ModifyVectorStoreFile)
    return await call.services.database.write(
        vector_store_files.modify, file_id, body, store_id=store_id, project=call.project
    )


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        vector_store_files.delete,
        str(call.request.path_params["file_id"]),
        store_id=call.id("vector_store_id"),
        project=call.project,
        now=call.now,
    )


async def content(call: ApiCall) -> Answer:
    first = await _read(call)
    return StreamingResponse(_page(call, first), media_type="application/json")


async def chunks(call: ApiCall) -> Answer:
    """Lists the chunks of a file, the first one first unless asked otherwise. An extension."""
    return await call.services.database.read(
        vector_store_files.chunks,
        query(call.request.query_params.multi_items(), order="asc"),
        str(call.request.path_params["file_id"]),
        store_id=call.id("vector_store_id"),
        project=call.project,
        now=call.now,
    )


async def _page(call: ApiCall, found: ParsedContent) -> AsyncGenerator[bytes, None]:
    """Yields the page with all text that was read of the file (spec 01 §11). SDKs would not ask for
    a second page.

    It is sent while it is read, since it may have 50 million characters.
    """
    head, _, tail = encode(FileContentPage(data=[])).partition(b"[]")
    yield head + b"["
    comma = b""
    while found.texts:
        yield comma + b",".join([encode(ContentText(text=text)) for _, text in found.texts])
        comma = b","
        found = await _read(call, ingestion=found.ingestion, after=found.texts[-1][0])
    yield b"]" + tail


async def _read(call: ApiCall, *, ingestion: int | None = None, after: int = -1) -> ParsedContent:
    return await call.services.database.read(
        vector_store_files.content,
        str(call.request.path_params["file_id"]),
        store_id=call.id("vector_store_id"),
        project=call.project,
        now=call.now,
        ingestion=ingestion,
        after=after,
    )
