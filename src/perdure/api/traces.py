"""The trace of a run over HTTP: an extension (docs/trace.md)."""

from collections.abc import Iterable

from msgspec.structs import replace

from perdure.api.http import Answer, ApiCall
from perdure.commands import trace_views
from perdure.commands.trace_views import ShownTrace
from perdure.errors import NotFound
from perdure.wire.base import encode
from perdure.wire.query import include, number
from perdure.wire.traces import RemadeRequest, Trace, TracedCall, TraceEntry

_REQUESTS = "requests"
# Bytes of requests in one answer; one that was asked for alone may be larger.
_MOST_BYTES = 8 * 1024 * 1024


async def retrieve(call: ApiCall) -> Answer:
    """Returns the trace; with `include[]=requests` the requests too, or that of one `call`."""
    params = call.request.query_params.multi_items()
    wanted = include(params, (_REQUESTS,))
    chosen = number(params, "call")
    shown = await call.services.database.read(
        trace_views.show,
        call.id("run_id"),
        thread_id=call.id("thread_id"),
        project=call.project,
    )
    trace = shown.trace if chosen is None else _only(shown.trace, chosen)
    if _REQUESTS in wanted:
        trace = await _with_requests(call, shown, trace.entries)
    return trace


def _only(trace: Trace, chosen: int) -> Trace:
    """Returns the trace with one of its calls. Raises `NotFound`."""
    found: list[TraceEntry] = [
        entry for entry in trace.entries if isinstance(entry, TracedCall) and entry.number == chosen
    ]
    if not found:
        raise NotFound(f"Run '{trace.run_id}' has no model call {chosen} in its trace.")
    return replace(trace, entries=found)


async def _with_requests(call: ApiCall, shown: ShownTrace, entries: Iterable[TraceEntry]) -> Trace:
    """Returns the trace with the requests of these calls, as long as they are not too much."""
    told: list[TraceEntry] = []
    left = _MOST_BYTES
    for entry in entries:
        if isinstance(entry, TracedCall):
            request = RemadeRequest(state="left_out")
            if left > 0:
                request = await call.services.remaker.remake(shown.run, entry, project=call.project)
                left -= max(_sent_bytes(entry), len(encode(request)))
            entry = replace(entry, request=request)
        told.append(entry)
    return replace(shown.trace, entries=told)


def _sent_bytes(entry: TracedCall) -> int:
    """Returns what it takes to make the request again: the bytes of its images count, too."""
    return (entry.recipe.body_bytes or 0) if entry.recipe else 0
