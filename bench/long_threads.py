"""What a run costs on a thread with few messages, and on one with very many."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import processes
from bench.client import Client
from bench.measures import Assistants, Measured, in_turns
from bench.processes import Server
from bench.report import Row
from perdure.bus.memory import MemoryBus
from perdure.commands import messages, threads
from perdure.store import connect
from perdure.store.database import Database, Transaction
from perdure.wire.messages import CreateMessage
from perdure.wire.threads import CreateThread

LENGTHS = (10, 1_000, 100_000)
# Ten messages fill it, so that every prompt is as long.
_WINDOW_TOKENS = 4_000
_WORDS_A_MESSAGE = 390
_ROUNDS = 5
_RUNS = 20
_AT_ONCE = 500
_PROJECT = "proj_default"
_EXPECTED = 1.2


async def rows(client: Client, model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    settings = {"max_context_tokens": str(_WINDOW_TOKENS)}
    for name, url in urls.items():
        with TemporaryDirectory(prefix="perdure-bench-") as folder:
            thread_ids = await _fill(url, folder)
            with processes.perdure(
                model, database_url=url, folder=folder, settings=settings
            ) as server:
                found += await _measured(client, server, name, thread_ids)
    return found


async def _measured(
    client: Client, server: Server, database: str, thread_ids: Mapping[int, str]
) -> list[Row]:
    assistants = await Assistants.create(client, server)
    cpu = {length: Measured([]) for length in thread_ids}

    async def run(length: int) -> float:
        before, began = server.cpu_seconds, time.perf_counter()
        for _ in range(_RUNS):
            await client.stream(assistants.ask(5, "once", thread_ids[length]))
        cpu[length].figures.append((server.cpu_seconds - before) / _RUNS * 1e3)
        return (time.perf_counter() - began) / _RUNS

    async def page(length: int) -> float:
        began = time.perf_counter()
        for _ in range(_RUNS):
            await client.get(f"{assistants.threads}/{thread_ids[length]}/messages?limit=10")
        return (time.perf_counter() - began) / _RUNS

    ran = await in_turns(_each(thread_ids, run), rounds=_ROUNDS, scale=1e3)
    listed = await in_turns(_each(thread_ids, page), rounds=_ROUNDS, scale=1e3)
    shortest, longest = str(LENGTHS[0]), str(LENGTHS[-1])
    ratio = ran[longest].over(ran[shortest])
    return [
        *(
            Row(
                f"a run on a thread of {length:,} messages, {database}",
                f"{ran[str(length)].median:.1f} ms, {cpu[length].median:.1f} ms of CPU",
            )
            for length in thread_ids
        ),
        Row(
            f"the longest thread : the shortest, {database}",
            f"{ratio.median:.2f} : 1 ({ratio.range[0]:.2f} to {ratio.range[1]:.2f})",
            f"≤ {_EXPECTED} : 1",
            ratio.median <= _EXPECTED,
        ),
        Row(
            f"a page of 10 messages, longest thread : shortest, {database}",
            f"{listed[longest].over(listed[shortest]).median:.2f} : 1",
        ),
    ]


def _each(
    thread_ids: Mapping[int, str], measure: Callable[[int], Awaitable[float]]
) -> dict[str, Callable[[], Awaitable[float]]]:
    return {str(length): partial(measure, length) for length in thread_ids}


async def _fill(url: str | None, folder: str) -> dict[int, str]:
    """Puts a thread of each length into a database, through the commands; their ids."""
    database = connect(url, Path(folder), bus=MemoryBus())
    await database.open()
    try:
        return {length: await _thread(database, length) for length in LENGTHS}
    finally:
        await database.close()


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
