"""What one client can do to the others: a GET every 50 ms beside each attack, and the memory."""

import asyncio
import sys
import time
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import processes
from bench.attacks import ATTACKS
from bench.client import Client
from bench.processes import Server
from bench.report import Row

_INTERVAL_SECONDS = 0.05
_LONGEST_MS = 100.0
_MB = 1024 * 1024
_TRIES = 3
# So that a connection that is held is noticed within seconds. Servers that know no such settings
# take no notice.
_SETTINGS = {
    "head_seconds": "5",
    "body_silence_seconds": "5",
    "idle_connection_seconds": "5",
}


class _Try(NamedTuple):
    """What the attack said, p99 of the other requests without and with it in ms, memory in MB, CPU
    in seconds.
    """

    said: str
    calm: float
    p99: float
    before: float
    most: float
    after: float
    cpu: float


async def rows(client: Client) -> list[Row]:
    return [await _row(client, name) for name in ATTACKS]


async def _row(client: Client, name: str) -> Row:
    """The median of a few tries, each against a server of its own."""
    tries = [await _try(client, name) for _ in range(_TRIES)]
    p99, calm = median(each.p99 for each in tries), median(each.calm for each in tries)
    before, most = median(each.before for each in tries), median(each.most for each in tries)
    after, cpu = median(each.after for each in tries), median(each.cpu for each in tries)
    return Row(
        f"{name}: {tries[0].said}",
        f"GET p99 {p99:.0f} ms, {calm:.0f} ms without; memory {before:.0f}, {most:.0f}, "
        f"{after:.0f} MB before, at most, after; {cpu:.1f} s of CPU",
        "p99 ≤ 100 ms, memory back within 20 %",
        p99 <= _LONGEST_MS and after <= before * 1.2,
    )


async def _try(client: Client, name: str) -> _Try:
    with processes.perdure(None, settings=_SETTINGS) as server:
        calm = await _rest(client, server)
        before, used = server.memory_bytes, server.cpu_seconds
        attack = asyncio.create_task(_attack(name, server))
        times, most = await _probe(client, server, attack)
        used = server.cpu_seconds - used
        await _probe(client, server, asyncio.create_task(asyncio.sleep(3)))
        after = server.memory_bytes
        said = attack.result()
        return _Try(said, calm, _p99(times), before / _MB, most / _MB, after / _MB, used)


async def _rest(client: Client, server: Server) -> float:
    """Waits until the server has loaded all that it loads by and by; p99 of the last while."""
    size = 0
    times: list[float] = []
    while server.memory_bytes > size * 1.01:
        size = server.memory_bytes
        times, _ = await _probe(client, server, asyncio.create_task(asyncio.sleep(2)))
    return _p99(times)


async def _attack(name: str, server: Server) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.attacks", name, str(urlsplit(server.url).port)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return said.decode()


async def _probe(
    client: Client, server: Server, meanwhile: asyncio.Task[object]
) -> tuple[list[float], int]:
    """How long requests take in ms until the task is done, and the most memory."""
    waiting: list[asyncio.Task[float]] = []
    peak = 0
    while not meanwhile.done():
        waiting.append(asyncio.create_task(_ask(client, server)))
        peak = max(peak, server.memory_bytes)
        await asyncio.sleep(_INTERVAL_SECONDS)
    return await asyncio.gather(*waiting), peak


async def _ask(client: Client, server: Server) -> float:
    began = time.perf_counter()
    await client.get(f"{server.url}/v1/assistants?limit=1")
    return (time.perf_counter() - began) * 1000


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
