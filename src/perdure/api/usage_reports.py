"""Usage reports over HTTP, for admin keys (spec 11 §1)."""

from collections.abc import Callable, Collection

from perdure.api.http import Answer, ApiCall
from perdure.commands import usage_counts, vector_store_bytes
from perdure.commands.usage_counts import UsageKind, UsageQuery, UsageSum
from perdure.storage.database import Transaction
from perdure.wire import usage_reports
from perdure.wire.base import Object
from perdure.wire.usage_reports import (
    CodeInterpreterUsage,
    CompletionsUsage,
    EmbeddingsUsage,
    FileSearchUsage,
    UsagePage,
    UsageRequest,
    VectorStoresUsage,
)


async def completions(call: ApiCall) -> Answer:
    def result(found: UsageSum) -> CompletionsUsage:
        counts = found.counts
        return CompletionsUsage(
            input_tokens=counts.input_tokens,
            output_tokens=counts.output_tokens,
            input_cached_tokens=counts.cached_tokens,
            num_model_requests=counts.requests,
            project_id=found.project,
            api_key_id=found.key_id or None,
            model=found.model,
        )

    return await _report(call, "completions", ("project_id", "api_key_id", "model"), result)


async def embeddings(call: ApiCall) -> Answer:
    def result(found: UsageSum) -> EmbeddingsUsage:
        return EmbeddingsUsage(
            input_tokens=found.counts.input_tokens,
            num_model_requests=found.counts.requests,
            project_id=found.project,
            api_key_id=found.key_id or None,
            model=found.model,
        )

    return await _report(call, "embeddings", ("project_id", "api_key_id", "model"), result)


async def file_search_calls(call: ApiCall) -> Answer:
    def result(found: UsageSum) -> FileSearchUsage:
        return FileSearchUsage(
            num_requests=found.counts.requests,
            project_id=found.project,
            api_key_id=found.key_id or None,
        )

    return await _report(call, "file_search_calls", ("project_id", "api_key_id"), result)


async def code_interpreter_sessions(call: ApiCall) -> Answer:
    def result(found: UsageSum) -> CodeInterpreterUsage:
        return CodeInterpreterUsage(num_sessions=found.counts.requests, project_id=found.project)

    return await _report(call, "code_interpreter_sessions", ("project_id",), result)


async def vector_stores(call: ApiCall) -> Answer:
    asked = _asked(call, ("project_id",))
    return await call.services.database.read(_bytes, asked, now=call.now)


async def _report(
    call: ApiCall, kind: UsageKind, groups: Collection[str], result: Callable[[UsageSum], Object]
) -> Answer:
    asked = _asked(call, groups)
    return await call.services.database.read(_sums, asked, kind, result)


def _asked(call: ApiCall, groups: Collection[str]) -> UsageRequest:
    """Returns what the request asks for. Raises `BadRequest`."""
    params = call.request.query_params.multi_items()
    asked = usage_reports.request(params, groups=groups, now=call.now)
    finest = usage_counts.finest_span(asked.start, now=call.now)
    if asked.seconds < finest:
        raise usage_reports.too_fine(asked, finest=finest)
    return asked


def _sums(
    tx: Transaction, asked: UsageRequest, kind: UsageKind, result: Callable[[UsageSum], Object]
) -> UsagePage:
    results: dict[int, list[Object]] = {}
    starts = asked.starts
    if starts:
        query = UsageQuery(
            kind,
            low=starts[0],
            high=starts[-1] + asked.seconds,
            width=asked.seconds,
            by_project="project_id" in asked.group_by,
            by_key="api_key_id" in asked.group_by,
            by_model="model" in asked.group_by,
            projects=asked.projects,
            keys=asked.keys,
            models=asked.models,
        )
        for found in usage_counts.sums(tx, query):
            results.setdefault(found.bucket, []).append(result(found))
    return usage_reports.page(asked, results)


def _bytes(tx: Transaction, asked: UsageRequest, *, now: int) -> UsagePage:
    """Returns what vector stores took at the end of each bucket, or now."""
    starts = asked.starts
    ends = [min(start + asked.seconds, now + 1) for start in starts]
    results: dict[int, list[VectorStoresUsage]] = {}
    found = vector_store_bytes.at_ends(tx, ends, projects=asked.projects)
    for start, sizes in zip(starts, found, strict=True):
        if "project_id" in asked.group_by:
            results[start] = [
                VectorStoresUsage(usage_bytes=size, project_id=project)
                for project, size in sorted(sizes.items())
            ]
        elif sizes:
            results[start] = [VectorStoresUsage(usage_bytes=sum(sizes.values()))]
    return usage_reports.page(asked, results)
