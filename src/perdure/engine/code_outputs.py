"""What code has left becomes files: images that it showed, and what it wrote (spec 06).

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
from perdure.commands import blobs, code_files, files
from perdure.commands.blobs import WrittenBlob
from perdure.commands.code_files import FileAllowance
from perdure.engine.open_calls import OpenCodeCall
from perdure.engine.recorder import Recorder
from perdure.errors import Unavailable
from perdure.sandbox.sandbox import MIB, FileRefused, Image, Session, SessionFile
from perdure.storage.blobs import Blobs
from perdure.storage.database import Database
from perdure.tools.code_results import FOLDER

# What one execution may leave: more is named in a note, and stays in the session.
_MOST_FILES = 20
_MOST_BYTES = 100 * MIB
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class _Kept(NamedTuple):
    """The content that a file of a session had when it was kept, and as which file."""

    digest: bytes
    file_id: str


class OutputStorage:
    """What is needed to keep what code leaves."""

    def __init__(self, database: Database, store: Blobs, clock: Clock) -> None:
        self.database = database
        self.blobs = store
        self.clock = clock
        # What was kept last of each session, by name.
        self.kept: WeakKeyDictionary[Session, dict[str, _Kept]] = WeakKeyDictionary()

    def of(self, session: Session, recorder: Recorder, call: OpenCodeCall) -> "OutputKeeper":
        """What keeps what this call leaves."""
        return OutputKeeper(self, self.kept.setdefault(session, {}), recorder, call)


class OutputKeeper:
    """Keeps what one call leaves."""

    def __init__(
        self, keeping: OutputStorage, kept: dict[str, _Kept], recorder: Recorder, call: OpenCodeCall
    ) -> None:
        self._database = keeping.database
        self._blobs = keeping.blobs
        self._clock = keeping.clock
        self._kept = kept
        self._recorder = recorder
        self._call = call
        self._room: FileAllowance | None = None
        self._told_that_full = False

    async def show(self, image: Image) -> None:
        """Makes a file of an image that the code showed, and shows it."""
        if await self._has_room("The image", len(image.content)):
            name = f"image-{ids.new_hex('')[:8]}.{_ENDINGS[image.mime]}"
            await self._keep(name, _once(image.content), is_shown=True)

    async def take(self, session: Session, changed: tuple[SessionFile, ...]) -> None:
        """Makes files of what the code wrote."""
        seen = [file for file in changed if not file.name.startswith(".")]
        for file in seen[:_MOST_FILES]:
            if file.size > _MOST_BYTES:
                text = f"{file.name} is larger than {_MOST_BYTES // MIB} MiB: it cannot be linked."
                self._note(text)
            elif await self._has_room(file.name, file.size):
                try:
                    async with aclosing(session.get(file.name)) as chunks:
                        await self._keep(file.name, chunks)
                except FileRefused as refused:
                    self._note(str(refused))
        if len(seen) > _MOST_FILES:
            self._note(f"Only {_MOST_FILES} of {len(seen)} new files can be linked.")

    async def _has_room(self, what: str, size: int) -> bool:
        """Whether the run may still leave this; says so where it may not."""
        if self._room is None:
            self._room = await self._database.read(code_files.room, self._recorder.run)
        if self._room.files > 0 and size <= self._room.bytes:
            return True
        if not self._told_that_full:
            most = code_files.MOST_BYTES // MIB
            self._note(
                f"{what} cannot be kept: the code of one run can leave {code_files.MOST_FILES} "
                f"files and {most} MiB in all."
            )
        self._told_that_full = True
        return False

    async def _keep(
        self, name: str, chunks: AsyncIterable[bytes], *, is_shown: bool = False
    ) -> None:
        """Makes a file of this content and tells it, unless it is that of a file that was kept."""
        room = self._room
        assert room is not None  # noqa: S101 # somebody has looked
        content = _Content(name, most=min(_MOST_BYTES, room.bytes))
        blob_id = ids.new_hex(ids.BLOB)
        await self._database.write(blobs.begin, blob_id, now=self._clock.now())
        try:
            try:
                size = await self._blobs.write(blob_id, content.of(chunks))
            except Unavailable as error:
                self._note(f"{name} cannot be stored: {error}")
                return
            kept = None if is_shown else await self._kept_as(name, content.digest)
            file_id = kept or ids.new_file()
            delta = self._call.shown(file_id) if is_shown else None
            if not is_shown:
                self._call.left(FOLDER + name, file_id)
            if kept is None:
                await self._recorder.keep_file(file_id, name, WrittenBlob(blob_id, size))
                self._room = FileAllowance(room.files - 1, room.bytes - size)
        finally:
            await self._database.write(blobs.abandon, blob_id)
        if delta is not None:
            self._recorder.tell([delta])
        else:
            self._kept[name] = _Kept(content.digest, file_id)

    async def _kept_as(self, name: str, digest: bytes) -> str | None:
        """The file that this content was kept as, if it is still there."""
        last = self._kept.get(name)
        if last is None or last.digest != digest:
            return None
        run = self._recorder.run
        found = await self._database.read(files.contents_for_run, run.id, [last.file_id])
        return last.file_id if found else None

    def _note(self, text: str) -> None:
        self._recorder.tell([self._call.noted(text)])


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
