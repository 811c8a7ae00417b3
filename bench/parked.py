"""Five thousand runs that wait for tool outputs: what they cost, and how they end together."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client, load
from bench.processes import Server
from bench.report import Row
from bench.tables import Tables

_PARKED = 5_000
# The first ones, for what the server needs once, and for what a submit takes with few parked.
_FIRST = 200
_CLIENTS = 50
_SUBMITTED = 50
_IDLE_SECONDS = 20
_QUIET_SECONDS = 5
_PAUSE_SECONDS = 0.02
_LIFETIME = "3600"
_TOOL = {"type": "function", "function": {"name": "look_up"}}
_WAITING = "SELECT count(*) FROM runs WHERE status = 'requires_action'"
_EXPECTED_CPU = 2
_EXPECTED_MS = 100


async def rows(client: Client, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    for name, url in urls.items():
        with (
            TemporaryDirectory(prefix="perdure-bench-") as folder,
            processes.perdure(
                None,
                database_url=url,
                folder=folder,
                settings={"run_lifetime_seconds": _LIFETIME},
            ) as server,
            Tables(url, folder) as tables,
        ):
            found += await _measured(client, server, tables, name)
    return found


async def _measured(client: Client, server: Server, tables: Tables, database: str) -> list[Row]:
    runs = await _park(client, server, tables, _FIRST)
    few = [await _submit(client, run) for run in runs[:_SUBMITTED]]
    waiting, before = tables.number(_WAITING), server.memory_bytes
    runs = await _park(client, server, tables, _PARKED - waiting)
    memory = (server.memory_bytes - before) / (_PARKED - waiting) / 1e3
    idle = await _idle(server)
    many = [await _submit(client, run) for run in runs[:_SUBMITTED]]
    quiet = await _probed(client, server, lambda: asyncio.sleep(_QUIET_SECONDS))
    took = 0.0

    async def expiry() -> None:
        nonlocal took
        took = await _expire(tables)

    meanwhile = await _probed(client, server, expiry)
    what = f"{_PARKED:,} runs parked, {database}"
    return [
        Row(
            f"{what}: CPU of the idle server",
            f"{idle:.1f} % of a core",
            f"≤ {_EXPECTED_CPU} %",
            idle <= _EXPECTED_CPU,
        ),
        Row(f"{what}: memory of each", f"{memory:.1f} kB"),
        Row(
            f"{what}: from the outputs to completed",
            f"{median(many):.1f} ms; {median(few):.1f} ms with {_FIRST} parked",
        ),
        Row(f"{what}: until all have expired, their time come", f"{took:.1f} s"),
        *(
            Row(
                f"{what}: {door} while they expire",
                f"p99 {_p99(meanwhile[door]):.0f} ms, longest {max(meanwhile[door]):.0f} ms; "
                f"p99 {_p99(quiet[door]):.0f} ms before",
                f"p99 ≤ {_EXPECTED_MS} ms",
                _p99(meanwhile[door]) <= _EXPECTED_MS,
            )
            for door in meanwhile
        ),
    ]


async def _park(client: Client, server: Server, tables: Tables, count: int) -> list[str]:
    """Begins so many runs more, and waits until they wait; their URLs."""
    body: dict[str, object] = {"model": "m", "tools": [_TOOL]}
    assistant = await client.post(f"{server.url}/v1/assistants", body)
    begin: dict[str, object] = {
        "assistant_id": assistant["id"],
        "thread": {"messages": [{"role": "user", "content": "call: look_up {}"}]},
    }
    target = tables.number(_WAITING) + count
    runs: list[str] = []

    async def park() -> None:
        run = await client.post(f"{server.url}/v1/threads/runs", begin)
        runs.append(f"{server.url}/v1/threads/{run['thread_id']}/runs/{run['id']}")

    await load(park, times=count, clients=_CLIENTS)
    while tables.number(_WAITING) < target:
        await asyncio.sleep(0.1)
    return runs


async def _idle(server: Server) -> float:
    """The part of a core, in percent, that the server takes when nobody asks anything."""
    used, began = server.cpu_seconds, time.monotonic()
    await asyncio.sleep(_IDLE_SECONDS)
    return (server.cpu_seconds - used) / (time.monotonic() - began) * 100


async def _submit(client: Client, run: str) -> float:
    """Milliseconds from the outputs of a run to its end."""
    waiting = await client.get(run)
    (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "found"}], "stream": True}
    began = time.perf_counter()
    await client.read(f"{run}/submit_tool_outputs", outputs)
    return (time.perf_counter() - began) * 1e3


async def _expire(tables: Tables) -> float:
    """Lets the time of all runs come at once; the seconds from then until all have expired."""
    due = int(time.time()) + 2
    body = (
        f"jsonb_set(body::jsonb, '{{expires_at}}', '{due}')::text"
        if tables.is_postgres
        else f"json_set(body, '$.expires_at', {due})"
    )
    tables.change(
        f"UPDATE runs SET expires_at = {due}, body = {body} WHERE status = 'requires_action'"
    )
    while tables.number(_WAITING):
        await asyncio.sleep(0.2)
    return time.time() - due


async def _probed(
    client: Client, server: Server, work: Callable[[], Awaitable[None]]
) -> dict[str, list[float]]:
    """Milliseconds of small requests, one after the other, while something goes on."""
    requests: dict[str, Callable[[], Awaitable[object]]] = {
        "a request that reads": lambda: client.get(f"{server.url}/v1/assistants?limit=1"),
        "a request that writes": lambda: client.post(f"{server.url}/v1/threads", {}),
    }
    figures: dict[str, list[float]] = {name: [] for name in requests}
    going = asyncio.ensure_future(work())
    while not going.done():
        for name, request in requests.items():
            began = time.perf_counter()
            await request()
            figures[name].append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(_PAUSE_SECONDS)
    await going
    return figures


def _p99(figures: list[float]) -> float:
    return quantiles(figures, n=100)[98]
