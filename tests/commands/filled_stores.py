"""Short ways to files, uploads, vector stores and what is read into them, through the commands."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from perdure import ids
from perdure.commands import (
    blobs,
    file_batches,
    files,
    ingestions,
    uploads,
    vector_store_files,
    vector_stores,
)
from perdure.commands.blobs import WrittenBlob
from perdure.commands.ingestions import IngestionJob
from perdure.retrieval import index_writer
from perdure.retrieval.vectors import Vectors
from perdure.storage.database import Database
from perdure.wire.base import decode
from perdure.wire.file_batches import CreateFileBatch, FileBatch
from perdure.wire.files import CreateFile
from perdure.wire.uploads import CreateUpload, Upload
from perdure.wire.vector_store_files import (
    CreateVectorStoreFile,
    FileError,
    VectorStoreFile,
)
from perdure.wire.vector_stores import CreateVectorStore, VectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT, START

BROKEN = FileError(code="invalid_file", message="The file could not be parsed: it is empty.")


class Paragraph(NamedTuple):
    """A chunk as it is written."""

    text: str
    start: int
    tokens: int = 10
    heading: int = 0


class FilledStore:
    """Acts on one database, at a time that the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START

    async def blob(self, size: int = 3) -> WrittenBlob:
        """A blob that its writer has finished; its bytes do not matter here."""
        blob = WrittenBlob(ids.new_hex(ids.BLOB), size, "database")
        await self.database.write(blobs.begin, blob.id, blob.location, now=self.now)
        return blob

    async def file(self, name: str = "a.txt", *, project: str = PROJECT) -> str:
        """The id of a new file."""
        body, blob = CreateFile(purpose="assistants"), await self.blob()
        made = await self.database.write(
            files.create, body, name, blob, project=project, now=self.now
        )
        return made.id

    async def files(self, count: int) -> list[str]:
        return [await self.file(f"{number}.txt") for number in range(count)]

    async def delete_file(self, file_id: str) -> None:
        await self.database.write(files.delete, file_id, project=PROJECT, now=self.now)

    async def upload(self, *sizes: int) -> Upload:
        """A pending upload with parts of these sizes."""
        body = CreateUpload(
            filename="a.txt", purpose="assistants", bytes=sum(sizes), mime_type="text/plain"
        )
        upload = await self.database.write(uploads.create, body, project=PROJECT, now=self.now)
        for size in sizes:
            blob = await self.blob(size)
            await self.database.write(
                uploads.add_part, upload.id, blob, project=PROJECT, now=self.now
            )
        return upload

    async def store(
        self, file_ids: Sequence[str] = (), *, days: int | None = None, project: str = PROJECT
    ) -> str:
        """The id of a new store whose files wait to be read."""
        policy = VectorStoreExpiresAfter(anchor="last_active_at", days=days) if days else None
        body = CreateVectorStore(file_ids=list(file_ids) or None, expires_after=policy)
        made = await self.database.write(vector_stores.create, body, project=project, now=self.now)
        return made.id

    async def look(self, store_id: str) -> VectorStore:
        return await self.database.read(vector_stores.get, store_id, project=PROJECT, now=self.now)

    async def delete_store(self, store_id: str) -> None:
        await self.database.write(vector_stores.delete, store_id, project=PROJECT, now=self.now)

    async def add(self, store_id: str, file_id: str, **fields: object) -> VectorStoreFile:
        """Puts a file into a store."""
        body = CreateVectorStoreFile(file_id=file_id, **fields)  # type: ignore[arg-type]
        answer = await self.database.write(
            vector_store_files.create, store_id, body, project=PROJECT, now=self.now
        )
        return decode(answer, VectorStoreFile)

    async def look_at(self, store_id: str, file_id: str) -> VectorStoreFile:
        answer = await self.database.read(
            vector_store_files.get, file_id, store_id=store_id, project=PROJECT
        )
        return decode(answer, VectorStoreFile)

    async def remove(self, store_id: str, file_id: str) -> None:
        """Takes a file out of a store."""
        await self.database.write(
            vector_store_files.delete, file_id, store_id=store_id, project=PROJECT, now=self.now
        )

    async def batch(self, store_id: str, file_ids: Sequence[str]) -> FileBatch:
        body = CreateFileBatch(file_ids=list(file_ids))
        return await self.database.write(
            file_batches.create, store_id, body, project=PROJECT, now=self.now
        )

    async def look_at_batch(self, batch: FileBatch) -> FileBatch:
        return await self.database.read(
            file_batches.get, batch.id, store_id=batch.vector_store_id, project=PROJECT
        )

    async def cancel(self, batch: FileBatch) -> FileBatch:
        return await self.database.write(
            file_batches.cancel, batch.id, store_id=batch.vector_store_id, project=PROJECT
        )

    async def claim(
        self,
        owner: str = "worker_1",
        *,
        embedding: str | None = None,
        after: str = "",
        in_hand: Collection[int] = (),
    ) -> IngestionJob | None:
        """An attempt at the file that waits longest in the store whose turn it is, held for 30
        seconds.
        """
        return await self.database.write(
            ingestions.claim,
            owner=owner,
            now=float(self.now),
            lease_seconds=30,
            embedding=embedding,
            after=after,
            in_hand=in_hand,
        )

    async def begin(self, *, embedding: str | None = None) -> IngestionJob:
        """The same, where one waits."""
        job = await self.claim(embedding=embedding)
        assert job is not None
        return job

    async def write(self, job: IngestionJob, *texts: str, vectors: Vectors | None = None) -> int:
        """Writes these chunks as one piece; the bytes that they take."""
        chunks, at = [], 0
        for text in texts:
            chunks.append(Paragraph(text, at))
            at += len(text) + 1
        return await self.database.write(
            ingestions.write, job, index_writer.prepare(chunks, vectors), now=self.now
        )

    async def finish(self, job: IngestionJob, *texts: str) -> None:
        """Writes these chunks and completes the file."""
        usage = await self.write(job, *texts)
        await self.database.write(ingestions.complete, job, usage_bytes=usage)

    async def fail(self, job: IngestionJob) -> None:
        await self.database.write(ingestions.fail, job, BROKEN)

    async def read_all(self, *texts: str) -> None:
        """Completes all files that wait, with these chunks each."""
        while job := await self.claim():
            await self.finish(job, *texts)
