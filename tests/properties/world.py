"""A database, clients and workers that do what they like, some of them dead or given up."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from perdure import invariants
from perdure.commands import leases, messages, run_writes, runs, threads
from perdure.commands.leases import HeldLease
from perdure.commands.runs import PartialMessage
from perdure.engine.maintenance import Maintenance
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.invariants import Violation
from perdure.lifecycle import RunStatus
from perdure.storage.database import Database, Row, Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.wire.base import decode
from perdure.wire.messages import Message
from perdure.wire.run_steps import FunctionCall, FunctionToolCall
from perdure.wire.runs import (
    IncompleteRun,
    LastError,
    ModifyRun,
    Run,
    SubmitToolOutputs,
    ToolOutput,
)
from tests.commands.acts import PROJECT, USAGE, Acts, text

Write = Callable[[Transaction, HeldLease], None]

_LEASE_SECONDS = 30
_RETENTION_DAYS = 0.01


def _open_message(tx: Transaction, hold: HeldLease) -> None:
    run_writes.open_message(tx, hold)


def _close_message(tx: Transaction, hold: HeldLease) -> None:
    run_writes.close_message(tx, hold, [text("Let me look.")])


def _open_calls(tx: Transaction, hold: HeldLease) -> None:
    run_writes.open_calls(tx, hold)


def _ask(tx: Transaction, hold: HeldLease) -> None:
    calls = [
        FunctionToolCall(
            id=f"call_{hold.lease.epoch}_{name}", function=FunctionCall(name=name, arguments="{}")
        )
        for name in ("f", "g")
    ]
    run_writes.ask(tx, hold, calls, usage=USAGE)


def _complete(tx: Transaction, hold: HeldLease) -> None:
    run_writes.complete(tx, hold, [text("Hi")], usage=USAGE)


def _truncate(tx: Transaction, hold: HeldLease) -> None:
    reason = IncompleteRun(reason="max_completion_tokens")
    run_writes.truncate(tx, hold, reason, partial=PartialMessage([text("H")], (), USAGE))


def _fail(tx: Transaction, hold: HeldLease) -> None:
    error = LastError(code="server_error", message="It broke.")
    run_writes.fail(tx, hold, error, partial=PartialMessage([text("H")], (), None))


# What a worker may write about a run that it has claimed, in this order.
PLANS: tuple[tuple[Write, ...], ...] = (
    (_open_message, _complete),
    (_open_message, _close_message, _open_calls, _ask),
    (_open_calls, _ask),
    (_open_message, _truncate),
    (_open_message, _fail),
    (_open_message, _close_message, _open_calls, _fail),
    (_fail,),
)


@dataclass
class Job:
    """A worker's hold on a run and what it has left to write; it may have been given up.

    A worker writes one thing after the other: `turn` is its own.
    """

    hold: HeldLease
    left: Iterator[Write]
    node: Database
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Deed(NamedTuple):
    """What somebody does; `which` and `how` choose among what there is."""

    name: str
    which: int = 0
    how: int = 0


@dataclass
class World:
    """All of it. `nodes`: the servers' databases; on SQLite there is one."""

    nodes: list[Database]
    assistant: str = ""
    threads: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.acts = Acts(self.nodes[0])
        self.accepted: dict[str, int] = {}

    async def begin(self) -> None:
        self.assistant = (await self.acts.assistant()).id
        self.threads = [(await self.acts.thread("Hello")).id for _ in range(3)]

    async def do(self, deeds: list[Deed]) -> None:
        """Does all of it at once."""
        await asyncio.gather(*(getattr(self, f"_{deed.name}")(deed) for deed in deeds))

    async def violations(self) -> list[Violation]:
        return await self.nodes[0].read(lambda tx: list(invariants.check(tx)))

    def pass_time(self, seconds: int) -> None:
        self.acts.now += seconds

    def _node(self, deed: Deed) -> Database:
        return self.nodes[deed.how % len(self.nodes)]

    async def _create(self, deed: Deed) -> None:
        thread_id = self.threads[deed.which % len(self.threads)]
        acts = Acts(self._node(deed))
        acts.now = self.acts.now
        try:
            self.runs.append(await acts.run(thread_id, self.assistant))
        except (BadRequest, NotFound):
            return

    async def _claim(self, deed: Deed) -> None:
        if not self.runs:
            return
        run, node = self.runs[deed.which % len(self.runs)], self._node(deed)
        claimed = await node.write(
            leases.claim,
            run.id,
            owner=f"worker_{deed.how}",
            now=float(self.acts.now),
            lease_seconds=_LEASE_SECONDS,
        )
        if claimed is not None:
            plan = PLANS[deed.how % len(PLANS)]
            self.jobs.append(Job(HeldLease(run.id, claimed.lease, self.acts.now), iter(plan), node))

    async def _work(self, deed: Deed) -> None:
        """The next write of some worker. One whose run was taken from it can write nothing."""
        if not self.jobs:
            return
        job = self.jobs[deed.which % len(self.jobs)]
        async with job.turn:
            write = next(job.left, None)
            if write is None:
                return
            gone = await self._is_gone(job)
            try:
                await job.node.write(write, job.hold._replace(now=self.acts.now))
            except LeaseLost:
                job.left = iter(())
            else:
                assert not gone, f"{job.hold} wrote {write} after its run was taken from it"

    async def _zombie(self, deed: Deed) -> None:
        """Any write, of a worker that has lost its run: nothing comes of it."""
        gone = [job for job in self.jobs if await self._is_gone(job)]
        if not gone:
            return
        job = gone[deed.which % len(gone)]
        plan = PLANS[deed.how % len(PLANS)]
        for write in (*plan, _release):
            try:
                await job.node.write(write, job.hold._replace(now=self.acts.now))
            except LeaseLost:
                continue
            raise AssertionError(f"{job.hold} wrote {write} after its run was taken from it")

    async def _release(self, deed: Deed) -> None:
        if not self.jobs:
            return
        job = self.jobs.pop(deed.which % len(self.jobs))
        async with job.turn:
            job.left = iter(())
            gone = await self._is_gone(job)
            try:
                await job.node.write(_release, job.hold._replace(now=self.acts.now))
            except LeaseLost:
                return
            assert not gone

    async def _renew(self, deed: Deed) -> None:
        if not self.jobs:
            return
        job = self.jobs[deed.which % len(self.jobs)]
        gone = await self._is_gone(job)
        lost = await job.node.write(
            leases.renew,
            {job.hold.run_id: job.hold.lease},
            now=float(self.acts.now),
            lease_seconds=_LEASE_SECONDS,
        )
        assert lost == [job.hold.run_id] or not gone

    async def _cancel(self, deed: Deed) -> None:
        if not self.runs:
            return
        run = self.runs[deed.which % len(self.runs)]
        try:
            told = await self._node(deed).write(
                runs.cancel, run.id, thread_id=run.thread_id, project=PROJECT, now=self.acts.now
            )
        except (BadRequest, NotFound):
            return
        assert told.status is RunStatus.CANCELLING

    async def _submit(self, deed: Deed) -> None:
        """Outputs; those of one question are accepted once."""
        waiting = [run for run in self.runs if await self._status(run) == "requires_action"]
        if not waiting:
            return
        run = await self._load(waiting[deed.which % len(waiting)])
        if run is None or run.required_action is None:
            return
        calls = [call.id for call in run.required_action.submit_tool_outputs.tool_calls]
        if deed.how % 4 == 0:
            calls = calls[1:]  # not all of them: refused
        outputs = [ToolOutput(tool_call_id=call, output=str(deed.how)) for call in calls]
        try:
            await self._node(deed).write(
                runs.submit,
                run.id,
                SubmitToolOutputs(tool_outputs=outputs),
                thread_id=run.thread_id,
                project=PROJECT,
                now=self.acts.now,
            )
        except (BadRequest, NotFound):
            return
        assert deed.how % 4
        question = calls[0] + run.id
        self.accepted[question] = self.accepted.get(question, 0) + 1
        assert self.accepted[question] == 1

    async def _rescue(self, deed: Deed) -> None:
        """Upkeep; `everybody` as at the start of a server that is alone."""
        await self._node(deed).write(
            leases.rescue, now=float(self.acts.now), everybody=deed.how % 3 == 0, limit=200
        )

    async def _expire(self, deed: Deed) -> None:
        await self._node(deed).write(leases.expire_due, now=self.acts.now, limit=200)

    async def _forget(self, deed: Deed) -> None:
        clock = ManualClock(float(self.acts.now))
        keeper = Maintenance(self._node(deed), clock, event_retention_days=_RETENTION_DAYS)
        await keeper.forget()

    async def _modify(self, deed: Deed) -> None:
        if not self.runs:
            return
        run = self.runs[deed.which % len(self.runs)]
        body = ModifyRun(metadata={"how": str(deed.how)})
        try:
            await self._node(deed).write(
                runs.modify, run.id, body,
                thread_id=run.thread_id, project=PROJECT, now=self.acts.now,
            )  # fmt: skip
        except (BadRequest, NotFound):
            return

    async def _delete_message(self, deed: Deed) -> None:
        if not self.runs:
            return
        run = self.runs[deed.which % len(self.runs)]
        for message in await self.nodes[0].read(_written, run.id):
            try:
                await self._node(deed).write(
                    messages.delete, message.id,
                    thread_id=run.thread_id, project=PROJECT, now=self.acts.now,
                )  # fmt: skip
            except (BadRequest, NotFound):
                continue

    async def _delete_thread(self, deed: Deed) -> None:
        """A thread with all that is on it, whoever works there; another one takes its place."""
        place = deed.which % len(self.threads)
        try:
            await self._node(deed).write(
                threads.delete, self.threads[place], project=PROJECT, now=self.acts.now
            )
        except NotFound:
            return
        self.threads[place] = (await self.acts.thread("Hello")).id

    async def _is_gone(self, job: Job) -> bool:
        """Whether the run is somebody else's by now, or nobody's: it never comes back."""
        row = await self.nodes[0].read(_stored, job.hold.run_id)
        lease = job.hold.lease
        return row is None or (row["owner"], row["epoch"]) != (lease.owner, lease.epoch)

    async def _load(self, run: Run) -> Run | None:
        row = await self.nodes[0].read(_stored, run.id)
        return decode(row["body"], Run) if row else None

    async def _status(self, run: Run) -> str | None:
        found = await self._load(run)
        return found.status if found else None


def _release(tx: Transaction, hold: HeldLease) -> None:
    leases.release(tx, hold, partial=PartialMessage([text("H")], (), USAGE))


def _stored(tx: Transaction, run_id: str) -> Row | None:
    # Not `runs.lock`: that would be a write on PostgreSQL.
    rows = tx.all("invariants.runs", after=0, limit=10_000)
    return next((row for row in rows if row["id"] == run_id), None)


def _written(tx: Transaction, run_id: str) -> list[Message]:
    return [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run_id)]
