"""The first page of the lists of a project: of a million threads, and of a run on each."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client
from bench.measures import in_turns
from bench.processes import Server
from bench.report import Row
from bench.tables import Tables
from perdure.bus.memory import MemoryBus
from perdure.storage import connect

_THREADS = 1_000_000
_PROJECT = "proj_default"
_ROUNDS = 5
_PAGES = 20
_MOST_MS = 20
# Of the runs, one in a thousand has failed, is of this assistant and of this model.
_LISTS = {
    "threads": "/threads",
    "runs": "/runs",
    "runs, from the middle": f"/runs?created_at[lt]={_THREADS // 2}",
    "runs by status": "/runs?status=failed",
    "runs by assistant": "/runs?assistant_id=asst_0",
    "runs by model": "/runs?model=m0",
    "runs by error code": "/runs?error_code=server_error",
    "runs of a thread": "/runs?thread_id=thread_500",
    "runs by status, metadata of one in ten": "/runs?status=failed&metadata[team]=1",
}
_BODY = (
    '{"id":"run_\' || n || \'","object":"thread.run","created_at":\' || n || \','
    '"assistant_id":"asst_\' || (n % 1000) || \'","thread_id":"thread_\' || n || \'",'
    '"status":"completed","instructions":"' + "Answer in short words. " * 40 + '",'
    '"metadata":{"team":"\' || ((n / 1000) % 10) || \'"}}'
)
_COUNT = f"""
    WITH RECURSIVE count (n) AS
        (SELECT 0 UNION ALL SELECT n + 1 FROM count WHERE n < {_THREADS - 1})
"""
_FILL = (
    f"""
    {_COUNT}
    INSERT INTO threads (id, project, body)
    SELECT 'thread_' || n, '{_PROJECT}', '{{"id":"thread_' || n || '","object":"thread"}}'
    FROM count
    """,
    f"""
    {_COUNT}
    INSERT INTO runs (
        id, project, thread_id, status, ended_at, created_at, assistant_id, model, error_code, body
    )
    SELECT 'run_' || n, '{_PROJECT}', 'thread_' || n,
        CASE n % 1000 WHEN 0 THEN 'failed' ELSE 'completed' END, n, n,
        'asst_' || (n % 1000), 'm' || (n % 1000),
        CASE n % 1000 WHEN 0 THEN 'server_error' END, '{_BODY}'
    FROM count
    """,
    "ANALYZE",
)


async def rows(client: Client, model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    for name, url in urls.items():
        with TemporaryDirectory(prefix="perdure-bench-") as folder:
            await _fill(url, folder)
            with processes.perdure(model, database_url=url, folder=folder) as server:
                lists: dict[str, Callable[[], Awaitable[float]]] = {
                    label: partial(_page, client, f"{server.url}/v1{path}")
                    for label, path in _LISTS.items()
                }
                measured = await in_turns(lists, rounds=_ROUNDS)
        for label, figures in measured.items():
            _, longest = figures.range
            told = f"{figures.median:.1f} ms ({figures.range[0]:.1f} to {longest:.1f})"
            what = f"first page of {label}, a million threads, {name}"
            found.append(Row(what, told, f"≤ {_MOST_MS} ms", figures.median <= _MOST_MS))
    return found


async def _page(client: Client, url: str) -> float:
    """Milliseconds of a page of 20; the median of some."""
    figures = []
    for _ in range(_PAGES):
        began = time.perf_counter()
        await client.get(url)
        figures.append((time.perf_counter() - began) * 1e3)
    return median(figures)


async def _fill(url: str | None, folder: str) -> None:
    database = connect(url, Path(folder), bus=MemoryBus())
    await database.open()
    await database.close()
    with Tables(url, folder) as tables:
        for statement in _FILL:
            tables.change(statement)
