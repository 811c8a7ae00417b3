"""An engine on a real database, with the scripted model and a clock that the test moves."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Concatenate, ParamSpec, TypeVar

from perdure import lifecycle, settings, tools
from perdure.bus.bus import Bus
from perdure.bus.memory import MemoryBus
from perdure.commands import events, run_steps, runs, threads
from perdure.engine import context
from perdure.engine.context import Prepared
from perdure.engine.engine import Engine
from perdure.engine.executor import Execution, Means
from perdure.engine.file_reader import FileReader
from perdure.engine.ingest import Ingest
from perdure.engine.thinking_rules import LearntStyles, ThinkingRules, ThinkingSetting
from perdure.engine.windows import Windows
from perdure.errors import Unavailable
from perdure.lifecycle import STREAM_ENDS
from perdure.parsing.parser import Parser
from perdure.providers.router import Router
from perdure.quotas.limiter import Limiter
from perdure.retrieval.embedder import Embedder
from perdure.sandbox.sandbox import Sandbox
from perdure.sandbox.sessions import Sessions
from perdure.storage import BlobStores
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.testing.scripted_model import ScriptedProvider
from perdure.testing.scripted_sandbox import ScriptedSandbox, obey
from perdure.tools import ToolServices
from perdure.webhooks.delivery_loop import Webhooks
from perdure.wire.base import decode
from perdure.wire.events import Delta, Event
from perdure.wire.messages import Message, text
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run, SubmitToolOutputs, ToolOutput
from perdure.wire.threads import ModifyThread
from perdure.wire.tools import FileSearchResources, ToolResources
from tests.commands.acts import PROJECT, Acts
from tests.patience import PATIENCE_SECONDS

P = ParamSpec("P")
T = TypeVar("T")

SETTINGS = settings.only(code_timeout_seconds=PATIENCE_SECONDS)


def rules(
    thinking: Mapping[str, ThinkingSetting] = MappingProxyType({}), provider: Router | None = None
) -> ThinkingRules:
    """What is set and known of how models think."""
    return ThinkingRules(
        thinking,
        origin=provider.origin if provider else lambda model: ("", model),
        names=provider.names if provider else lambda model: (model,),
        lessons=LearntStyles(),
    )


class Stage:
    """Runs executions one at a time, as the test says."""

    def __init__(
        self, database: Database, bus: Bus, blobs: BlobStores, clock: ManualClock, folder: Path
    ) -> None:
        self.database = database
        self.bus = bus
        self.blobs = blobs
        self.clock = clock
        self.acts = Acts(database)
        self.acts.now = int(clock.now())
        windows = Windows(lambda _: None, unknown=256_000)
        self.sandbox = ScriptedSandbox(obey)
        self.sessions = Sessions(self.sandbox, clock=clock, most=2, spare=0, idle_seconds=3600)
        self.services = ToolServices(
            database, bus, clock, blobs, {}, self.sessions, SETTINGS, windows.of
        )
        self.means = Means(
            database,
            bus,
            ScriptedProvider(),
            clock,
            blobs,
            30,
            windows,
            tools.connect(self.services),
            32,
            rules(),
            Limiter(database, clock, server="worker_1", prices={}),
        )
        # None: each worker has its own, which takes a second to start
        self.parser: Parser | None = None
        self._folder = folder

    def use(self, database: Database | None = None, windows: Windows | None = None) -> None:
        """Makes runs work with this database, or with what is known of the models' windows."""
        database, windows = database or self.means.database, windows or self.means.windows
        self.means = self.means._replace(database=database, windows=windows)
        self.serve(self.services._replace(database=database, window=windows.of))

    def serve(self, services: ToolServices) -> None:
        """Makes the tools work with these services."""
        self.services = services
        self.means = self.means._replace(tools=tools.connect(services))

    def use_sandbox(self, sandbox: Sandbox, *, most: int = 2) -> None:
        """Makes code run in there."""
        sessions = Sessions(sandbox, clock=self.clock, most=most, spare=0, idle_seconds=3600)
        self.serve(self.services._replace(sessions=sessions))

    async def prepare(self, run: Run, window: int = 100_000) -> Prepared:
        """The run's next model call."""
        opened = [await tool.open(run) for tool in self.means.tools]
        prepared = await self.database.read(
            context.prepare,
            run,
            window,
            tools=[(tool, tool.prompter()) for tool in opened if tool is not None],
        )
        assert isinstance(prepared, Prepared)
        return prepared

    def ingest(
        self, database: Database | None = None, *, embedder: Embedder | None = None
    ) -> Ingest:
        """A worker that reads files, on this database or on one that breaks."""
        database = database or self.database
        embedders = {embedder.name: embedder} if embedder else {}
        parser = self.parser or Parser()
        return Ingest(
            database,
            self.bus,
            self.clock,
            FileReader(database, self.blobs, parser, embedders, folder=self._folder),
            lease_seconds=30,
            at_once=2,
            embedding=embedder.name if embedder else None,
        )

    def doomed(self, database: Database) -> Means:
        """The means of another server, which has nothing but the database and the blobs in
        common with this one.
        """
        sessions = Sessions(
            ScriptedSandbox(obey), clock=self.clock, most=2, spare=0, idle_seconds=3600
        )
        bus = MemoryBus()
        services = self.services._replace(database=database, bus=bus, sessions=sessions)
        provider = self.means.provider
        return self.means._replace(
            database=database,
            bus=bus,
            tools=tools.connect(services),
            thinking=rules(provider=provider if isinstance(provider, Router) else None),
        )

    def engine(self, webhooks: Webhooks | None = None) -> Engine:
        if webhooks is None:
            webhooks = Webhooks((), None, database=self.database, clock=self.clock)
        return Engine(
            self.means,
            self.ingest(),
            webhooks,
            max_concurrent_runs=10,
            event_retention_days=30,
        )

    async def begin(self, prompt: str, **fields: object) -> Run:
        """A queued run on a new thread that holds the prompt."""
        assistant = await self.acts.assistant()
        thread = await self.acts.thread(prompt)
        return await self.acts.run(thread.id, assistant.id, **fields)

    async def give_thread(self, thread_id: str, store_id: str) -> None:
        """Makes a vector store the thread's own."""
        body = ModifyThread(
            tool_resources=ToolResources(
                file_search=FileSearchResources(vector_store_ids=[store_id])
            )
        )
        await self.database.write(
            threads.modify, thread_id, body, project=PROJECT, now=int(self.clock.now())
        )

    async def execute(self, run: Run, owner: str = "worker_1") -> Run:
        """Brings a queued run to its next rest."""
        execution = Execution(run.id, self.means, owner=owner)
        await asyncio.wait_for(execution.run(), PATIENCE_SECONDS)
        return await self.acts.get(run.id)

    async def submit(self, run: Run, output: str) -> Run:
        """Submits the same output for every call that the run waits for."""
        assert run.required_action is not None
        calls = run.required_action.submit_tool_outputs.tool_calls
        body = SubmitToolOutputs(
            tool_outputs=[ToolOutput(tool_call_id=call.id, output=output) for call in calls]
        )
        return await self.database.write(
            runs.submit,
            run.id,
            body,
            thread_id=run.thread_id,
            project=PROJECT,
            now=int(self.clock.now()),
        )

    async def thread(self, run: Run) -> list[tuple[str, str, str]]:
        """Role, status and text of each message of the run's thread, oldest first."""
        messages = await self.database.read(_messages, run.thread_id)
        return [(message.role, message.status, text(message)) for message in messages]

    async def steps(self, run: Run) -> list[RunStep]:
        return [step for step, _ in await self.database.read(run_steps.of_run, run.id)]

    async def told(self, run: Run) -> list[str]:
        return [event.name for event in await self.database.read(events.after, run.id, 0)]

    async def told_in_full(self, run: Run) -> list[Event]:
        """All events of the run, with their data."""
        return list(await self.database.read(events.after, run.id, 0))

    async def listen_until(self, run: Run, until: Callable[[Event | Delta], bool]) -> None:
        """Waits until something was told about the run."""
        subscription = self.bus.subscribe(run.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for told in await subscription.next():
                    assert isinstance(told, Event | Delta)
                    if until(told):
                        return

    async def at_rest(self, run: Run) -> Run:
        """The run once it has ended or waits for outputs."""
        listening = asyncio.ensure_future(
            self.listen_until(run, lambda told: told.name in STREAM_ENDS)
        )
        await asyncio.sleep(0)
        # It may have come to rest before anybody listened.
        now = await self.acts.get(run.id)
        if now.status in (*lifecycle.TERMINAL, "requires_action"):
            listening.cancel()
            return now
        await listening
        return await self.acts.get(run.id)


class Crash(BaseException):
    """The process is gone."""


class CrashingDatabase:
    """A database whose process dies at its n-th write: right after the commit, or right before.

    After the crash nothing gets through any more, so that no clean-up code of the dead process
    can write.
    """

    def __init__(self, inner: Database, *, crash_at: int, committed: bool) -> None:
        self.inner = inner
        self.exclusive = inner.exclusive
        self.is_full = False
        self.crashed = asyncio.Event()
        self.writes = 0
        self._crash_at = crash_at
        self._committed = committed

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.writes += 1
        if self.writes < self._crash_at:
            return await self.inner.write(command, *args, **kwargs)
        if self.writes == self._crash_at and self._committed:
            await self.inner.write(command, *args, **kwargs)
        self.crashed.set()
        raise Crash

    def write_now(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self.crashed.is_set():
            raise Crash
        return self.inner.write_now(command, *args, **kwargs)

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.inner.read(query, *args, **kwargs)

    async def require_space(self) -> None:
        """Has room."""

    async def open(self) -> None:
        """Is open."""

    async def close(self) -> None:
        """Stays open for the next process."""


class AbsentDatabase(CrashingDatabase):
    """A database that is away at its n-th write, and back at the next; the process lives."""

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self.crashed.is_set():
            return await self.inner.write(command, *args, **kwargs)
        try:
            return await super().write(command, *args, **kwargs)
        except Crash:
            raise Unavailable("The database is not available right now.") from None


class SlowDatabase(CrashingDatabase):
    """A database that has written at once, and says so when it is let."""

    def __init__(self, inner: Database) -> None:
        super().__init__(inner, crash_at=0, committed=True)
        self.written = asyncio.Event()
        self.let = asyncio.Event()

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        result = await self.inner.write(command, *args, **kwargs)
        self.written.set()
        await self.let.wait()
        return result


def _messages(tx: Transaction, thread_id: str) -> list[Message]:
    rows = tx.all(
        "messages.oldest_first",
        project=PROJECT,
        parent=thread_id,
        low=0,
        high=2**62,
        limit=1000,
        run_id=None,
    )
    return [decode(row["body"], Message) for row in rows]
