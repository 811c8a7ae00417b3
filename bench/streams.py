"""A thousand streams at once on one server process, each read to its end and compared."""

import asyncio
from statistics import median, quantiles

from bench import processes
from bench.client import Client
from bench.measures import Assistants
from bench.processes import Server
from bench.report import Row

_STREAMS = 1_000
# Slow enough for two cores that the client and the model server share with the server.
_TOKENS_PER_SECOND = 4
_TOKENS = 140
# Opened evenly, so that the first token is one among streams, not one in a queue for runs.
_OPENED_PER_SECOND = 50
_LOOK_SECONDS = 10


async def rows(client: Client, model: Server) -> list[Row]:
    """The lines of the table."""
    with processes.perdure(model) as server:
        assistants = await Assistants.create(client, server)
        for _ in range(50):
            await client.stream(assistants.ask(5, "once"))
        before = server.memory_bytes
        ask = assistants.ask(_TOKENS, str(_TOKENS_PER_SECOND))
        async with asyncio.TaskGroup() as group:
            streams = []
            for _ in range(_STREAMS):
                streams.append(group.create_task(client.stream(ask)))
                await asyncio.sleep(1 / _OPENED_PER_SECOND)
            per_token, memory = await _while_open(server, before)
            if any(stream.done() for stream in streams):
                raise AssertionError("the first stream ended before all had been looked at")
    firsts = [stream.result() * 1e3 for stream in streams]
    what = f"{_STREAMS:,} streams at once"
    return [
        Row(f"{what}, complete and exact", f"{len(firsts):,}", "all", True),
        Row(
            f"{what}: first token, while the others stream",
            f"p50 {median(firsts):.1f} ms, p99 {quantiles(firsts, n=100)[98]:.0f} ms",
        ),
        Row(f"{what}: CPU for a token", f"{per_token:.0f} µs"),
        Row(f"{what}: memory of each", f"{memory:.0f} kB"),
    ]


async def _while_open(server: Server, before: int) -> tuple[float, float]:
    """Microseconds of CPU for a token and kilobytes for a stream, when all of them are open."""
    used = server.cpu_seconds
    await asyncio.sleep(_LOOK_SECONDS)
    told = _STREAMS * _TOKENS_PER_SECOND * _LOOK_SECONDS
    return (
        (server.cpu_seconds - used) / told * 1e6,
        (server.memory_bytes - before) / _STREAMS / 1e3,
    )
