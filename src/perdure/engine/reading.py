"""From a stored file to pieces that can be written: fetch, parse, cut, embed, count words."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from perdure.commands import blobs
from perdure.commands.ingestions import Job
from perdure.retrieval import embed, index
from perdure.retrieval.embed import Embedders
from perdure.retrieval.index import Piece
from perdure.retrieval.parse import Parser
from perdure.store.blobs import Blobs, read
from perdure.store.database import Database

_PREFIX = "ingest-"
# Longer than any file is read: another server may be at it.
_LEFT_SECONDS = 6 * 3600


class Reading:
    """How one server reads files. `folder` is where a file's bytes are while it is read."""

    def __init__(
        self,
        database: Database,
        store: Blobs,
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

    def tidy(self, *, now: float) -> None:
        """At the start of a server: removes what dead ones left in the folder."""
        for left in self._folder.glob(f"{_PREFIX}*"):
            if left.stat().st_mtime < now - _LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)

    async def pieces(self, job: Job) -> AsyncGenerator[Piece, None]:
        """The file's chunks, a piece at a time.

        Raises `Unparsable` where the file cannot be read, `ProviderError` where its chunks
        cannot be embedded, `Unavailable` where its bytes cannot be had.
        """
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=_PREFIX) as folder:
            path = Path(folder) / "content"
            await self._fetch(job.file_id, path)
            found = self._parser.passages(
                path,
                job.filename,
                max_tokens=job.sizes.max_chunk_size_tokens,
                overlap=job.sizes.chunk_overlap_tokens,
            )
            async with aclosing(found) as batches:
                async for chunks in batches:
                    texts = [chunk.text for chunk in chunks]
                    vectors = await embed.for_chunks(self._embedders, job.embedding, texts)
                    yield await asyncio.to_thread(index.prepare, chunks, vectors)

    async def close(self) -> None:
        """Ends the processes that parse."""
        await self._parser.close()

    async def _fetch(self, file_id: str, path: Path) -> None:
        parts = await self._database.read(blobs.of_owner, file_id)
        sizes = [(part.id, part.bytes) for part in parts]
        whole = sum(size for _, size in sizes)
        with path.open("xb") as file:
            async with aclosing(read(self._store, sizes, 0, whole)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
