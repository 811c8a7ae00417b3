"""Reports of what happens to runs: lines of the log, figures, and telemetry for other systems.

The end of a run is reported by the server that wrote it, after its commit, whoever wrote: a worker,
a client's cancel, the upkeep. So each end is reported once, and never before it is true.
"""

from collections.abc import Callable

import structlog

from perdure.clock import Clock, SystemClock
from perdure.engine.outcomes import Failed, Outcome, TooLong
from perdure.metrics import (
    FIRST_TOKEN_SECONDS,
    MODEL_ATTEMPTS_FAILED,
    MODEL_CALL_SECONDS,
    MODEL_CALLS,
    OTHER,
    RUN_ROUNDS,
    RUN_SECONDS,
    RUNS,
    TAKE_OVERS,
    TOKENS,
    TOOL_SECONDS,
    Metrics,
)
from perdure.providers.call_log import CallLog
from perdure.telemetry.exporter import EndedCall, EndedTool, SpannedRun, Telemetry
from perdure.wire.events import Notice, RunEnded
from perdure.wire.usage import Usage

_log = structlog.get_logger(__name__)

# The longest name of a model that a line of the log holds: programs may ask for any text.
_MOST_NAME = 100
FUNCTION = "function"


class RunReports:
    """Reports of one server. `label` returns the names of a model's server and of the model, each
    from a bounded list; `address` is where the server listens, and `telemetry` what is sent to
    other systems.
    """

    def __init__(
        self,
        metrics: Metrics | None = None,
        *,
        label: Callable[[str], tuple[str, str]] = lambda _: (OTHER, OTHER),
        address: str = "",
        clock: Clock | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.telemetry = telemetry or Telemetry()
        self._clock = clock or SystemClock()
        self._label = label
        self._address = address

    def take(self, notice: Notice) -> None:
        """Reports what was committed."""
        if isinstance(notice, RunEnded):
            self._end(notice)
        else:
            self.metrics.observe(TOOL_SECONDS, notice.seconds, FUNCTION)

    def _end(self, ended: RunEnded) -> None:
        run, now = ended.run, self._clock.now()
        seconds = max(0.0, now - ended.started_at)
        code = run.last_error.code if run.last_error else None
        reason = run.incomplete_details.reason if run.incomplete_details else None
        self.metrics.count(RUNS, run.status, code or reason or "none")
        self.metrics.observe(RUN_SECONDS, seconds, run.status)
        self.metrics.observe(RUN_ROUNDS, ended.steps)
        usage = run.usage
        _log.info(
            "run_ended",
            run_id=run.id,
            thread_id=run.thread_id,
            assistant_id=run.assistant_id,
            project=ended.project,
            status=str(run.status),
            code=code or reason,
            model=run.model[:_MOST_NAME],
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            seconds=round(seconds, 3),
            attempts=ended.epoch,
            server=self._address,
        )
        spanned = SpannedRun(run, ended.project, ended.traceparent, ended.started_at)
        self.telemetry.end_run(spanned, self._label(run.model)[1], now)

    def take_over(self) -> None:
        """Counts a run that was taken from a worker that is gone."""
        self.metrics.count(TAKE_OVERS)

    def end_tool(self, of: SpannedRun, tool: EndedTool) -> None:
        """Reports how long a run waited for a tool of the server."""
        self.metrics.observe(TOOL_SECONDS, tool.ended_at - tool.started_at, tool.name)
        self.telemetry.end_tool(of, tool)

    def usage(self, model: str, usage: Usage) -> None:
        """Counts the tokens of a model call."""
        labels = self._label(model)
        cached = usage.prompt_token_details.cached_tokens
        self.metrics.count(TOKENS, *labels, "input", by=usage.prompt_tokens)
        self.metrics.count(TOKENS, *labels, "output", by=usage.completion_tokens)
        if cached:
            self.metrics.count(TOKENS, *labels, "cached_input", by=cached)

    def model_call(self, of: SpannedRun, model: str, log: CallLog) -> "ModelCallReport":
        """Begins the report of a model call, whose request is sent with its place in the trace."""
        # The lists of the servers are fetched meanwhile, where they are needed.
        self._label(model)
        return ModelCallReport(self, of, model, log, self._clock)

    def end_call(
        self,
        call: "ModelCallReport",
        kind: str,
        outcome: Outcome | TooLong | None,
        usage: Usage | None,
    ) -> None:
        """Reports a model call that has ended; `kind` is a word for its outcome."""
        labels, ended_at, log = self._label(call.model), self._clock.now(), call.log
        seconds = max(0.0, ended_at - call.started_at)
        self.metrics.count(MODEL_CALLS, *labels, kind)
        self.metrics.observe(MODEL_CALL_SECONDS, seconds, *labels)
        if log.first_token_at is not None:
            first = max(0.0, log.first_token_at - call.started_at)
            self.metrics.observe(FIRST_TOKEN_SECONDS, first, *labels)
        if log.failures:
            self.metrics.count(MODEL_ATTEMPTS_FAILED, *labels, by=log.failures)
        if isinstance(outcome, Failed):
            began = log.first_token_at is not None
            _log.warning(
                "model_call_failed",
                run_id=call.of.run.id,
                server=labels[0],
                model=call.model[:_MOST_NAME],
                code=outcome.error.code,
                reason="answer" if began else log.last_code or "answer",
                status=None if began else log.last_status,
                attempts=max(1, log.failures),
                seconds=round(seconds, 3),
            )
        failed = outcome.failed if isinstance(outcome, TooLong) else outcome
        self.telemetry.end_call(
            call.of,
            EndedCall(
                call.place,
                call.model,
                labels[1],
                log.server,
                call.started_at,
                ended_at,
                log.first_token_at,
                failed.error.code if isinstance(failed, Failed) else None,
                usage,
            ),
        )


class ModelCallReport:
    """A model call that is under way."""

    def __init__(
        self, reports: RunReports, of: SpannedRun, model: str, log: CallLog, clock: Clock
    ) -> None:
        self._reports = reports
        self.of = of
        self.model = model
        self.log = log
        self.place = reports.telemetry.begin_call(of)
        log.traceparent = self.place.header if self.place else None
        self.started_at = clock.now()

    def end(self, kind: str, outcome: Outcome | TooLong | None, usage: Usage | None) -> None:
        """Ends the report; see `RunReports.end_call`."""
        self._reports.end_call(self, kind, outcome, usage)
