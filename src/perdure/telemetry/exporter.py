"""The seam to OpenTelemetry: what the engine reports. Here it is sent nowhere."""

from collections.abc import Sequence
from typing import NamedTuple

from perdure.telemetry import traceparent
from perdure.telemetry.traceparent import Place
from perdure.wire.runs import Run
from perdure.wire.usage import Usage


class SpannedRun(NamedTuple):
    """A run as its spans tell of it. `traceparent` is that of the request that made it, and
    `started_at` when that came.
    """

    run: Run
    project: str
    traceparent: str | None
    started_at: float


class EndedCall(NamedTuple):
    """A model call that has ended. `place` is that of its span, and `error` the code of what it
    failed with. `server` is the model server's base URL, and `label` the model's name from a
    bounded list, for metrics.
    """

    place: Place | None
    model: str
    label: str
    server: str | None
    started_at: float
    ended_at: float
    first_token_at: float | None = None
    error: str | None = None
    usage: Usage | None = None


class EndedTool(NamedTuple):
    """A tool of the server that has answered calls of one round. `sources` are the ids of the
    vector stores that it searched.
    """

    name: str
    call_ids: Sequence[str]
    sources: Sequence[str]
    started_at: float
    ended_at: float
    error: str | None = None


class Telemetry:
    """Telemetry that is sent nowhere. None of the methods waits for a network, and none raises."""

    def begin_call(self, of: SpannedRun) -> Place | None:
        """Returns the place of a new model call's span: what the model server is told. Where no
        spans are sent, that is the place of the request that made the run.
        """
        return traceparent.parse(of.traceparent)

    def end_call(self, of: SpannedRun, call: EndedCall) -> None:
        """Tells of a model call."""

    def end_tool(self, of: SpannedRun, tool: EndedTool) -> None:
        """Tells of a tool's work."""

    def end_run(self, of: SpannedRun, label: str, ended_at: float) -> None:
        """Tells of the end of a run; `label` is its model's name from a bounded list."""

    async def close(self) -> None:
        """Sends what is left, for some seconds at most."""
