"""Executes one run: claim, rounds, the end; or leaves it in good order when interrupted."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from typing import NamedTuple

import structlog

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import leases
from perdure.commands.leases import ClaimedRun
from perdure.commands.runs import Lease
from perdure.commands.usage_counts import UsageAccount
from perdure.engine import context, images, model_call, model_requests
from perdure.engine.context import Prepared
from perdure.engine.outcomes import Ask, Failed, Outcome, TooLong, Truncated
from perdure.engine.recorder import Recorder, RoundSetup
from perdure.engine.run_reports import RunReports
from perdure.engine.thinking_rules import ThinkingRules
from perdure.engine.tracer import OUTCOMES, RunTracer
from perdure.engine.windows import Windows
from perdure.errors import LeaseLost, Unavailable
from perdure.providers import tokens
from perdure.providers.provider import Provider
from perdure.quotas.limiter import Limiter
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database
from perdure.telemetry.exporter import EndedTool, SpannedRun
from perdure.tools.annotation import Annotator
from perdure.tools.open_call import OpenCall
from perdure.tools.tool import RunTool, Tool, ToolError
from perdure.wire.chat import ChatRequest
from perdure.wire.runs import LastError, Run, has_functions
from perdure.wire.usage import Usage

_log = structlog.get_logger(__name__)

# Halving leads from a quarter of a million tokens to eight thousand.
_ATTEMPTS = 6

# Who claims a run for the second time goes on with one that was let in.
_FIRST_EPOCH = 1

_SORRY = LastError(code="server_error", message="Sorry, something went wrong.")


class Means(NamedTuple):
    """Everything that an execution works with. `traced_as` is the address of the server, for the
    traces of its runs; None where none are written.
    """

    database: Database
    bus: Bus
    provider: Provider
    clock: Clock
    blobs: BlobStores
    lease_seconds: float
    windows: Windows
    tools: Sequence[Tool]
    max_tool_rounds: int
    thinking: ThinkingRules
    limiter: Limiter
    traced_as: str | None = ""
    reports: RunReports = RunReports()


class Execution:
    """One run in the hands of one worker, who has `claimed` it or is about to."""

    def __init__(
        self, run_id: str, means: Means, *, owner: str, claimed: ClaimedRun | None = None
    ) -> None:
        self.run_id = run_id
        self._claimed = claimed
        self.lease: Lease | None = None
        self._means = means
        self._owner = owner
        self._interrupted = False
        self._work: asyncio.Task[Outcome | None] | None = None
        self._answer: model_call.ModelAnswer | None = None
        # known with the claim
        self._spanned: SpannedRun

    def interrupt(self) -> None:
        """Stops the model call; the run ends or goes back to the queue, as its row says.

        Nothing more is told of the answer from this moment on.
        """
        self._interrupted = True
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> None:
        """Claims the run, if it is still to be had, and brings it to its next rest.

        Never raises: what breaks is logged and becomes the run's error.
        """
        try:
            # Listening comes before the claim, so that no cancel falls between the two.
            with self._means.bus.on_interrupt(self.run_id, self.interrupt):
                recorder = await self._claim()
                if recorder is not None:
                    await self._execute(recorder)
        except LeaseLost as lost:
            _log.info("lease_lost", run_id=self.run_id, reason=str(lost))
        except Unavailable as gone:
            # Nobody knows what was written last. The lease runs out, and the row tells.
            _log.warning("database_unavailable", run_id=self.run_id, reason=str(gone.__cause__))
        except Exception:
            _log.exception("execution_broke", run_id=self.run_id)
        finally:
            self._means.bus.leave(self.run_id)

    async def _claim(self) -> Recorder | None:
        means = self._means
        claimed = self._claimed or await means.database.write(
            leases.claim,
            self.run_id,
            owner=self._owner,
            now=means.clock.now(),
            lease_seconds=means.lease_seconds,
            traced_as=means.traced_as,
        )
        if claimed is None:
            return None
        self.lease = claimed.lease
        held = claimed.held
        self._spanned = SpannedRun(held.run, held.project, held.traceparent, held.started_at)
        return Recorder(
            held.run,
            claimed.lease,
            account=UsageAccount(held.project, held.key_id or ""),
            database=means.database,
            bus=means.bus,
            clock=means.clock,
            tracer=RunTracer(means.clock, means.traced_as),
        )

    async def _execute(self, recorder: Recorder) -> None:
        """Takes the rounds, unless it is interrupted, and writes the outcome."""
        self._work = work = asyncio.create_task(self._rounds(recorder))
        if self._interrupted:
            work.cancel()
        try:
            await asyncio.wait({work})
        finally:
            work.cancel()
            (outcome,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(outcome, asyncio.CancelledError):
            usage = await model_call.used(self._answer, recorder) if self._answer else None
            if self._answer and usage and not self._answer.is_counted:
                self._count(self._answer, usage, recorder)
            await recorder.release(usage)
        elif isinstance(outcome, LeaseLost | Unavailable):
            raise outcome
        elif isinstance(outcome, BaseException):
            _log.error("turn_broke", run_id=self.run_id, exc_info=outcome)
            await recorder.end(Failed(_SORRY))
        elif outcome is not None:
            await recorder.end(outcome)

    async def _rounds(self, recorder: Recorder) -> Outcome | None:
        """Round after round, as long as the server itself answers all that the model calls.

        None where the run was cancelled between two rounds, and has ended.
        """
        usage: Usage | None = None
        if refused := await self._refused(recorder):
            return refused
        with ExitStack() as closing:
            try:
                recorder.tools = tools = await self._open_tools(recorder.run, closing)
                while True:
                    outcome = await self._round(recorder)
                    if not isinstance(outcome, Ask):
                        return outcome
                    usage = outcome.usage
                    for tool in tools:
                        if calls := recorder.calls_of(tool):
                            await self._answer_calls(tool, calls, recorder)
                    recorder.publish_all()
                    if recorder.asks_client:
                        return outcome
                    if not await recorder.close_calls(usage):
                        return None
                    self._answer = usage = None
            except ToolError as error:
                return Failed(LastError(code="server_error", message=str(error)), usage)

    async def _answer_calls(self, tool: RunTool, calls: list[OpenCall], recorder: Recorder) -> None:
        """Has a tool answer its calls of a round."""
        clock, call_ids = self._means.clock, [each.id for each in calls]
        began = clock.now()
        error: str | None = "interrupted"
        try:
            with recorder.tracer.tool_work(tool.name, call_ids):
                await tool.answer(calls, recorder)
            error = None
        except ToolError:
            error = "server_error"
            raise
        finally:
            ended = EndedTool(tool.name, call_ids, tool.sources, began, clock.now(), error)
            self._means.reports.end_tool(self._spanned, ended)

    async def _refused(self, recorder: Recorder) -> Failed | None:
        """The outcome of a run that begins where its project has reached a limit."""
        if recorder.lease.epoch > _FIRST_EPOCH:
            return None
        project, model = recorder.account.project, recorder.run.model
        refusal = await self._means.limiter.refusal(project, model)
        if refusal is None:
            return None
        return Failed(LastError(code="rate_limit_exceeded", message=refusal.message))

    async def _open_tools(self, run: Run, closing: ExitStack) -> tuple[RunTool, ...]:
        """The tools that the run has, open until that stack is closed. Raises `ToolError`."""
        found = []
        for tool in self._means.tools:
            opened = await tool.open(run)
            if opened is not None:
                closing.callback(opened.close)
                found.append(opened)
        return tuple(found)

    async def _round(self, recorder: Recorder) -> Outcome:
        """Calls the model; with less and less of the thread, while it is too much for the model."""
        run, means = recorder.run, self._means
        refused: TooLong | None = None
        asked: ChatRequest | None = None
        attempts = 0
        while True:
            await means.windows.ask(run.model)
            window = means.windows.of(run.model)
            prepared = await means.database.read(
                context.prepare,
                run,
                window,
                tools=[(tool, tool.prompter()) for tool in recorder.tools],
                style=means.thinking.of(run.model),
                traced=recorder.tracer.is_on,
            )
            if isinstance(prepared, Truncated):
                return prepared
            # The same again when there is nothing left to leave out.
            if refused and (attempts == _ATTEMPTS or prepared.request == asked):
                return refused.failed
            asked = prepared.request
            recorder.begin(_setup(run, prepared), hold_back=prepared.said)
            attempts += 1
            try:
                request = await images.inlined(asked, prepared.images, means.blobs)
            except Unavailable as error:
                return Failed(LastError(code="server_error", message=error.message))
            if prepared.server_rounds < means.max_tool_rounds:
                outcome = await self._call(recorder, request, prepared)
            else:
                outcome = await self._last_call(recorder, request, prepared)
            if not isinstance(outcome, TooLong):
                return outcome
            await self._learn(outcome)
            refused = outcome

    async def _last_call(
        self, recorder: Recorder, request: ChatRequest, prepared: Prepared
    ) -> Outcome | TooLong:
        """Asks for an answer when the model has called tools in too many rounds."""
        last = model_requests.last_request(request)
        outcome = await self._call(recorder, last, prepared, is_last=True)
        if not isinstance(outcome, Ask):
            return outcome
        message = (
            f"The model called tools in {self._means.max_tool_rounds} rounds in a row, and again "
            "when it was asked for an answer without tools. The setting max_tool_rounds says how "
            "many rounds there may be."
        )
        return Failed(LastError(code="server_error", message=message), outcome.usage)

    async def _call(
        self,
        recorder: Recorder,
        request: ChatRequest,
        prepared: Prepared,
        *,
        is_last: bool = False,
    ) -> Outcome | TooLong:
        """Calls the model once."""
        rules = self._means.thinking
        style = rules.of(recorder.run.model)
        traced = recorder.tracer.call()
        report = self._means.reports.model_call(self._spanned, request.model, traced.log)
        self._answer = answer = model_call.ModelAnswer(request, style, traced.log)
        provider, used_ids = self._means.provider, prepared.used_ids
        self._means.limiter.begin_call(recorder.account.project, request.model)
        outcome: Outcome | TooLong | None = None
        try:
            outcome = await model_call.take(provider, answer, recorder, used_ids=used_ids)
            if not isinstance(outcome, TooLong) and outcome.usage:
                self._count(answer, outcome.usage, recorder)
            return outcome
        finally:
            kind = OUTCOMES[type(outcome)] if outcome else "interrupted"
            report.end(kind, outcome, _usage_of(outcome) or answer.usage)
            traced.end(
                outcome,
                origin=style.origin,
                recipe=prepared.recipe,
                is_last=is_last,
                thought=len(recorder.thought),
                told_thought=len(recorder.thought) - len(answer.thinking.thought),
            )
            found = answer.thinking.found_lone_end or recorder.found_lone_end
            rules.learn(style, found_lone_end=found, lacked_end=answer.thinking.lacked_end)

    def _count(self, answer: model_call.ModelAnswer, usage: Usage, recorder: Recorder) -> None:
        """Charges the usage of an answer to the project of the run."""
        answer.is_counted = True
        recorder.count_model_call(usage)
        project, model = recorder.account.project, answer.request.model
        self._means.reports.usage(model, usage)
        self._means.limiter.end_call(project, model, usage.total_tokens)

    async def _learn(self, refused: TooLong) -> None:
        request = refused.request
        sent = await asyncio.to_thread(tokens.count_messages, request.messages, request.tools)
        self._means.windows.learn(
            request.model, sent=sent + (request.max_tokens or 0), limit=refused.limit
        )


def _usage_of(outcome: Outcome | TooLong | None) -> Usage | None:
    return None if outcome is None or isinstance(outcome, TooLong) else outcome.usage


def _setup(run: Run, prepared: Prepared) -> RoundSetup:
    """The setup of a round for the recorder."""
    may_call = model_requests.may_call(run)
    makers = [tool.make_filter for tool in prepared.tools.values() if tool.make_filter]
    return RoundSetup(
        (lambda: Annotator([make() for make in makers])) if makers else None,
        {
            tool.name: tool
            for tool, prompt in prepared.tools.items()
            if may_call and prompt.definition
        },
        tuple(chain.from_iterable(prompt.images for prompt in prepared.tools.values())),
        asks_client=may_call and has_functions(run),
    )
