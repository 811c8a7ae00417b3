"""A receiver of OTLP over HTTP: a real server that reads what OpenTelemetry's exporters send."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.local_site import local_site
from tests.patience import PATIENCE_SECONDS


class Told(NamedTuple):
    """A span as it was sent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    is_error: bool
    started_at: float
    ended_at: float
    attributes: dict[str, object]
    resource: dict[str, object]


class OtlpReceiver:
    """Notes what comes. While `open` is not set, it answers nothing; it answers with `status`."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Told] = []
        # the labels of each metric's points
        self.metrics: dict[str, list[dict[str, object]]] = {}
        self.bodies: list[bytes] = []
        self.status = 200
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Condition()

    def variables(self, *signals: str) -> dict[str, str]:
        """The environment of a server that sends these signals to here: TRACES, METRICS."""
        return {
            **{f"OTEL_EXPORTER_OTLP_{each}_ENDPOINT": f"{self.url}/{each}" for each in signals},
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    async def wait_spans(self, count: int) -> list[Told]:
        """Waits until so many spans have come, and returns them all."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.spans) >= count)
        return self.spans

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        await self.open.wait()
        if self.status == 200:
            if request.path == "/TRACES":
                self._take_spans(body)
            else:
                self._take_metrics(body)
            async with self._came:
                self._came.notify_all()
        return web.Response(status=self.status)

    def _take_spans(self, body: bytes) -> None:
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = values(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans += [told(span, resource) for span in of_scope.spans]

    def _take_metrics(self, body: bytes) -> None:
        for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    points = [*metric.histogram.data_points, *metric.sum.data_points]
                    labels = [values(point.attributes) for point in points]
                    self.metrics.setdefault(metric.name, []).extend(labels)


def values(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Attributes as Python's values."""
    found: dict[str, object] = {}
    for each in attributes:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind) if kind else None
    return found


def told(span: Span, resource: dict[str, object]) -> Told:
    return Told(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.status.code == 2,
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        values(span.attributes),
        resource,
    )


@asynccontextmanager
async def receiving_otlp() -> AsyncIterator[OtlpReceiver]:
    """A receiver on a free port of this machine."""
    receiver = OtlpReceiver()
    async with local_site(receiver.answer) as receiver.url:
        try:
            yield receiver
        finally:
            receiver.open.set()
