"""The code_interpreter tool in a run: its code is run, its files come and go (spec 04 §3.4, 06).

Each thread has a session, whose variables and files last from call to call and from run to run.
The session is lost with the server; what it had left is in the run's steps and files.
"""

import asyncio
from contextlib import ExitStack, aclosing, suppress
from weakref import WeakKeyDictionary

from perdure.clock import Clock
from perdure.commands import assistants, code_files, threads
from perdure.engine.code_outputs import OutputKeeper, OutputStorage
from perdure.engine.context import Prepared
from perdure.engine.open_calls import OpenCodeCall
from perdure.engine.outcomes import Failed
from perdure.engine.recorder import Recorder
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
from perdure.sandbox.sessions import HeldSession, Sessions
from perdure.storage.blobs import Blobs, read
from perdure.storage.database import Database
from perdure.tools import code_interpreter, code_names, code_results
from perdure.tools.code_names import NO_NAMES, Names
from perdure.tools.file_links import Linker
from perdure.wire.runs import LastError, Run
from perdure.wire.usage import Usage

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
    """What is known of a session: names in its /mnt/data, why the one before it is gone, and in
    which step, and in which attempt at it, it has run code last.
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
        self._keeping = OutputStorage(database, store, clock)
        self._sessions = sessions
        self._seconds = seconds
        # Sessions that are kept ready cost memory: only who uses the tool pays.
        self._expected: bool | None = None
        self._known: WeakKeyDictionary[Session, _Known] = WeakKeyDictionary()
        # calls that were cancelled, and take their time
        self._ending: set[asyncio.Task[None]] = set()

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
        await asyncio.gather(*self._ending, return_exceptions=True)

    def expect(self, run: Run) -> None:
        """Says that a run may need a session soon."""
        if code_interpreter.is_offered(run):
            self._expected = True

    def names(self, run: Run) -> Names:
        """What the session of the run's thread has in /mnt/data."""
        session = self._sessions.living(run.thread_id)
        known = self._known.get(session) if session is not None else None
        return known.names if known is not None else NO_NAMES

    def linker(self, prepared: Prepared) -> Linker | None:
        """What finds the files that a part of the answer names, where code has written some."""
        return Linker(prepared.links) if prepared.links else None

    async def answer(self, recorder: Recorder, usage: Usage, until: ExitStack) -> Failed | None:
        """Runs the code that the model has written, call by call; the run's failure where no code
        can be run. The session stays the thread's own until that stack is closed.
        """
        for call in recorder.codes:
            recorder.come_to(call)
            recorder.tell(call.complete())
            try:
                await self._interpret(recorder, call, until)
            except ConfigurationError as error:
                message = f"The code interpreter cannot be used on this server. {error}"
                return Failed(LastError(code="server_error", message=message), usage)
        recorder.come_to(None)
        return None

    async def _interpret(self, recorder: Recorder, call: OpenCodeCall, until: ExitStack) -> None:
        """Runs a call; when the run is cancelled, that really stops and nobody waits for long."""
        helds: list[HeldSession] = []
        work = asyncio.create_task(self._call(recorder, call, until, helds), name="code")
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
        self, recorder: Recorder, call: OpenCodeCall, until: ExitStack, helds: list[HeldSession]
    ) -> None:
        async with self._sessions.hold(recorder.run.thread_id, until=until) as held:
            helds.append(held)
            try:
                await self._run(held, recorder, call)
            except SessionLost as lost:
                if held.why_ended is None:
                    text = f"The session ended, its variables and files are gone. {lost}"
                    _note(recorder, call, text)

    async def _run(self, held: HeldSession, recorder: Recorder, call: OpenCodeCall) -> None:
        session = held.session
        known = self._known.setdefault(session, _Known())
        keeper = self._keeping.of(session, recorder, call)
        if held.is_new:
            await self._say_what_is_gone(held, known, recorder, call)
        await self._give(session, known, recorder, call)
        attempt = (recorder.step_id, recorder.lease.epoch)
        if known.attempt not in (None, attempt) and known.attempt[0] == recorder.step_id:
            _note(recorder, call, _REPEATED)
        known.attempt = attempt
        changed = await self._execute(session, keeper, recorder, call)
        known.taken.update(file.name for file in changed)
        await keeper.take(session, changed)

    async def _say_what_is_gone(
        self, held: HeldSession, known: _Known, recorder: Recorder, call: OpenCodeCall
    ) -> None:
        if known.attempt is None:
            known.gone = held.lost or await self._left_elsewhere(recorder.run)
        if known.gone is not None:
            text = f"This is a new session, without variables and files. {known.gone}"
            _note(recorder, call, text)

    async def _left_elsewhere(self, run: Run) -> str | None:
        """Where the session is that this thread's code has run in, if it has run at all."""
        steps = await self._database.read(code_files.steps_so_far, run)
        return _ELSEWHERE if code_results.has_run(steps) else None

    async def _give(
        self, session: Session, known: _Known, recorder: Recorder, call: OpenCodeCall
    ) -> None:
        """Puts the files into the session that it was not given yet."""
        contents = await self._database.read(code_files.given, recorder.run)
        names = code_names.names((content.file for content in contents), known.names)
        for content in contents:
            file = content.file
            if file.id in known.given or file.id in known.refused:
                continue
            name = names[file.id]
            try:
                await session.put(name, read(self._blobs, content.blobs, 0, file.bytes))
            except FileRefused as error:
                known.refused.add(file.id)
                _note(recorder, call, str(error))
            except Unavailable as error:  # the next call tries again
                _note(recorder, call, f"{name} cannot be read. {error}")
            else:
                known.given[file.id] = name

    async def _execute(
        self, session: Session, keeper: OutputKeeper, recorder: Recorder, call: OpenCodeCall
    ) -> tuple[SessionFile, ...]:
        """Runs the code; the files that it changed."""
        changed: tuple[SessionFile, ...] = ()
        async with aclosing(session.execute(call.code, seconds=self._seconds)) as outputs:
            async for output in outputs:
                match output:
                    case Text(text=text):
                        recorder.tell([call.logged(text)])
                    case Error(traceback=text):
                        recorder.tell([call.logged(f"{code_interpreter.traceback(text)}\n")])
                    case Image():
                        await keeper.show(output)
                    case ExecutionEnd(timed_out=timed_out, changed=changed):
                        if timed_out:
                            text = f"The code was stopped after {self._seconds:g} seconds."
                            _note(recorder, call, text)
        return changed


def _note(recorder: Recorder, call: OpenCodeCall, text: str) -> None:
    recorder.tell([call.noted(text)])
