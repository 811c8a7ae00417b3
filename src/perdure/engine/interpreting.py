"""The code_interpreter tool in a run: its code is run, its files come and go (spec 04 §3.4, 06).

Each thread has a session, whose variables and files last from call to call and from run to run.
The session is lost with the server; what it had left is in the run's steps and files.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from weakref import WeakKeyDictionary

from perdure import ids
from perdure.clock import Clock
from perdure.commands import assistants, blobs, code_files, threads
from perdure.commands.blobs import Written
from perdure.engine.calls import CodeCall
from perdure.engine.context import Prepared
from perdure.engine.outcomes import Failed
from perdure.engine.recorder import Recorder
from perdure.errors import ConfigurationError, Unavailable
from perdure.sandbox.sandbox import (
    MIB,
    End,
    Error,
    File,
    FileRefused,
    Image,
    Session,
    SessionLost,
    Text,
)
from perdure.sandbox.sessions import Held, Sessions
from perdure.store.blobs import Blobs, read
from perdure.store.database import Database
from perdure.tools import code_interpreter, code_results
from perdure.tools.code_results import FOLDER
from perdure.tools.paths import Linker
from perdure.wire.runs import LastError, Run
from perdure.wire.usage import Usage

# How long code that is cancelled may take to stop by itself; then its session is ended.
_STOP_SECONDS = 0.3
# What one execution may leave: more is named in a note, and stays in the session.
_MOST_FILES = 20
_MOST_BYTES = 100 * MIB
_ELSEWHERE = "It ended with its server, or is on another one."
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class Interpreting:
    """What an execution needs to run code. `seconds`: how long one piece of code may take."""

    def __init__(
        self,
        database: Database,
        store: Blobs,
        clock: Clock,
        sessions: Sessions,
        *,
        seconds: float,
    ) -> None:
        self._database = database
        self._blobs = store
        self._clock = clock
        self._sessions = sessions
        self._seconds = seconds
        # Sessions that are kept ready cost memory: only who uses the tool pays.
        self._expected: bool | None = None
        # What each session was given, by the file's id.
        self._given: WeakKeyDictionary[Session, set[str]] = WeakKeyDictionary()

    async def step(self) -> None:
        """Ends sessions of deleted threads and those that were not used for long, and keeps some
        ready where the tool is in use.
        """
        if self._expected is None:
            self._expected = await self._database.read(assistants.any_runs_code)
        if self._expected:
            if keys := self._sessions.keys:
                for thread_id in await self._database.read(threads.missing, keys):
                    await self._sessions.end(thread_id)
            await self._sessions.step()

    async def close(self) -> None:
        """Ends all sessions."""
        await self._sessions.close()

    def expect(self, run: Run) -> None:
        """Says that a run may need a session soon."""
        if code_interpreter.is_offered(run):
            self._expected = True

    def linker(self, prepared: Prepared) -> Linker | None:
        """What finds the files that a part of the answer names, where code has written some."""
        return Linker(prepared.links) if prepared.links else None

    async def answer(self, recorder: Recorder, usage: Usage) -> Failed | None:
        """Runs the code that the model has written, call by call; the run's failure where no code
        can be run.
        """
        for call in recorder.codes:
            recorder.tell(call.complete())
            try:
                async with self._sessions.hold(recorder.run.thread_id) as held:
                    await self._run(held, recorder, call)
            except ConfigurationError as error:
                message = f"The code interpreter cannot be used on this server. {error}"
                return Failed(LastError(code="server_error", message=message), usage)
        return None

    async def _run(self, held: Held, recorder: Recorder, call: CodeCall) -> None:
        try:
            if held.is_new:
                await self._say_what_is_gone(held, recorder, call)
            await self._give(held.session, recorder, call)
            changed = await self._execute(held.session, recorder, call)
            await self._take(held.session, recorder, call, changed)
        except SessionLost as lost:
            _note(recorder, call, f"The session ended, its variables and files are gone. {lost}")

    async def _say_what_is_gone(self, held: Held, recorder: Recorder, call: CodeCall) -> None:
        lost = held.lost
        if lost is None:
            steps = await self._database.read(code_files.steps_so_far, recorder.run)
            lost = _ELSEWHERE if code_results.has_run(steps) else None
        if lost is not None:
            _note(recorder, call, f"This is a new session, without variables and files. {lost}")

    async def _give(self, session: Session, recorder: Recorder, call: CodeCall) -> None:
        """Puts the files into the session that it was not given yet."""
        given = self._given.setdefault(session, set())
        contents = await self._database.read(code_files.given, recorder.run)
        names = code_results.names(content.file for content in contents)
        for content in contents:
            file = content.file
            if file.id in given:
                continue
            given.add(file.id)
            try:
                await session.put(names[file.id], read(self._blobs, content.blobs, 0, file.bytes))
            except (FileRefused, Unavailable) as error:
                _note(recorder, call, str(error))

    async def _execute(
        self, session: Session, recorder: Recorder, call: CodeCall
    ) -> tuple[File, ...]:
        """Runs the code; the files that it changed. A cancelled run's code really stops."""
        work = asyncio.create_task(self._listen(session, recorder, call))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work}, timeout=_STOP_SECONDS)
            if not work.done():
                await session.close()
            await asyncio.gather(work, return_exceptions=True)
            raise

    async def _listen(
        self, session: Session, recorder: Recorder, call: CodeCall
    ) -> tuple[File, ...]:
        changed: tuple[File, ...] = ()
        async with aclosing(session.execute(call.code, seconds=self._seconds)) as outputs:
            async for output in outputs:
                match output:
                    case Text(text=text):
                        recorder.tell([call.logged(text)])
                    case Error(traceback=text):
                        recorder.tell([call.logged(f"{code_interpreter.traceback(text)}\n")])
                    case Image():
                        await self._show(output, recorder, call)
                    case End(timed_out=timed_out, changed=changed):
                        if timed_out:
                            text = f"The code was stopped after {self._seconds:g} seconds."
                            _note(recorder, call, text)
        return changed

    async def _show(self, image: Image, recorder: Recorder, call: CodeCall) -> None:
        name = f"image-{ids.new_hex('')[:8]}.{_ENDINGS[image.mime]}"
        file_id = await self._kept(name, _once(image.content), recorder, call)
        if file_id is not None:
            recorder.tell([call.shown(file_id)])

    async def _take(
        self, session: Session, recorder: Recorder, call: CodeCall, changed: tuple[File, ...]
    ) -> None:
        """Makes files of what the code has left."""
        seen = [file for file in changed if not file.name.startswith(".")]
        for file in seen[:_MOST_FILES]:
            if file.size > _MOST_BYTES:
                text = f"{file.name} is larger than {_MOST_BYTES // MIB} MiB: it cannot be linked."
                _note(recorder, call, text)
                continue
            try:
                async with aclosing(session.get(file.name)) as chunks:
                    file_id = await self._kept(file.name, chunks, recorder, call)
            except FileRefused as refused:
                _note(recorder, call, str(refused))
                continue
            if file_id is not None:
                call.left(FOLDER + file.name, file_id)
        if len(seen) > _MOST_FILES:
            _note(recorder, call, f"Only {_MOST_FILES} of {len(seen)} new files can be linked.")

    async def _kept(
        self, name: str, chunks: AsyncIterable[bytes], recorder: Recorder, call: CodeCall
    ) -> str | None:
        """The id of the file that has this content now; None where it cannot be stored."""
        blob_id = ids.new_hex(ids.BLOB)
        await self._database.write(blobs.begin, blob_id, now=self._clock.now())
        try:
            try:
                size = await self._blobs.write(blob_id, chunks)
            except Unavailable as error:
                _note(recorder, call, f"{name} cannot be stored: {error}")
                return None
            return await recorder.keep_file(name, Written(blob_id, size))
        finally:
            await self._database.write(blobs.abandon, blob_id)


def _note(recorder: Recorder, call: CodeCall, text: str) -> None:
    """Says something of ours among what the code wrote: user and model read it."""
    recorder.tell([call.logged(f"[{text}]\n")])


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
