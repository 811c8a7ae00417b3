"""Runs the code of calls in the session of their thread; its files come and go.

Each thread has a session, whose variables and files last from call to call and from run to run.
The session is lost with the server; what it had left is in the run's steps and files.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, aclosing, suppress
from weakref import WeakKeyDictionary

from perdure.errors import ConfigurationError, Unavailable
from perdure.sandbox.sandbox import (
    Error,
    ExecutionEnd,
    FileRefused,
    Image,
    Session,
    SessionFile,
    SessionLost,
    Text,
)
from perdure.sandbox.sessions import HeldSession
from perdure.storage.blob_stores import read
from perdure.tools.code_interpreter import definition, file_names, results, thread_files
from perdure.tools.code_interpreter.call import OpenCodeCall
from perdure.tools.code_interpreter.file_names import NO_NAMES, Names
from perdure.tools.code_interpreter.output_files import OutputKeeper, OutputStorage
from perdure.tools.tool import RunWriter, ToolError, ToolServices
from perdure.wire.runs import Run

# How long a call that is cancelled may take to stop by itself; then its session is ended, and that
# is not waited for much longer.
_STOP_SECONDS = 0.3
_END_SECONDS = 0.18
_ELSEWHERE = "It ended with its server, or is on another one."
_CANCELLED = "Its code was cancelled, and did not stop at once."
_REPEATED = (
    "The run was interrupted here and goes on. Its code may have been run before, in this session."
)


class _Known:
    """The knowledge of a session: names in its /mnt/data, why the one before it is gone, and the
    step in which it has run code last, with the epoch of the run's lease.
    """

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        self.taken: set[str] = set()
        self.refused: set[str] = set()
        self.gone: str | None = None
        self.attempt: tuple[str | None, int] | None = None

    @property
    def names(self) -> Names:
        """A copy, which may be read elsewhere."""
        return Names(dict(self.given), frozenset(self.taken), frozenset(self.refused))


class CodeRunner:
    """Runs code for all runs of a server, in the sessions of their threads."""

    def __init__(self, services: ToolServices) -> None:
        self._database = services.database
        self._blobs = services.blobs
        self._sessions = services.sessions
        self._note_sessions = services.note_sessions
        self._outputs = OutputStorage(services.database, services.blobs, services.clock)
        # Seconds that one execution may take.
        self._seconds = services.settings.code_timeout_seconds
        self._known: WeakKeyDictionary[Session, _Known] = WeakKeyDictionary()
        # calls that were cancelled, and take their time
        self._ending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends all sessions."""
        await self._sessions.close()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def names(self, run: Run) -> Names:
        """The names in /mnt/data of the session of the run's thread."""
        session = self._sessions.live_session(run.thread_id)
        known = self._known.get(session) if session is not None else None
        return known.names if known is not None else NO_NAMES

    async def run(self, calls: Sequence[OpenCodeCall], writer: RunWriter, until: ExitStack) -> None:
        """Runs the code of these calls, one after the other. Raises `ToolError` if this server can
        run none. The session stays the thread's own until that stack is closed.
        """
        for call in calls:
            writer.publish_up_to(call)
            writer.publish(call.finish())
            try:
                await self._interpret(writer, call, until)
            except ConfigurationError as error:
                raise ToolError(
                    f"The code interpreter cannot be used on this server. {error}"
                ) from error

    async def _interpret(self, writer: RunWriter, call: OpenCodeCall, until: ExitStack) -> None:
        """Runs a call; when the run is cancelled, that really stops and nobody waits for long."""
        helds: list[HeldSession] = []
        work = asyncio.create_task(self._call(writer, call, until, helds), name="code")
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stopping = asyncio.create_task(self._stop(work, helds), name="stop")
            while not stopping.done():
                with suppress(asyncio.CancelledError):  # who asks twice is not served sooner
                    await asyncio.wait({stopping})
            raise

    async def _stop(self, work: asyncio.Task[None], helds: list[HeldSession]) -> None:
        work.cancel()
        tasks = {work}
        await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        if not work.done():
            tasks |= {asyncio.create_task(held.end(_CANCELLED), name="end") for held in helds}
            await asyncio.wait(tasks, timeout=_END_SECONDS)
        for task in tasks:
            self._ending.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            # The run has been left: there is nobody to whom it matters.
            task.exception()

    async def _call(
        self, writer: RunWriter, call: OpenCodeCall, until: ExitStack, helds: list[HeldSession]
    ) -> None:
        async with self._sessions.hold(writer.run.thread_id, until=until) as held:
            helds.append(held)
            try:
                await self._run(held, writer, call)
            except SessionLost as lost:
                if held.why_ended is None:
                    text = f"The session ended, its variables and files are gone. {lost}"
                    _note(writer, call, text)

    async def _run(self, held: HeldSession, writer: RunWriter, call: OpenCodeCall) -> None:
        session = held.session
        known = self._known.setdefault(session, _Known())
        keeper = self._outputs.of(session, writer, call)
        if held.is_new:
            await self._say_what_is_gone(held, known, writer, call)
            if known.attempt is None:
                writer.count("code_interpreter_sessions")
            # Before the run can end: the thread's next one is to find its way here.
            await self._note_sessions()
        await self._give(session, known, writer, call)
        attempt = (writer.step_id, writer.lease.epoch)
        if known.attempt not in (None, attempt) and known.attempt[0] == writer.step_id:
            _note(writer, call, _REPEATED)
        known.attempt = attempt
        changed = await self._execute(session, keeper, writer, call)
        known.taken.update(file.name for file in changed)
        await keeper.take(session, changed)

    async def _say_what_is_gone(
        self, held: HeldSession, known: _Known, writer: RunWriter, call: OpenCodeCall
    ) -> None:
        if known.attempt is None:
            known.gone = held.lost or await self._left_elsewhere(writer.run)
        if known.gone is not None:
            text = f"This is a new session, without variables and files. {known.gone}"
            _note(writer, call, text)

    async def _left_elsewhere(self, run: Run) -> str | None:
        """Says where the session is that this thread's code has run in; None if none has run."""
        steps = await self._database.read(thread_files.steps_so_far, run)
        return _ELSEWHERE if results.has_run(steps) else None

    async def _give(
        self, session: Session, known: _Known, writer: RunWriter, call: OpenCodeCall
    ) -> None:
        """Puts the files into the session that it was not given yet."""
        contents = await self._database.read(thread_files.files_of_run, writer.run)
        names = file_names.names((content.file for content in contents), known.names)
        for content in contents:
            file = content.file
            if file.id in known.given or file.id in known.refused:
                continue
            name = names[file.id]
            try:
                await session.put(name, read(self._blobs, content.blobs, 0, file.bytes))
            except FileRefused as error:
                known.refused.add(file.id)
                _note(writer, call, str(error))
            except Unavailable as error:  # the next call tries again
                _note(writer, call, f"{name} cannot be read. {error}")
            else:
                known.given[file.id] = name

    async def _execute(
        self, session: Session, keeper: OutputKeeper, writer: RunWriter, call: OpenCodeCall
    ) -> tuple[SessionFile, ...]:
        """Runs the code; the files that it changed."""
        changed: tuple[SessionFile, ...] = ()
        async with aclosing(session.execute(call.code, seconds=self._seconds)) as outputs:
            async for output in outputs:
                match output:
                    case Text(text=text):
                        writer.publish([call.add_logs(text)])
                    case Error(traceback=text):
                        writer.publish([call.add_logs(f"{definition.traceback(text)}\n")])
                    case Image():
                        await keeper.show(output)
                    case ExecutionEnd(timed_out=timed_out, changed=changed):
                        if timed_out:
                            text = f"The code was stopped after {self._seconds:g} seconds."
                            _note(writer, call, text)
        return changed


def _note(writer: RunWriter, call: OpenCodeCall, text: str) -> None:
    writer.publish([call.add_note(text)])
