"""Fifty threads run code at once on a server with twenty sessions; the API beside them and beside
bombs.
"""

import asyncio
import time
from collections.abc import Awaitable
from statistics import median, quantiles

from openai import AsyncOpenAI
from openai.types.beta import Assistant

from bench import processes
from bench.report import Row

_THREADS = 50
_PAUSE_SECONDS = 0.02
_QUIET_SECONDS = 5
_WORK = """python:
    import numpy as np
    print(np.linalg.svd(np.random.rand(300, 300))[1].shape)
"""
_BOMBS = {
    "a loop on both cores": """python:
    import os
    os.fork()
    while True: pass
""",
    "a fork bomb": """python:
    import os
    while True:
        try: os.fork()
        except OSError: pass
""",
    "a memory bomb": """python:
    import subprocess, sys
    code = "held = [bytearray(b'x' * 2**20) for _ in range(400)]; import time; time.sleep(60)"
    all = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(20)]
    [each.wait() for each in all]
""",
    "a flood of output": """python:
    import os
    while True: os.write(1, b"x" * 65536)
""",
}
# The server's limit for one execution, so that the bombs end.
_SECONDS = "10"


async def rows() -> list[Row]:
    """The lines of the table."""
    found: list[Row] = []
    with processes.perdure(None, settings={"code_timeout_seconds": _SECONDS}) as server:
        client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any", timeout=120)
        tools = [{"type": "code_interpreter"}]
        assistant = await client.beta.assistants.create(model="any", tools=tools)  # type: ignore[arg-type]
        await _run(client, assistant, _WORK)  # the server keeps sessions ready from here on
        _, quiet = await _beside(client, assistant, asyncio.sleep(_QUIET_SECONDS))
        found.append(_latency("a request, beside nothing", quiet))
        work = asyncio.gather(*(_run(client, assistant, _WORK) for _ in range(_THREADS)))
        took, busy = await _beside(client, assistant, work)
        ended = work.result()
        assert {status for status, _ in ended} == {"completed"}
        measure = f"runs with code of {_THREADS} threads at once, in 20 sessions"
        slowest = max(seconds for _, seconds in ended)
        first = min(seconds for _, seconds in ended)
        found.append(Row(measure, f"all in {took:.1f} s ({first:.1f} to {slowest:.1f} s each)"))
        found.append(_latency("a request, beside them", busy))
        for name, bomb in _BOMBS.items():
            took, beside = await _beside(client, assistant, _run(client, assistant, bomb))
            found.append(_latency(f"a request, beside {name} ({took:.0f} s)", beside))
        await client.close()
    return found


async def _run(client: AsyncOpenAI, assistant: Assistant, prompt: str) -> tuple[str, float]:
    """How a run on a thread of its own ends, and after how many seconds."""
    begun = time.monotonic()
    run = await client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": prompt}]},
        poll_interval_ms=200,
    )
    return run.status, time.monotonic() - begun


async def _beside(
    client: AsyncOpenAI, assistant: Assistant, work: Awaitable[object]
) -> tuple[float, list[float]]:
    """How long the work takes, and how many milliseconds small requests take meanwhile."""
    begun, took = time.monotonic(), list[float]()
    working = asyncio.ensure_future(work)
    while not working.done():
        asked = time.monotonic()
        await client.beta.assistants.retrieve(assistant.id)
        took.append((time.monotonic() - asked) * 1e3)
        await asyncio.sleep(_PAUSE_SECONDS)
    await working
    return time.monotonic() - begun, took


def _latency(measure: str, took: list[float]) -> Row:
    last = quantiles(took, n=100)[-1]
    return Row(measure, f"p50 {median(took):.1f} ms, p99 {last:.1f} ms")
