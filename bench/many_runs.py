"""Very many runs at once: parked, streaming, expiring, and interrupted by a crash."""

import asyncio
import time
from collections.abc import Mapping
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client, load
from bench.measures import Assistants
from bench.processes import Server
from bench.report import Row

_PARKED = 5_000
_CLIENTS = 50
_IDLE_SECONDS = 20
# Long enough to park them all and to look at them, then they expire.
_PARKED_LIFETIME = 240
_STREAMS = 1_000
_STREAM_TOKENS, _STREAM_PACE = 20, 2
_INTERRUPTED = 1_000
# Slow enough that all of them are at work when the server dies.
_SLOW = "40-at-1"
_TOOL = {"type": "function", "function": {"name": "look_up"}}


async def parked(client: Client, urls: Mapping[str, str | None]) -> list[Row]:
    """Runs that wait for tool outputs: what they cost, and how they end when their time comes."""
    rows: list[Row] = []
    for name, url in urls.items():
        settings = {"run_lifetime_seconds": str(_PARKED_LIFETIME)}
        with processes.perdure(None, database_url=url, settings=settings) as server:
            rows += await _parked(client, server, name)
    return rows


async def _parked(client: Client, server: Server, database: str) -> list[Row]:
    body: dict[str, object] = {"model": "m", "tools": [_TOOL]}
    assistant = await client.post(f"{server.url}/v1/assistants", body)
    begin: dict[str, object] = {
        "assistant_id": assistant["id"],
        "thread": {"messages": [{"role": "user", "content": "call: look_up {}"}]},
    }
    runs: list[str] = []

    async def park() -> None:
        run = await client.post(f"{server.url}/v1/threads/runs", begin)
        runs.append(f"{server.url}/v1/threads/{run['thread_id']}/runs/{run['id']}")

    await load(park, times=100, clients=_CLIENTS)
    await _all(client, runs, "requires_action")
    before, warm = server.memory_bytes, len(runs)
    began = time.time()
    await load(park, times=_PARKED - warm, clients=_CLIENTS)
    await _all(client, runs, "requires_action")
    memory = (server.memory_bytes - before) / (_PARKED - warm) / 1000
    used, at = server.cpu_seconds, time.monotonic()
    await asyncio.sleep(_IDLE_SECONDS)
    idle = (server.cpu_seconds - used) / (time.monotonic() - at) * 100
    submitted = [await _submit(client, runs.pop()) for _ in range(50)]
    worst = await _while_expiring(client, server, until=began + _PARKED_LIFETIME + 30)
    left = await _all(client, runs, "expired")
    what = f"{_PARKED:,} runs parked in requires_action, {database}"
    return [
        Row(f"{what}: CPU of the idle server", f"{idle:.1f} % of a core", "near 0", idle < 2),
        Row(f"{what}: memory of each", f"{memory:.1f} kB"),
        Row(f"{what}: a submit of outputs until completed", f"{median(submitted):.0f} ms"),
        Row(
            f"{what}: another request while all expire",
            f"p50 {median(worst):.1f} ms, p99 {quantiles(worst, n=100)[98]:.0f} ms; "
            f"{left} s after their time all are expired",
        ),
    ]


async def _submit(client: Client, run: str) -> float:
    """Milliseconds from the outputs of a run to its end."""
    waiting = await client.get(run)
    (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "found"}], "stream": True}
    began = time.perf_counter()
    await client.read(f"{run}/submit_tool_outputs", outputs)
    return (time.perf_counter() - began) * 1e3


async def _while_expiring(client: Client, server: Server, *, until: float) -> list[float]:
    """Milliseconds of a small request, again and again, until a time."""
    figures: list[float] = []
    while time.time() < until:
        began = time.perf_counter()
        await client.get(f"{server.url}/v1/assistants?limit=1")
        figures.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.02)
    return figures


async def _all(client: Client, runs: list[str], status: str) -> int:
    """Looks until every run has the status; the seconds it took."""
    began = time.monotonic()
    for run in runs:
        while (await client.get(run))["status"] != status:
            await asyncio.sleep(0.1)
    return round(time.monotonic() - began)


async def streams(client: Client, model: Server) -> list[Row]:
    """A thousand streams on one process, each read to its end."""
    with processes.perdure(model) as server:
        assistants = await Assistants.create(client, server)
        ask = assistants.ask(_STREAM_TOKENS, str(_STREAM_PACE))
        await client.stream(assistants.ask(5, "once"))
        firsts: list[float] = []

        async def stream() -> None:
            firsts.append(await client.stream(ask) * 1e3)

        used = server.cpu_seconds
        seconds = await load(stream, times=_STREAMS, clients=_STREAMS)
        cpu = server.cpu_seconds - used
    ideal = (_STREAM_TOKENS - 1) / _STREAM_PACE
    what = f"{_STREAMS:,} streams at once, {_STREAM_TOKENS} tokens each, {_STREAM_PACE} a second"
    return [
        Row(
            f"{what}: first token",
            f"p50 {median(firsts):.0f} ms, p99 {quantiles(firsts, n=100)[98]:.0f} ms",
        ),
        Row(f"{what}: until the last one ended", f"{seconds:.1f} s, of which {ideal:.1f} s pace"),
        Row(f"{what}: CPU", f"{cpu:.1f} s, {cpu / _STREAMS * 1e3:.1f} ms a run with its tokens"),
    ]


async def recovery(client: Client, model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """A server that is killed with a thousand runs in hand, and the next one on its data."""
    rows: list[Row] = []
    for name, url in urls.items():
        with TemporaryDirectory(prefix="perdure-bench-") as folder:
            rows += await _recovery(client, model, name, url, folder)
    return rows


async def _recovery(
    client: Client, model: Server, database: str, url: str | None, folder: str
) -> list[Row]:
    settings = {"lease_seconds": "5"}
    runs: list[str] = []
    with processes.perdure(model, database_url=url, folder=folder, settings=settings) as server:
        assistants = await Assistants.create(client, server)
        tokens, _, pace = _SLOW.partition("-at-")
        body = assistants.body(int(tokens), pace)

        async def begin() -> None:
            run = await client.post(f"{assistants.threads}/runs", body)
            runs.append(f"/v1/threads/{run['thread_id']}/runs/{run['id']}")

        await load(begin, times=_INTERRUPTED, clients=_CLIENTS)
        await _all(client, [server.url + run for run in runs], "in_progress")
    # Leaving the block killed it. Timestamps are whole seconds.
    await asyncio.sleep(1.1)
    died = int(time.time())
    began = time.monotonic()
    with processes.perdure(model, database_url=url, folder=folder, settings=settings) as server:
        up = time.monotonic() - began
        seconds: list[float] = []
        for run in runs:
            while ((await client.get(server.url + run))["started_at"] or 0) < died:
                await asyncio.sleep(0.02)
            seconds.append(time.monotonic() - began)
    return [
        Row(
            f"{_INTERRUPTED:,} runs interrupted by kill -9, {database}",
            f"the next server answers after {up:.1f} s, has the first run at work after "
            f"{seconds[0]:.1f} s and all after {seconds[-1]:.1f} s",
        )
    ]
