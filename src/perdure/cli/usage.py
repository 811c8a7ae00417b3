"""`perdure usage`: what projects have used, as the running server tells it."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from perdure.cli.client import Client
from perdure.cli.terminal import line, say
from perdure.commands.usage_counts import UsageCounts, UsageSum
from perdure.quotas import spend
from perdure.settings import Price
from perdure.wire.base import Object

_DAY = 86_400
_DAYS_A_PAGE = 31
_GROUPS = ("project_id", "api_key_id", "model")
_COLUMNS = ("requests", "input_tokens", "cached_tokens", "output_tokens")
_GAP = "  "


class _Result(Object):
    """A result of any usage report."""

    project_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    input_tokens: int = 0
    input_cached_tokens: int = 0
    output_tokens: int = 0
    num_model_requests: int = 0
    num_requests: int = 0
    num_sessions: int = 0
    usage_bytes: int = 0


class _Bucket(Object):
    results: list[_Result]


class _Page(Object):
    data: list[_Bucket]
    has_more: bool
    next_page: str | None = None


class _Line(NamedTuple):
    """What is shown in one row."""

    kind: str
    project: str
    key: str
    model: str


# Each report, and what its results can be grouped by.
_REPORTS: Mapping[str, Sequence[str]] = {
    "completions": _GROUPS,
    "embeddings": _GROUPS,
    "file_search_calls": _GROUPS[:2],
    "code_interpreter_sessions": _GROUPS[:1],
    "vector_stores": _GROUPS[:1],
}


async def show(client: Client, days: int, prices: Mapping[str, Price], *, now: float) -> None:
    """Prints what was used in so many days of UTC, of which today is the last: by kind, project,
    key and model. Where prices are set, it prints the costs too.
    """
    start = int(now) // _DAY * _DAY - (days - 1) * _DAY
    used: dict[_Line, UsageCounts] = {}
    sizes: dict[str, int] = {}
    async with client:
        for report, groups in _REPORTS.items():
            async for bucket in _buckets(client, report, groups, start):
                for result in bucket:
                    if report == "vector_stores":
                        sizes[result.project_id or ""] = result.usage_bytes
                        continue
                    row = _Line(
                        report,
                        line(result.project_id or ""),
                        line(result.api_key_id or "none"),
                        line(result.model or ""),
                    )
                    used[row] = used.get(row, UsageCounts()).plus(_counts(result))
    for text in _table(_rows(used, prices)):
        say(text)
    if not used:
        say(f"Nothing was used in the last {days} days.")
    for project, size in sorted(sizes.items()):
        say(f"vector stores of {line(project)}: {size:,} bytes")


async def _buckets(
    client: Client, report: str, groups: Sequence[str], start: int
) -> AsyncGenerator[list[_Result], None]:
    """Yields the results of each day, page by page."""
    query = [
        ("start_time", str(start)),
        ("bucket_width", "1d"),
        ("limit", str(_DAYS_A_PAGE)),
        *(("group_by[]", group) for group in groups),
    ]
    following: list[tuple[str, str]] = []
    while True:
        path = f"/organization/usage/{report}?{urlencode([*query, *following])}"
        page = await client.get(path, _Page)
        for bucket in page.data:
            yield bucket.results
        if not (page.has_more and page.next_page and page.data):
            return
        following = [("page", page.next_page)]


def _counts(result: _Result) -> UsageCounts:
    return UsageCounts(
        result.num_model_requests + result.num_requests + result.num_sessions,
        result.input_tokens,
        result.output_tokens,
        result.input_cached_tokens,
    )


def _rows(used: Mapping[_Line, UsageCounts], prices: Mapping[str, Price]) -> list[tuple[str, ...]]:
    """Returns the table with its head; without anything used, nothing."""
    if not used:
        return []
    names = [field.replace("_", " ").upper() for field in (*_Line._fields, *_COLUMNS)]
    rows = [(*names, "USD") if prices else tuple(names)]
    for row, counts in sorted(used.items()):
        numbers = [f"{getattr(counts, name):,}" for name in _COLUMNS]
        if prices:
            cents = spend.cents_of([UsageSum(0, None, None, row.model, counts)], prices)
            numbers.append(f"{cents / 100:,.2f}")
        rows.append((*row, *numbers))
    return rows


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields the rows as lines whose columns stand below each other, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < len(_Line._fields) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield _GAP.join(cells).rstrip()
