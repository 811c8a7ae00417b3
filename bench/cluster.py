"""Two servers on one PostgreSQL: how late the one hears of what happens at the other."""

import asyncio
import time
from contextlib import ExitStack
from statistics import median, quantiles
from typing import NamedTuple

from bench import processes
from bench.client import Client, load
from bench.measures import Assistants
from bench.model_server import WORD
from bench.processes import Server
from bench.report import Row
from bench.tables import Tables

_ROUNDS = 30
_TOKENS, _PACE = 12, "30"
_LONG = 1_000
_ASKING_SECONDS = 0.05
_CPU_STREAMS, _CPU_TOKENS, _CPU_ROUNDS = 50, (60, 240), 3
_RUNS = 50
_LEASE_SECONDS = 10
_WORD = WORD.encode()
_DONE = b"data: [DONE]"
_TAKEN = "SELECT count(*) FROM runs WHERE owner IS NOT NULL AND owner <> '{}'"
_OWNER = "SELECT DISTINCT owner FROM runs"
_AT_WORK = "SELECT count(*) FROM runs WHERE status = 'in_progress'"


class Lag(NamedTuple):
    """Milliseconds by which a listener at the other server is behind one at the run's own."""

    first: float
    token: float
    end: float


async def rows(client: Client, model: Server, url: str) -> list[Row]:
    """The lines of the table."""
    with ExitStack() as living:
        # One answers requests, the other works: whatever is told goes from one to the other.
        api = living.enter_context(
            processes.perdure(model, database_url=url, settings={"role": "api"})
        )
        worker = living.enter_context(processes.perdure(model, database_url=url))
        assistants = await Assistants.create(client, api)
        at_worker = assistants.at(worker)
        for _ in range(3):
            await client.stream(assistants.ask(5, "once"))
        lags = [await _lag(client, at_worker, api) for _ in range(_ROUNDS)]
        begins = [await _begin(client, assistants) for _ in range(_ROUNDS)]
        cancels: dict[str, list[float]] = {"here": [], "elsewhere": []}
        for _ in range(_ROUNDS):
            cancels["here"].append(await _cancel(client, model, at_worker, worker))
            cancels["elsewhere"].append(await _cancel(client, model, at_worker, api))
        cpu = await _cpu(client, api, assistants)
    taken = await _take_over(client, model, url)
    here, elsewhere = (median(cancels[where]) for where in ("here", "elsewhere"))
    return [
        _row("first token at the other server, after it was told at the run's own",
             [lag.first for lag in lags], 80),
        _row("each token, the same", [lag.token for lag in lags], 80),
        _row("end of the stream, the same", [lag.end for lag in lags], 100),
        _row("a run that the other server has queued, until it has begun", begins, 50),
        _row("a cancel at the other server, until the request to the model server has ended",
             cancels["elsewhere"], 100),
        Row("a cancel at the other server : at the run's own", f"{elsewhere / here:.1f} : 1"),
        Row("CPU for a streamed token at the server that only passes it on", f"{cpu:.0f} µs"),
        Row(f"{_RUNS} runs of a server that is killed, until the other has all, "
            f"with a lease of {_LEASE_SECONDS} s", f"{taken:.1f} s",
            f"≤ {_LEASE_SECONDS + 2} s", taken <= _LEASE_SECONDS + 2),
    ]  # fmt: skip


def _row(what: str, figures: list[float], most: float) -> Row:
    middle = median(figures)
    measured = f"median {middle:.1f} ms, p90 {quantiles(figures, n=10)[8]:.0f} ms"
    return Row(what, measured, f"≤ {most:.0f} ms", middle <= most)


async def _lag(client: Client, at_worker: Assistants, api: Server) -> Lag:
    """One run, picked up at both servers at once."""
    thread_id = await at_worker.thread(client)
    run = await client.post(
        f"{at_worker.threads}/{thread_id}/runs", at_worker.body(_TOKENS, _PACE, new_thread=False)
    )
    path = f"/{thread_id}/runs/{run['id']}/stream"
    own, other = await asyncio.gather(
        _times(client, at_worker.threads + path), _times(client, f"{api.url}/v1/threads{path}")
    )
    each = [(b - a) * 1e3 for a, b in zip(own, other, strict=True)]
    return Lag(each[0], median(each[:-1]), each[-1])


async def _times(client: Client, url: str) -> list[float]:
    """When each token came, and the end."""
    times: list[float] = []
    received = bytearray()
    async for data in client.pieces(url):
        received += data
        told = min(received.count(_WORD), _TOKENS)
        times += [time.perf_counter()] * (told - len(times))
    if _DONE not in received or len(times) != _TOKENS:
        raise AssertionError(received.decode())
    return [*times, time.perf_counter()]


async def _begin(client: Client, assistants: Assistants) -> float:
    """Milliseconds from the answer to who queues a run until it has begun at the other server."""
    thread_id = await assistants.thread(client)
    runs = f"{assistants.threads}/{thread_id}/runs"
    run = await client.post(runs, assistants.body(5, "once", new_thread=False))
    began = time.perf_counter()
    received = bytearray()
    async for data in client.pieces(f"{runs}/{run['id']}/stream"):
        received += data
        if b"event: thread.run.in_progress" in received:
            return (time.perf_counter() - began) * 1e3
    raise AssertionError(received.decode())


async def _cancel(client: Client, model: Server, assistants: Assistants, at: Server) -> float:
    """Milliseconds from a cancel at a server until the model server's request has ended."""
    thread_id = await assistants.thread(client)
    stream = await client.open(assistants.ask(_LONG, _PACE, thread_id))
    (run,) = (await client.get(f"{assistants.threads}/{thread_id}/runs"))["data"]
    gone = asyncio.ensure_future(client.get(f"{model.url}/gone"))
    await asyncio.sleep(_ASKING_SECONDS)
    began = time.perf_counter()
    await client.post(f"{at.url}/v1/threads/{thread_id}/runs/{run['id']}/cancel", {})
    await gone
    seconds = time.perf_counter() - began
    stream.close()
    return seconds * 1e3


async def _cpu(client: Client, api: Server, assistants: Assistants) -> float:
    """Microseconds of the CPU of a server that only passes it on for one token more of a stream."""

    async def used(tokens: int) -> float:
        before = api.cpu_seconds
        ask = assistants.ask(tokens, _PACE)
        await load(lambda: client.stream_joined(ask), times=_CPU_STREAMS, clients=_CPU_STREAMS)
        return api.cpu_seconds - before

    short, long = _CPU_TOKENS
    figures = []
    for _ in range(_CPU_ROUNDS):
        base = await used(short)
        figures.append((await used(long) - base) / (_CPU_STREAMS * (long - short)) * 1e6)
    return median(figures)


async def _take_over(client: Client, model: Server, url: str) -> float:
    """Seconds from the death of a server until another one has all of its runs."""
    with ExitStack() as living, Tables(url, "") as tables:
        tables.change("DELETE FROM threads")
        with processes.perdure(model, database_url=url) as server:
            assistants = await Assistants.create(client, server)
            body = assistants.body(_LONG, _PACE)
            for _ in range(_RUNS):
                await client.post(f"{assistants.threads}/runs", body)
            while tables.number(_AT_WORK) < _RUNS:
                await asyncio.sleep(0.05)
            living.enter_context(processes.perdure(model, database_url=url))
            owner = tables.text(_OWNER)
        # Leaving the block killed it.
        died = time.monotonic()
        while tables.number(_TAKEN.format(owner)) < _RUNS:
            await asyncio.sleep(0.02)
        return time.monotonic() - died
