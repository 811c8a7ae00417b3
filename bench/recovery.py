"""A server that is killed with a thousand runs in hand, and who takes them over."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client, load
from bench.measures import Assistants
from bench.model_server import WORD
from bench.processes import Server
from bench.report import Row
from bench.tables import Tables

_RUNS = 1_000
_CLIENTS = 50
# Slow enough that all of them are at work when the server dies.
_TOKENS, _PACE = 40, "1"
_LEASE_SECONDS = "5"
_AT_WORK = "SELECT count(*) FROM runs WHERE status = 'in_progress'"
_OWNER = "SELECT DISTINCT owner FROM runs"
_TAKEN = (
    "SELECT count(*) FROM runs WHERE status = 'completed' OR owner IS NOT NULL AND owner <> '{}'"
)
_ENDED = "SELECT count(*) FROM runs WHERE status = 'completed'"
# The whole answer, once: nothing of the interrupted one is left in it.
_EXACT = (
    "SELECT count(*) FROM messages WHERE role = 'assistant' AND status = 'completed' "
    f'AND body LIKE \'%"value":"{f" {WORD}" * _TOKENS}"%\''
)


async def rows(client: Client, model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    for name, url in urls.items():
        found += await _recovered(client, model, url, f"the server starts again, {name}")
        if url:
            what = f"a second server takes over, {name}"
            found += await _recovered(client, model, url, what, second=True)
    return found


async def _recovered(
    client: Client, model: Server, url: str | None, what: str, *, second: bool = False
) -> list[Row]:
    settings = {"lease_seconds": _LEASE_SECONDS}
    with TemporaryDirectory(prefix="perdure-bench-") as folder, ExitStack() as living:
        with processes.perdure(model, database_url=url, folder=folder, settings=settings) as server:
            tables = living.enter_context(Tables(url, folder))
            tables.change("DELETE FROM threads")
            await _begin(client, server, tables)
            if second:
                living.enter_context(processes.perdure(model, database_url=url, settings=settings))
            owner = tables.text(_OWNER)
        # Leaving the block killed it.
        died = time.monotonic()
        if not second:
            living.enter_context(
                processes.perdure(model, database_url=url, folder=folder, settings=settings)
            )
        first = await _until(tables, _TAKEN.format(owner), 1) - died
        taken = await _until(tables, _TAKEN.format(owner), _RUNS) - died
        ended = await _until(tables, _ENDED, _RUNS) - died
        exact = tables.number(_EXACT)
    return [
        Row(
            f"{_RUNS:,} runs interrupted by kill -9, {what}",
            f"first resumed after {first:.1f} s, all after {taken:.1f} s; "
            f"all completed after {ended:.1f} s",
        ),
        Row("whole answers among them", f"{exact:,}", f"{_RUNS:,}", exact == _RUNS),
    ]


async def _begin(client: Client, server: Server, tables: Tables) -> None:
    """Begins the runs, and waits until all of them are at work."""
    assistants = await Assistants.create(client, server)
    body = assistants.body(_TOKENS, _PACE)
    await load(
        lambda: client.post(f"{assistants.threads}/runs", body), times=_RUNS, clients=_CLIENTS
    )
    await _until(tables, _AT_WORK, _RUNS)


async def _until(tables: Tables, sql: str, count: int) -> float:
    """When the query finds so many."""
    while tables.number(sql) < count:
        await asyncio.sleep(0.05)
    return time.monotonic()
