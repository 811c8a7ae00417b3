"""The text that Prometheus scrapes: the figures of this server, and those of all servers that the
database has.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from perdure.clock import Clock
from perdure.commands import run_figures
from perdure.commands.run_figures import RunFigures
from perdure.errors import Unavailable
from perdure.metrics import ACTIVE_RUNS, CATALOG, DATABASE_UP, QUEUE_AGE, Metric, Metrics
from perdure.storage.database import Database

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# The database is asked at most this often, however many scrape.
_CACHED_SECONDS = 5.0
_MOST_SECONDS = 2.0


class Exposition:
    """Writes the metrics of one server. `gauges` are read when somebody scrapes."""

    def __init__(
        self,
        metrics: Metrics,
        database: Database,
        clock: Clock,
        gauges: Mapping[Metric, Callable[[], float]],
    ) -> None:
        self._metrics = metrics
        self._database = database
        self._clock = clock
        self._gauges = gauges
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def text(self) -> bytes:
        """Returns all metrics in Prometheus's text format."""
        await self._refresh()
        for metric, value in self._gauges.items():
            self._metrics.set(metric, value())
        # With the figures of one moment, and not in the way of the requests.
        families = [_figures(metric, self._metrics) for metric in CATALOG]
        return await asyncio.to_thread(_written, families)

    async def _refresh(self) -> None:
        """Reads the figures of all servers, unless that was done just now. Where the database does
        not answer they are left out.
        """
        async with self._reading:
            now = self._clock.now()
            if 0 <= now - self._read_at < _CACHED_SECONDS:
                return
            self._read_at = now
            for metric in (ACTIVE_RUNS, QUEUE_AGE):
                self._metrics.numbers[metric.name].clear()
            try:
                async with asyncio.timeout(_MOST_SECONDS):
                    found = await self._database.read(run_figures.read)
            except (Unavailable, TimeoutError):
                self._metrics.set(DATABASE_UP, 0)
                return
            self._metrics.set(DATABASE_UP, 1)
            self._set(found, now)

    def _set(self, found: RunFigures, now: float) -> None:
        for status, runs in found.active.items():
            self._metrics.set(ACTIVE_RUNS, runs, status)
        since = found.queued_since
        self._metrics.set(QUEUE_AGE, 0 if since is None else max(0.0, now - since))


_Figures = tuple[
    Metric, list[tuple[tuple[str, ...], float]], list[tuple[tuple[str, ...], list[int], float]]
]


def _figures(metric: Metric, metrics: Metrics) -> _Figures:
    """Returns a copy of what is known of a metric."""
    numbers = metrics.numbers.get(metric.name, {})
    distributions = metrics.distributions.get(metric.name, {})
    return (
        metric,
        list(numbers.items()),
        [(labels, list(found.counts), found.sum) for labels, found in distributions.items()],
    )


class _Collector:
    """Gives the library what was counted."""

    def __init__(self, figures: list[_Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator["Family"]:
        for metric, numbers, distributions in self._figures:
            yield _family(metric, numbers, distributions)


def _written(figures: list[_Figures]) -> bytes:
    """Writes the text. It runs in a thread: the library is imported with the first scrape."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    # Of its own: the library's would add what it finds out about the process.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return generate_latest(registry)


def _family(
    metric: Metric,
    numbers: list[tuple[tuple[str, ...], float]],
    distributions: list[tuple[tuple[str, ...], list[int], float]],
) -> "Family":
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    if metric.kind == "histogram":
        family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, counts, total in distributions:
            family.add_metric(labels, _cumulative(metric.buckets, counts), total)
        return family
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    single = made(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in numbers:
        single.add_metric(labels, value)
    return single


def _cumulative(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, count in zip((*map(_bound, bounds), "+Inf"), counts, strict=True):
        total += count
        found.append((bound, float(total)))
    return found


def _bound(value: float) -> str:
    return str(float(value))
