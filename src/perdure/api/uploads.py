"""Uploads in parts over HTTP (spec 02 §11)."""

import asyncio
import hashlib
from contextlib import aclosing

from perdure.api.content_upload import receive_form
from perdure.api.http import Answer, ApiCall
from perdure.commands import uploads
from perdure.commands.blobs import WrittenBlob
from perdure.errors import BadRequest
from perdure.lifecycle import Signal
from perdure.storage.blob_stores import read
from perdure.wire import files as wire
from perdure.wire.uploads import MAX_PART_BYTES, CompleteUpload, CreateUpload


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateUpload)
    return await call.services.database.write(
        uploads.create, body, project=call.project, now=call.now
    )


async def add_part(call: ApiCall) -> Answer:
    upload_id = call.id("upload_id")
    # asked before the bytes come, and again when they are there
    await call.services.database.read(
        uploads.require_pending, upload_id, Signal.MODIFY, project=call.project, now=call.now
    )
    async with receive_form(call, file="data", limit=MAX_PART_BYTES) as form:
        for name in form.fields:
            raise wire.unexpected(name)
        if form.blob is None or form.filename is None:
            raise wire.required("data")
        return await call.services.database.write(
            uploads.add_part, upload_id, form.blob, project=call.project, now=call.now
        )


async def complete(call: ApiCall) -> Answer:
    upload_id = call.id("upload_id")
    body = await call.body(CompleteUpload)
    parts = await call.services.database.read(
        uploads.blobs_of, upload_id, body, project=call.project, now=call.now
    )
    # a file that breaks off in the middle would be worse than none
    await call.services.blobs.require(parts)
    size = sum(part.bytes for part in parts)
    await call.services.limiter.require_file_space(call.project, size)
    if body.md5 is not None:
        await _check_md5(call, parts, body.md5)
    return await call.services.database.write(
        uploads.complete, upload_id, body, project=call.project, now=call.now
    )


async def cancel(call: ApiCall) -> Answer:
    return await call.services.database.write(
        uploads.cancel, call.id("upload_id"), project=call.project, now=call.now
    )


async def _check_md5(call: ApiCall, parts: list[WrittenBlob], md5: str) -> None:
    """Raises `BadRequest` if the parts' bytes have another sum. Parts never change."""
    digest = hashlib.md5(usedforsecurity=False)
    total = sum(part.bytes for part in parts)
    async with aclosing(read(call.services.blobs, parts, 0, total)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(digest.update, block)
    if digest.hexdigest() != md5.strip().lower():
        raise BadRequest(
            f"The md5 of the parts is {digest.hexdigest()}, but '{md5[:64]}' was expected.",
            param="md5",
        )
