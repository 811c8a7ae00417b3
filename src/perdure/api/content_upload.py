"""Uploads of content: from a form straight to the blob store."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from perdure import ids
from perdure.api.http import ApiCall
from perdure.api.multipart import Form, FormPart
from perdure.commands import blobs
from perdure.commands.blobs import LEASE_SECONDS, WrittenBlob
from perdure.errors import BadRequest, TooLarge
from perdure.wire import refusals

_MAX_FIELD_BYTES = 16 * 1024
# What a form has around its file.
_OVERHEAD = 64 * 1024


class Received(NamedTuple):
    """A form: its fields and, if there was one, the file with its name."""

    fields: dict[str, str]
    filename: str | None = None
    blob: WrittenBlob | None = None


@asynccontextmanager
async def receive_form(call: ApiCall, *, file: str, limit: int) -> AsyncIterator[Received]:
    """Receives the form in the request's body, whose field `file` is a file of at most `limit`
    bytes.

    The content has no owner until a command keeps it. Content that is not kept is deleted when the
    block ends. Raises `BadRequest` and `TooLarge`.
    """
    if int(call.request.headers.get("content-length") or 0) > limit + _OVERHEAD:
        raise _too_large(limit)
    blob_id = ids.new_hex(ids.BLOB)
    try:
        yield await _read(call, blob_id, file=file, limit=limit)
    finally:
        await call.services.database.write(blobs.abandon, blob_id)


async def _read(call: ApiCall, blob_id: str, *, file: str, limit: int) -> Received:
    form = Form(call.request.stream(), call.request.headers.get("content-type", ""))
    found = Received({})
    async for part in form.parts():
        if part.name in found.fields or (found.blob and part.name == file):
            raise refusals.duplicate(part.name)
        if part.name == file:
            content = _Content(call, blob_id, part, limit)
            found = found._replace(filename=part.filename, blob=await content.store())
        else:
            found.fields[part.name] = await _field(part)
    return found


async def _field(part: FormPart) -> str:
    value = bytearray()
    async for block in part.blocks():
        value += block
        if len(value) > _MAX_FIELD_BYTES:
            raise BadRequest(f"The form field '{part.name[:64]}' is too long.")
    return value.decode(errors="replace")


class _Content:
    """The content of one file. It is counted, and its lease is renewed, while it arrives."""

    def __init__(self, call: ApiCall, blob_id: str, part: FormPart, limit: int) -> None:
        self._services = call.services
        self._hold = call.hold
        self._blob_id = blob_id
        self._part = part
        self._limit = limit
        self._renewed = call.services.clock.now()

    async def store(self) -> WrittenBlob:
        stores = self._services.blobs
        await self._services.database.write(
            blobs.begin, self._blob_id, stores.location, now=self._renewed
        )
        size = await stores.write(self._blob_id, self._blocks())
        return WrittenBlob(self._blob_id, size, stores.location)

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        size = 0
        async for block in self._part.blocks():
            size += len(block)
            if size > self._limit:
                raise _too_large(self._limit)
            if size <= self._services.blobs.block_bytes:
                # What comes later takes the place of what is written.
                self._hold.add(len(block))
            await self._renew()
            yield block

    async def _renew(self) -> None:
        now = self._services.clock.now()
        if now - self._renewed > LEASE_SECONDS / 10:
            await self._services.database.write(blobs.renew, self._blob_id, now=now)
            self._renewed = now


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The file is too large: at most {limit} bytes are accepted.", code="file_too_large"
    )
