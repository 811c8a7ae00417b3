"""Measures the code interpreter's sandbox: `python -m bench.code_interpreter`, two to four minutes.

It is apart from the other measures because it needs bubblewrap, and memory for 50 sessions.
"""

import asyncio
import statistics
import time
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from bench import code_threads
from bench.report import Machine, Row, table
from perdure.clock import SystemClock
from perdure.sandbox import resource_usage
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import Session
from perdure.sandbox.session import LocalSession
from perdure.sandbox.sessions import Sessions

_FIRST = "import pandas as pd\nprint(pd.DataFrame({'a': [1, 2, 3]}).a.sum())"
_FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"
_STARTS = 7
_CALLS = 100
_SESSIONS = 50


async def main() -> None:
    machine = Machine()
    rows: list[Row] = []
    sandbox = LocalSandbox()
    cold, ready = await _first_calls(sandbox)
    rows.append(Row("first call of a thread, no session ready", _spread(cold)))
    warm = statistics.median(ready) <= 150
    rows.append(Row("first call of a thread, a session ready", _spread(ready), "≤ 150 ms", warm))
    session = await sandbox.start(warm=True)
    rows.append(
        Row("later call: `1 + 1`", _spread([await _ms(session, "1 + 1") for _ in range(_CALLS)]))
    )
    await _ms(session, _FIGURE)
    figures = [await _ms(session, _FIGURE) for _ in range(20)]
    rows.append(Row("later call: a figure", _spread(figures)))
    await session.close()
    sessions = [await sandbox.start(warm=True) for _ in range(_SESSIONS)]
    memory = sum(_pss(session) for session in sessions) / _SESSIONS / 1e6
    rows.append(Row(f"memory of an idle session, of {_SESSIONS}", f"{memory:.0f} MB"))
    begun = time.monotonic()
    await asyncio.gather(*(_repeat(session, 20) for session in sessions))
    rate = _SESSIONS * 20 / (time.monotonic() - begun)
    rows.append(Row(f"calls of `1 + 1` in {_SESSIONS} sessions at once", f"{rate:.0f} a second"))
    begun = time.monotonic()
    await sandbox.close()
    rows.append(Row(f"end of {_SESSIONS} sessions", f"{(time.monotonic() - begun) * 1e3:.0f} ms"))
    rows += await code_threads.rows()
    print(table(rows))
    print()
    print(machine.described())


async def _first_calls(sandbox: LocalSandbox) -> tuple[list[float], list[float]]:
    """Of a new thread each: when nothing is ready, and when something is."""
    sessions = Sessions(sandbox, clock=SystemClock(), most=99, spare=1, idle_seconds=3600)
    none = Sessions(sandbox, clock=SystemClock(), most=99, spare=0, idle_seconds=3600)
    cold, ready = [], []
    for number in range(_STARTS):
        cold.append(await _held(none, str(number)))
        await none.end(str(number))
        await sessions.step()
        ready.append(await _held(sessions, str(number)))
        await sessions.end(str(number))
    await sessions.close()
    return cold, ready


async def _held(sessions: Sessions, key: str) -> float:
    begun = time.monotonic()
    async with sessions.hold(key) as held:
        await _ms(held.session, _FIRST)
    return (time.monotonic() - begun) * 1e3


async def _ms(session: Session, code: str) -> float:
    begun = time.monotonic()
    async with aclosing(session.execute(code, seconds=60)) as outputs:
        async for _ in outputs:
            pass
    return (time.monotonic() - begun) * 1e3


async def _repeat(session: Session, times: int) -> None:
    for _ in range(times):
        await _ms(session, "1 + 1")


def _pss(session: LocalSession) -> int:
    """Bytes of all its processes, where what n processes share counts for a n-th."""
    total = 0
    for pid in resource_usage.processes(session.first_process):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def _spread(values: Iterable[float]) -> str:
    ordered = sorted(values)
    middle = statistics.median(ordered)
    return f"{middle:.0f} ms ({ordered[0]:.0f} to {ordered[-1]:.0f})"


if __name__ == "__main__":
    asyncio.run(main())
