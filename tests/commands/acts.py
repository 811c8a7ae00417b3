"""Short ways to bring a database into a state, through the commands themselves."""

from perdure import ids
from perdure.commands import assistants, creation, leases, run_writes, runs, threads
from perdure.commands.creation import NewRun
from perdure.commands.leases import HeldLease
from perdure.commands.runs import PartialMessage
from perdure.storage.database import Database
from perdure.wire.assistants import Assistant, CreateAssistant
from perdure.wire.messages import CreateMessage, TextContent, TextPart
from perdure.wire.run_steps import FunctionCall, FunctionToolCall
from perdure.wire.runs import CreateRun, IncompleteRun, LastError, Run
from perdure.wire.threads import CreateThread, Thread
from perdure.wire.usage import Usage

PROJECT = "proj_default"
START = 1_800_000_000
LIFETIME = 600
USAGE = Usage(prompt_tokens=20, completion_tokens=5, total_tokens=25)
CALLS = [
    FunctionToolCall(id="call_a", function=FunctionCall(name="f", arguments="{}")),
    FunctionToolCall(id="call_b", function=FunctionCall(name="g", arguments="{}")),
]


class Acts:
    """Acts on one database, at a time that the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START

    async def assistant(self, **fields: object) -> Assistant:
        body = CreateAssistant(model="m", **fields)  # type: ignore[arg-type]
        return await self.database.write(assistants.create, body, project=PROJECT, now=self.now)

    async def thread(self, *texts: str) -> Thread:
        messages = [CreateMessage(role="user", content=text) for text in texts]
        body = CreateThread(messages=messages)
        return await self.database.write(threads.create, body, project=PROJECT, now=self.now)

    async def run(self, thread_id: str, assistant_id: str, **fields: object) -> Run:
        body = CreateRun(assistant_id=assistant_id, **fields)  # type: ignore[arg-type]
        new = NewRun(ids.new(ids.RUN), PROJECT, self.now, LIFETIME)
        return await self.database.write(creation.create, thread_id, body, new)

    async def queued(self) -> Run:
        """A queued run on a thread of its own."""
        assistant = await self.assistant()
        thread = await self.thread("Hello")
        return await self.run(thread.id, assistant.id)

    async def claim(self, run: Run, owner: str = "worker_1") -> HeldLease:
        claimed = await self.database.write(
            leases.claim, run.id, owner=owner, now=float(self.now), lease_seconds=30
        )
        assert claimed is not None
        return HeldLease(run.id, claimed.lease, self.now)

    async def claimed(self) -> HeldLease:
        return await self.claim(await self.queued())

    async def writing(self) -> HeldLease:
        """A run whose message is open."""
        hold = await self.claimed()
        await self.database.write(run_writes.open_message, hold)
        return hold

    async def asking(self) -> HeldLease:
        """A run that waits for the outputs of two calls."""
        hold = await self.claimed()
        await self.database.write(run_writes.open_calls, hold)
        await self.database.write(run_writes.ask, hold, CALLS, usage=USAGE)
        return hold

    async def cancelling(self) -> HeldLease:
        hold = await self.writing()
        await self.cancel(hold.run_id)
        return hold

    async def cancel(self, run_id: str) -> Run:
        run = await self.get(run_id)
        return await self.database.write(
            runs.cancel, run_id, thread_id=run.thread_id, project=PROJECT, now=self.now
        )

    async def complete(self, hold: HeldLease) -> None:
        await self.database.write(run_writes.complete, hold, [text("Hi")], usage=USAGE)

    async def complete_after_submit(self, run_id: str) -> None:
        """Brings a run whose outputs came to its end, with a message."""
        hold = await self.claim(await self.get(run_id))
        await self.database.write(run_writes.open_message, hold)
        await self.complete(hold)

    async def truncate(self, hold: HeldLease) -> None:
        partial = PartialMessage([text("Hi th")], (), USAGE)
        reason = IncompleteRun(reason="max_completion_tokens")
        await self.database.write(run_writes.truncate, hold, reason, partial=partial)

    async def fail(self, hold: HeldLease) -> None:
        error = LastError(code="rate_limit_exceeded", message="Slow down.")
        await self.database.write(
            run_writes.fail, hold, error, partial=PartialMessage([text("Hi th")], (), None)
        )

    async def release(self, hold: HeldLease) -> None:
        partial = PartialMessage([text("Hi th")], (), USAGE)
        await self.database.write(leases.release, hold._replace(now=self.now), partial=partial)

    async def expire(self, run_id: str) -> bool:
        return await self.database.write(runs.expire, run_id, now=self.now)

    async def get(self, run_id: str) -> Run:
        held = await self.database.write(runs.lock, run_id)
        assert held is not None
        return held.run


def text(value: str) -> TextPart:
    return TextPart(text=TextContent(value=value))
