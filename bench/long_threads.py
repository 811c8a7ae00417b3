"""What a run and a page cost on a thread with few messages, and on one with very many."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client
from bench.measures import Assistants, Measured, in_turns
from bench.processes import Server
from bench.report import Row
from bench.tables import Tables
from perdure.bus.memory import MemoryBus
from perdure.commands import messages, threads
from perdure.storage import connect
from perdure.storage.database import Database, Transaction
from perdure.wire.messages import CreateMessage
from perdure.wire.threads import CreateThread

LENGTHS = (10, 1_000, 100_000)
# Fewer than ten messages fill it, so that every prompt is as long.
_WINDOW_TOKENS = 4_000
_WORDS_A_MESSAGE = 390
_ROUNDS = 9
_RUNS = 20
_PAGES = 40
_AT_ONCE = 500
_PROJECT = "proj_default"
_EXPECTED = 1.2
_THREADS = "threads of " + ", ".join(f"{length:,}" for length in LENGTHS) + " messages"
_RUN_FIGURES = ("first token", "completed", "CPU")
# PostgreSQL tells what was read when a connection has been idle for ten seconds.
_STATISTICS_SECONDS = 12
_ROWS_READ = (
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'messages'"
)


async def rows(client: Client, model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    settings = {"max_context_tokens": str(_WINDOW_TOKENS)}
    for name, url in urls.items():
        with TemporaryDirectory(prefix="perdure-bench-") as folder:
            thread_ids = await _fill(url, folder)
            with (
                processes.perdure(
                    model, database_url=url, folder=folder, settings=settings
                ) as server,
                Tables(url, folder) as tables,
            ):
                assistants = await Assistants.create(client, server)
                filled = _Threads(client, server, assistants, tables, thread_ids)
                found += await _runs(filled, name)
                found += await _lists(filled, name)
                if tables.is_postgres:
                    found.append(await _rows_read(filled, name))
    return found


class _Threads:
    """The threads of one server, by their length."""

    def __init__(
        self,
        client: Client,
        server: Server,
        assistants: Assistants,
        tables: Tables,
        ids: Mapping[int, str],
    ) -> None:
        self.tables = tables
        self.ids = ids
        self._client = client
        self._server = server
        self._assistants = assistants

    async def run(self, length: int) -> dict[str, float]:
        """Milliseconds of some runs on a thread, one after the other: the medians of the times
        until the first token and until the end, and the server's CPU for each.
        """
        # Each round on the thread as it was: answers are shorter than its messages.
        self.tables.change("DELETE FROM messages WHERE run_id IS NOT NULL")
        ask = self._assistants.ask(5, "once", self.ids[length])
        before, firsts, wholes = self._server.cpu_seconds, [], []
        for _ in range(_RUNS):
            began = time.perf_counter()
            firsts.append(await self._client.stream(ask) * 1e3)
            wholes.append((time.perf_counter() - began) * 1e3)
        cpu = (self._server.cpu_seconds - before) / _RUNS * 1e3
        return dict(zip(_RUN_FIGURES, (median(firsts), median(wholes), cpu), strict=True))

    async def page(self, length: int, cursor: str) -> float:
        """Milliseconds of a page of 10 messages; the median of some."""
        figures = []
        for _ in range(_PAGES):
            began = time.perf_counter()
            await self._client.get(
                f"{self._assistants.threads}/{self.ids[length]}/messages?limit=10{cursor}"
            )
            figures.append((time.perf_counter() - began) * 1e3)
        return median(figures)

    def middle(self, length: int) -> str:
        """The cursor of the page that begins in the middle of the thread."""
        message_id = self.tables.text(
            f"SELECT id FROM messages WHERE thread_id = '{self.ids[length]}' "
            f"AND run_id IS NULL ORDER BY seq LIMIT 1 OFFSET {length // 2}"
        )
        return f"&after={message_id}&order=asc"


async def _runs(of: _Threads, database: str) -> list[Row]:
    figures: dict[int, dict[str, list[float]]] = {
        length: {name: [] for name in _RUN_FIGURES} for length in of.ids
    }
    for length in of.ids:
        await of.run(length)
    for _ in range(_ROUNDS):
        for length in of.ids:
            for name, figure in (await of.run(length)).items():
                figures[length][name].append(figure)
    found = []
    for name in _RUN_FIGURES:
        measured = {length: Measured(figures[length][name]) for length in of.ids}
        found.append(_compared(f"a run on {_THREADS}: {name}, {database}", measured))
    return found


async def _lists(of: _Threads, database: str) -> list[Row]:
    found = []
    for what, cursors in (
        ("the newest", dict.fromkeys(of.ids, "")),
        ("from the middle", {length: of.middle(length) for length in of.ids}),
    ):
        subjects: dict[str, Callable[[], Awaitable[float]]] = {
            str(length): partial(of.page, length, cursor) for length, cursor in cursors.items()
        }
        ran = await in_turns(subjects, rounds=_ROUNDS)
        measured = {length: ran[str(length)] for length in of.ids}
        found.append(_compared(f"a page of {_THREADS}: {what}, {database}", measured))
    return found


async def _rows_read(of: _Threads, database: str) -> Row:
    """How many messages a run reads; the counters are PostgreSQL's."""
    read = []
    for length in of.ids:
        await asyncio.sleep(_STATISTICS_SECONDS)
        before = of.tables.number(_ROWS_READ)
        await of.run(length)
        await asyncio.sleep(_STATISTICS_SECONDS)
        read.append((of.tables.number(_ROWS_READ) - before) / _RUNS)
    return Row(
        f"a run on {_THREADS}: rows of messages read, {database}",
        ", ".join(f"{rows:.0f}" for rows in read),
        "the longest as the middle one",
        read[2] <= read[1] * _EXPECTED,
    )


def _compared(what: str, measured: Mapping[int, Measured]) -> Row:
    """The medians by length, and those of the longest as multiples of the shortest."""
    ratio = measured[LENGTHS[-1]].over(measured[LENGTHS[0]])
    low, high = ratio.range
    told = ", ".join(f"{measured[length].median:.1f}" for length in LENGTHS)
    return Row(
        what,
        f"{told} ms; {ratio.median:.2f} : 1 ({low:.2f} to {high:.2f})",
        f"≤ {_EXPECTED} : 1",
        ratio.median <= _EXPECTED,
    )


async def _fill(url: str | None, folder: str) -> dict[int, str]:
    """Puts a thread of each length into a database, through the commands; their ids."""
    database = connect(url, Path(folder), bus=MemoryBus())
    await database.open()
    try:
        found = {length: await _thread(database, length) for length in LENGTHS}
    finally:
        await database.close()
    with Tables(url, folder) as tables:
        # The server of the tests does not do so by itself, as others do.
        tables.change("ANALYZE")
    return found


async def _thread(database: Database, length: int) -> str:
    now = int(time.time())
    made = await database.write(threads.create, CreateThread(), project=_PROJECT, now=now)

    def add(tx: Transaction, first: int, count: int) -> None:
        for number in range(first, first + count):
            role = "assistant" if number % 2 else "user"
            text = f"{number} " + "word " * _WORDS_A_MESSAGE
            body = CreateMessage(role=role, content=text)  # type: ignore[arg-type]
            messages.add(tx, made.id, body, project=_PROJECT, now=now)

    for first in range(0, length, _AT_ONCE):
        await database.write(add, first, min(_AT_ONCE, length - first))
    return made.id
