"""Files over HTTP (spec 02 §10)."""

from perdure.api.content_response import send
from perdure.api.content_upload import receive_form
from perdure.api.http import Answer, ApiCall
from perdure.commands import file_supplies, files, lists
from perdure.wire import files as wire
from perdure.wire.lists import Page
from perdure.wire.query import query

_MOST = 10_000


async def create(call: ApiCall) -> Answer:
    limit = call.services.settings.max_file_bytes
    async with receive_form(call, file="file", limit=limit) as form:
        # Azure's clients name what they read from a stream beside it (spec 09 §3).
        filename = form.fields.pop("filename", form.filename)
        if form.blob is None or filename is None:
            raise wire.required("file")
        body = wire.create_file(form.fields)
        await call.services.limiter.require_file_space(call.project, form.blob.bytes)
        return await call.services.database.write(
            files.create, body, filename, form.blob, project=call.project, now=call.now
        )


async def list_all(call: ApiCall) -> Page:
    return await call.services.database.read(
        lists.page,
        "files",
        query(call.request.query_params.multi_items(), limit=_MOST, most=_MOST),
        project=call.project,
        parent=call.project,
        label="file",
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(files.get, _id(call), project=call.project)


async def delete(call: ApiCall) -> Answer:
    return await call.services.database.write(
        files.delete, _id(call), project=call.project, now=call.now
    )


async def content(call: ApiCall) -> Answer:
    found = await call.services.database.read(files.content, _id(call), project=call.project)
    return await send(found, call.services.blobs, call.request.headers)


async def supply(call: ApiCall) -> Answer:
    """Takes the content of a file that was imported without it. An extension."""
    limit = call.services.settings.max_file_bytes
    async with receive_form(call, file="file", limit=limit) as form:
        if form.blob is None or form.filename is None:
            raise wire.required("file")
        for name in form.fields:
            raise wire.unexpected(name)
        await call.services.limiter.require_file_space(call.project, form.blob.bytes)
        return await call.services.database.write(
            file_supplies.supply, _id(call), form.filename, form.blob, project=call.project
        )


def _id(call: ApiCall) -> str:
    """Returns the id of the path; an id of another kind is answered as unknown (spec 05 §3.2)."""
    return str(call.request.path_params["file_id"])
