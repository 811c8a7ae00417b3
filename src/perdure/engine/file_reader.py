"""From a stored file to pieces that can be written: fetch, parse, cut, embed, count words."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from functools import partial
from io import FileIO
from pathlib import Path

from perdure import blocking_calls
from perdure.commands import blobs
from perdure.commands.blobs import WrittenBlob
from perdure.commands.ingestions import IngestionJob
from perdure.errors import Unavailable
from perdure.parsing.parser import Parser
from perdure.retrieval import embedder, index_writer
from perdure.retrieval.embedder import Embedders
from perdure.retrieval.index_writer import PreparedChunks
from perdure.storage.blob_stores import BlobStores, read
from perdure.storage.database import Database


class FileReader:
    """The reader of one server. A file's bytes are in `folder` while it is read."""

    def __init__(
        self,
        database: Database,
        store: BlobStores,
        parser: Parser,
        embedders: Embedders,
        *,
        folder: Path,
    ) -> None:
        self._database = database
        self._store = store
        self._parser = parser
        self._embedders = embedders
        self._folder = folder

    async def pieces(self, job: IngestionJob) -> AsyncGenerator[PreparedChunks, None]:
        """The file's chunks, a piece at a time.

        Raises `Unparsable` where the file cannot be read, `ProviderError` where its chunks
        cannot be embedded, `Unavailable` where its bytes cannot be had.
        """
        parts = await self._database.read(blobs.of_owner, job.file_id)
        self._parser.check(job.filename, sum(part.bytes for part in parts))
        # Nothing is left of it when the server is gone, however it went.
        async with blocking_calls.acquire(lambda: _nameless(self._folder), FileIO.close) as file:
            await self._fetch(parts, file)
            found = self._parser.passages(
                Path(f"/dev/fd/{file.fileno()}"),
                job.filename,
                max_tokens=job.sizes.max_chunk_size_tokens,
                overlap=job.sizes.chunk_overlap_tokens,
            )
            async with aclosing(found) as batches:
                async for chunks in batches:
                    texts = [chunk.text for chunk in chunks]
                    vectors = await embedder.embed_chunks(self._embedders, job.embedding, texts)
                    yield await asyncio.to_thread(
                        index_writer.prepare, chunks, vectors, name=job.filename
                    )

    async def close(self) -> None:
        """Ends the processes that parse."""
        await self._parser.close()

    async def _fetch(self, parts: list[WrittenBlob], file: FileIO) -> None:
        whole = sum(part.bytes for part in parts)
        async with aclosing(read(self._store, parts, 0, whole)) as chunks:
            async for chunk in chunks:
                with _told(self._folder):
                    await blocking_calls.run(partial(_write, file, chunk))
        # Where opening a descriptor by its path is no more than a copy of it, it starts here.
        file.seek(0)


def _nameless(folder: Path) -> FileIO:
    """A new file without a name."""
    with _told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder, buffering=0)


@contextmanager
def _told(folder: Path) -> Generator[None]:
    """The disk may be full now, and have room later."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"No file can be copied to {folder} now: {error.strerror}.") from error


def _write(file: FileIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) :]
