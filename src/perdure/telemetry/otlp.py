"""Spans and metrics of runs, by OpenTelemetry's conventions for generative AI, sent by its library.

No text of a message, no argument of a tool and no name that a user has chosen is in them; metrics
have no ids. Spans wait in a bounded queue for a thread that sends them, and are dropped when it is
full. A run's span is made when the run has ended, from its row, by the server that wrote the end:
those of its model calls may have been sent long before, by servers that are gone.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from perdure.lifecycle import RunStatus
from perdure.telemetry import traceparent
from perdure.telemetry.environment import WantedTelemetry
from perdure.telemetry.exporter import EndedCall, EndedTool, SpannedRun, Telemetry
from perdure.telemetry.traceparent import Place
from perdure.wire.usage import Usage

# The boundaries that the conventions advise for seconds, and what runs need beyond them.
_BOUNDARIES = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
_RUN_BOUNDARIES = (*_BOUNDARIES[3:], 163.84, 327.68, 655.36, 1800.0, 3600.0)
CALL_SECONDS = "gen_ai.client.inference.duration"
FIRST_SECONDS = "gen_ai.client.inference.time_to_first_chunk"
RUN_SECONDS = "gen_ai.invoke_agent.duration"
TOOL_SECONDS = "gen_ai.execute_tool.duration"
_BOUNDARIES_OF: Mapping[str, Sequence[float]] = {
    CALL_SECONDS: _BOUNDARIES,
    FIRST_SECONDS: _BOUNDARIES,
    RUN_SECONDS: _RUN_BOUNDARIES,
    TOOL_SECONDS: _BOUNDARIES,
}
# A well-known host says whose models they are. All others are told by the API that they speak.
_PROVIDERS = {
    "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "api.groq.com": "groq",
    "api.x.ai": "x_ai",
}
# The longest name of a model that a span holds: programs may ask for any text.
_MOST_NAME = 100

_Value = str | bool | int | float | Sequence[str]
_Attributes = dict[str, _Value]


class OtlpTelemetry(Telemetry):
    """Telemetry of one server, sent by OpenTelemetry's library. Addresses and sizes are those of
    the `OTEL_…` variables. A server that stops waits `close_seconds` for what is left.
    """

    def __init__(
        self,
        wanted: WantedTelemetry,
        *,
        version: str,
        instance: str,
        close_seconds: float = 5.0,
    ) -> None:
        self._close_seconds = close_seconds
        named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        own = {"service.version": version, "service.instance.id": instance}
        resource = Resource.create(own if named else {**own, "service.name": "perdure"})
        # It reads OTEL_TRACES_SAMPLER. Its own spans would be made when a run begins.
        self._sampler = TracerProvider(resource=resource, shutdown_on_exit=False).sampler
        self._resource = resource
        self._scope = InstrumentationScope("perdure", version)
        self._spans: BatchSpanProcessor | None = None
        if wanted.spans:
            exporter = OTLPSpanExporter() if wanted.spans == "otlp" else ConsoleSpanExporter()
            self._spans = BatchSpanProcessor(exporter)
        self._meters: MeterProvider | None = None
        self._is_closed = False
        self._histograms: dict[str, Histogram] = {}
        if wanted.metrics:
            self._open_meters(wanted, version)

    def _open_meters(self, wanted: WantedTelemetry, version: str) -> None:
        reader: MetricReader = PeriodicExportingMetricReader(
            OTLPMetricExporter() if wanted.metrics == "otlp" else ConsoleMetricExporter()
        )
        views = [
            View(instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(boundaries))
            for name, boundaries in _BOUNDARIES_OF.items()
        ]
        self._meters = MeterProvider([reader], self._resource, shutdown_on_exit=False, views=views)
        meter = self._meters.get_meter("perdure", version)
        self._histograms = {
            name: meter.create_histogram(name, unit="s")  # type: ignore[misc]
            for name in _BOUNDARIES_OF
        }
        self._tokens = {
            kind: meter.create_counter(f"gen_ai.client.inference.usage.{kind}", unit="{token}")
            for kind in ("input_tokens", "output_tokens")
        }

    def begin_call(self, of: SpannedRun) -> Place | None:
        if self._spans is None:
            return super().begin_call(of)
        return self._place(of).child()

    def end_call(self, of: SpannedRun, call: EndedCall) -> None:
        common = {"gen_ai.operation.name": "chat", **_server(call.server), **_error(call.error)}
        first = call.first_token_at
        if call.place and self._spans:
            model = call.model[:_MOST_NAME]
            attributes: _Attributes = {
                **common,
                "gen_ai.conversation.id": of.run.thread_id,
                "gen_ai.request.model": model,
                "gen_ai.request.stream": True,
                **_usage(call.usage),
            }
            if first is not None:
                attributes["gen_ai.response.time_to_first_chunk"] = first - call.started_at
            times = (call.started_at, call.ended_at)
            run = self._place(of)
            self._send(_Span(call.place, run, f"chat {model}", SpanKind.CLIENT, *times, attributes))
        labels = {**common, "gen_ai.request.model": call.label}
        self._observe(CALL_SECONDS, call.ended_at - call.started_at, labels)
        if first is not None:
            self._observe(FIRST_SECONDS, first - call.started_at, labels)
        if self._meters and call.usage:
            self._tokens["input_tokens"].add(call.usage.prompt_tokens, labels)
            self._tokens["output_tokens"].add(call.usage.completion_tokens, labels)

    def end_tool(self, of: SpannedRun, tool: EndedTool) -> None:
        common: _Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool.name,
            "gen_ai.tool.type": "datastore" if tool.sources else "extension",
            **_error(tool.error),
        }
        times = (tool.started_at, tool.ended_at)
        self._observe(TOOL_SECONDS, tool.ended_at - tool.started_at, common)
        if self._spans is None:
            return
        thread: _Attributes = {"gen_ai.conversation.id": of.run.thread_id}
        attributes = {**common, **thread}
        if len(tool.call_ids) == 1:
            attributes["gen_ai.tool.call.id"] = tool.call_ids[0]
        run = self._place(of)
        place = run.child()
        name = f"execute_tool {tool.name}"
        self._send(_Span(place, run, name, SpanKind.INTERNAL, *times, attributes))
        for store in tool.sources:
            searched: _Attributes = {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": store,
                **thread,
                **_error(tool.error),
            }
            name = f"retrieval {store}"
            self._send(_Span(place.child(), place, name, SpanKind.CLIENT, *times, searched))

    def end_run(self, of: SpannedRun, label: str, ended_at: float) -> None:
        run = of.run
        error = None
        if run.status in (RunStatus.FAILED, RunStatus.EXPIRED):
            error = run.last_error.code if run.last_error else str(run.status)
        labels = {"gen_ai.request.model": label, **_error(error)}
        self._observe(RUN_SECONDS, ended_at - of.started_at, labels)
        if self._spans is None:
            return
        attributes: _Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": run.assistant_id,
            "gen_ai.conversation.id": run.thread_id,
            "gen_ai.request.model": run.model[:_MOST_NAME],
            "perdure.run.id": run.id,
            "perdure.run.status": str(run.status),
            "perdure.project.id": of.project,
            **_usage(run.usage),
            **_error(error),
        }
        place, above = self._place(of), traceparent.parse(of.traceparent)
        times = (of.started_at, ended_at)
        kind = SpanKind.INTERNAL
        self._send(
            _Span(place, above, "invoke_agent", kind, *times, attributes, is_parent_remote=True)
        )

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        ended = asyncio.Event()
        running = asyncio.get_running_loop()

        def close() -> None:
            try:
                if self._spans:
                    self._spans.shutdown()  # type: ignore[no-untyped-call]
                if self._meters:
                    self._meters.shutdown(timeout_millis=self._close_seconds * 1000)
            finally:
                # The loop may be closed by now.
                with contextlib.suppress(RuntimeError):
                    running.call_soon_threadsafe(ended.set)

        threading.Thread(target=close, name="telemetry", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._close_seconds):
                await ended.wait()

    def _place(self, of: SpannedRun) -> Place:
        """The place of the run's span; every server finds the same, and whether it is sampled."""
        above = traceparent.parse(of.traceparent)
        place = traceparent.of_run(of.run.id, above)
        parent = None
        if above:
            parent = set_span_in_context(
                NonRecordingSpan(_context(above, is_remote=True)), Context()
            )
        result = self._sampler.should_sample(
            parent, int(place.trace_id, 16), "invoke_agent", SpanKind.INTERNAL
        )
        is_sampled = result.decision is Decision.RECORD_AND_SAMPLE
        return place._replace(is_sampled=is_sampled)

    def _send(self, span: "_Span") -> None:
        """Puts a span into the queue."""
        assert self._spans is not None  # noqa: S101 # asked for before
        above = span.parent
        status = StatusCode.ERROR if "error.type" in span.attributes else StatusCode.UNSET
        self._spans.on_end(
            ReadableSpan(
                span.name,
                context=_context(span.place),
                parent=_context(above, is_remote=span.is_parent_remote) if above else None,
                resource=self._resource,
                attributes=span.attributes,
                kind=span.kind,
                instrumentation_scope=self._scope,
                status=Status(status),
                start_time=int(span.started_at * 1e9),
                end_time=int(max(span.started_at, span.ended_at) * 1e9),
            )
        )

    def _observe(self, name: str, seconds: float, labels: _Attributes) -> None:
        if self._meters:
            self._histograms[name].record(max(0.0, seconds), labels)


class _Span(NamedTuple):
    """A span that has ended. One with an `error.type` is an error."""

    place: Place
    parent: Place | None
    name: str
    kind: SpanKind
    started_at: float
    ended_at: float
    attributes: _Attributes
    is_parent_remote: bool = False


def _context(place: Place, *, is_remote: bool = False) -> SpanContext:
    flags = TraceFlags.SAMPLED if place.is_sampled else TraceFlags.DEFAULT
    return SpanContext(
        int(place.trace_id, 16), int(place.span_id, 16), is_remote, TraceFlags(flags)
    )


def _error(code: str | None) -> _Attributes:
    return {"error.type": code} if code else {}


def _server(url: str | None) -> _Attributes:
    """Attributes of a model server: its host and port, and whose models it has."""
    parts = urlsplit(url or "")
    host = parts.hostname
    if not host:
        return {"gen_ai.provider.name": "openai"}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    provider = _PROVIDERS.get(host, "openai")
    return {"gen_ai.provider.name": provider, "server.address": host, "server.port": port}


def _usage(usage: Usage | None) -> _Attributes:
    if usage is None:
        return {}
    found: _Attributes = {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }
    if cached := usage.prompt_token_details.cached_tokens:
        found["gen_ai.usage.cache_read.input_tokens"] = cached
    if thought := usage.completion_tokens_details.reasoning_tokens:
        found["gen_ai.usage.reasoning.output_tokens"] = thought
    return found
