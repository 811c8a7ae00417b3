"""Makes files of what code has left: images that it showed, and what it wrote (spec 06).

Each is named in the run's open step in the transaction that makes it. What one execution and one
run may leave is limited: it stays on a disk until somebody deletes it.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import NamedTuple
from weakref import WeakKeyDictionary

from perdure import ids
from perdure.clock import Clock
from perdure.commands import blobs, files
from perdure.commands.blobs import WrittenBlob
from perdure.errors import Unavailable
from perdure.sandbox.sandbox import MIB, FileRefused, Image, Session, SessionFile
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database
from perdure.tools.code_interpreter import thread_files
from perdure.tools.code_interpreter.call import OpenCodeCall
from perdure.tools.code_interpreter.results import FOLDER
from perdure.tools.code_interpreter.thread_files import FileAllowance
from perdure.tools.tool import RunWriter

# What one execution may leave: more is named in a note, and stays in the session.
_MOST_FILES = 20
_MOST_BYTES = 100 * MIB
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class _Kept(NamedTuple):
    """The content that a file of a session had when it was kept, and as which file."""

    digest: bytes
    file_id: str


class OutputStorage:
    """Stores what code leaves, for all calls of a server."""

    def __init__(self, database: Database, store: BlobStores, clock: Clock) -> None:
        self.database = database
        self.blobs = store
        self.clock = clock
        # What was kept last of each session, by name.
        self.kept: WeakKeyDictionary[Session, dict[str, _Kept]] = WeakKeyDictionary()

    def of(self, session: Session, writer: RunWriter, call: OpenCodeCall) -> "OutputKeeper":
        """A keeper for one call."""
        return OutputKeeper(self, self.kept.setdefault(session, {}), writer, call)


class OutputKeeper:
    """Keeps what one call leaves."""

    def __init__(
        self, keeping: OutputStorage, kept: dict[str, _Kept], writer: RunWriter, call: OpenCodeCall
    ) -> None:
        self._database = keeping.database
        self._blobs = keeping.blobs
        self._clock = keeping.clock
        self._kept = kept
        self._writer = writer
        self._call = call
        self._allowance: FileAllowance | None = None
        self._told_that_full = False

    async def show(self, image: Image) -> None:
        """Makes a file of an image that the code showed, and shows it."""
        if await self._is_allowed("The image", len(image.content)):
            name = f"image-{ids.new_hex('')[:8]}.{_ENDINGS[image.mime]}"
            await self._keep(name, _once(image.content), is_shown=True)

    async def take(self, session: Session, changed: tuple[SessionFile, ...]) -> None:
        """Makes files of what the code wrote."""
        seen = [file for file in changed if not file.name.startswith(".")]
        for file in seen[:_MOST_FILES]:
            if file.size > _MOST_BYTES:
                text = f"{file.name} is larger than {_MOST_BYTES // MIB} MiB: it cannot be linked."
                self._note(text)
            elif await self._is_allowed(file.name, file.size):
                try:
                    async with aclosing(session.get(file.name)) as chunks:
                        await self._keep(file.name, chunks)
                except FileRefused as refused:
                    self._note(str(refused))
        if len(seen) > _MOST_FILES:
            self._note(f"Only {_MOST_FILES} of {len(seen)} new files can be linked.")

    async def _is_allowed(self, what: str, size: int) -> bool:
        """True if the run may still leave this; notes in the output where it may not."""
        if self._allowance is None:
            self._allowance = await self._database.read(thread_files.allowance, self._writer.run)
        if self._allowance.files > 0 and size <= self._allowance.bytes:
            return True
        if not self._told_that_full:
            most = thread_files.MOST_BYTES // MIB
            self._note(
                f"{what} cannot be kept: the code of one run can leave {thread_files.MOST_FILES} "
                f"files and {most} MiB in all."
            )
        self._told_that_full = True
        return False

    async def _keep(
        self, name: str, chunks: AsyncIterable[bytes], *, is_shown: bool = False
    ) -> None:
        """Makes a file of this content and tells it, unless it is that of a file that was kept."""
        allowance = self._allowance
        assert allowance is not None  # noqa: S101 # somebody has looked
        content = _Content(name, most=min(_MOST_BYTES, allowance.bytes))
        blob_id = ids.new_hex(ids.BLOB)
        await self._database.write(
            blobs.begin, blob_id, self._blobs.location, now=self._clock.now()
        )
        try:
            try:
                size = await self._blobs.write(blob_id, content.of(chunks))
            except Unavailable as error:
                self._note(f"{name} cannot be stored: {error}")
                return
            kept = None if is_shown else await self._kept_as(name, content.digest)
            file_id = kept or ids.new_file()
            delta = self._call.add_image(file_id) if is_shown else None
            if not is_shown:
                self._call.add_file(FOLDER + name, file_id)
            if kept is None:
                await self._writer.keep_file(
                    file_id, name, WrittenBlob(blob_id, size, self._blobs.location)
                )
                self._allowance = FileAllowance(allowance.files - 1, allowance.bytes - size)
        finally:
            await self._database.write(blobs.abandon, blob_id)
        if delta is not None:
            self._writer.publish([delta])
        else:
            self._kept[name] = _Kept(content.digest, file_id)

    async def _kept_as(self, name: str, digest: bytes) -> str | None:
        """The file that this content was kept as, if it is still there."""
        last = self._kept.get(name)
        if last is None or last.digest != digest:
            return None
        run = self._writer.run
        found = await self._database.read(files.contents_for_run, run.id, [last.file_id])
        return last.file_id if found else None

    def _note(self, text: str) -> None:
        self._writer.publish([self._call.add_note(text)])


class _Content:
    """Bytes on their way: counted, and known again."""

    def __init__(self, name: str, *, most: int) -> None:
        self._name = name
        self._left = most
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    async def of(self, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """Passes them on. Raises `FileRefused` when there are too many."""
        async for chunk in chunks:
            self._left -= len(chunk)
            if self._left < 0:
                raise FileRefused(f"{self._name} grew while it was read: it cannot be linked.")
            self._digest.update(chunk)
            yield chunk


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
