"""Blob store in S3 or what speaks its protocol: a blob is a row of objects of eight megabytes.

It is not one object by a multipart upload: the rest of such an upload, after a process was killed,
is invisible and is paid for until somebody finds its id. Objects below the blob's name are found by
it.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from perdure.errors import ConfigurationError, Unavailable
from perdure.storage.blobs import S3Settings, Stored, to_blocks

if TYPE_CHECKING:
    from obstore.store import S3Config

# It belongs to the stored form: with another number, blobs that exist could not be read.
_OBJECT_BYTES = 8 * 1024 * 1024
_READ_BYTES = 256 * 1024
_RETRIES = 5
_PATIENCE = timedelta(seconds=30)


class S3Blobs:
    """Blobs in a bucket."""

    block_bytes = _OBJECT_BYTES

    def __init__(self, settings: S3Settings) -> None:
        parts = urlsplit(settings.url)
        config: S3Config = {}
        if settings.endpoint:
            config["endpoint"] = settings.endpoint
        if settings.region:
            config["region"] = settings.region
        if settings.access_key_id and settings.secret_access_key:
            config["access_key_id"] = settings.access_key_id
            config["secret_access_key"] = settings.secret_access_key
        self._url = settings.url
        self.location = settings.url.rstrip("/")
        self._keys = [key for key in (settings.access_key_id, settings.secret_access_key) if key]
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={"allow_http": (settings.endpoint or "").startswith("http://")},
            retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE},
        )

    async def open(self, *, to_look: bool = False) -> None:  # noqa: ARG002 # it makes nothing
        try:
            await self._store.list("blob_none").collect_async()
        except (BaseError, OSError) as error:
            problem = self._problem(error)
            raise ConfigurationError(f"The bucket {self._url} cannot be used: {problem}") from None

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        size = place = 0
        async for block in to_blocks(blocks, _OBJECT_BYTES):
            with self._as_unavailable():
                await self._store.put_async(_name(blob_id, place), block, use_multipart=False)
            size, place = size + len(block), place + 1
        return size

    async def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        while start < stop:
            place, offset = divmod(start, _OBJECT_BYTES)
            end = min(_OBJECT_BYTES, offset + stop - start)
            with self._as_unavailable():
                found = await self._store.get_async(
                    _name(blob_id, place), options={"range": (offset, end)}
                )
                if found.range != (offset, end):
                    raise Unavailable("A part of the content is missing.")
                async for block in found.stream(min_chunk_size=_READ_BYTES):
                    yield bytes(block)
            start += end - offset

    async def size(self, blob_id: str) -> int | None:
        size: int | None = None
        with self._as_unavailable():
            async for batch in self._store.list(blob_id):
                for found in batch:
                    size = (size or 0) + found["size"]
        return size

    async def delete(self, blob_id: str) -> None:
        with self._as_unavailable():
            async for batch in self._store.list(blob_id):
                await self._store.delete_async([found["path"] for found in batch])

    async def all(self) -> AsyncGenerator[Stored, None]:
        # In the order of their names, so that the objects of a blob follow each other.
        now: Stored | None = None
        with self._as_unavailable():
            async for batch in self._store.list():
                for found in batch:
                    blob_id = found["path"].partition("/")[0]
                    if now is not None and now.id != blob_id:
                        yield now
                        now = None
                    now = Stored(blob_id, found["size"] + (now.bytes if now else 0))
        if now is not None:
            yield now

    async def close(self) -> None:
        """Does nothing: the connections are the library's."""

    @contextmanager
    def _as_unavailable(self) -> Generator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            problem = self._problem(error)
            # without the error itself: a traceback would show all that it says
            raise Unavailable(f"The content cannot be stored or read now: {problem}") from None

    def _problem(self, error: Exception) -> str:
        """Returns an error's text, in a line and without keys: servers repeat those that they
        refuse.
        """
        said = str(error).partition("\n")[0].strip()
        for key in self._keys:
            said = said.replace(key, "***")
        return said


def _name(blob_id: str, place: int) -> str:
    return f"{blob_id}/{place:06}"
