"""Measures everything in one run, and prints the tables of RESULTS.md.

python -m bench [plain] [memory] [streams] [threads] [parked] [recovery] [cluster] [attacks] [lists]
    [projects] [traces] [exchange]
"""

import resource
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager

import uvloop
from tests.databases import NoServer, PostgresServer

from bench import (
    attacked,
    cluster,
    exchange,
    long_threads,
    measures,
    parked,
    processes,
    project_lists,
    projects,
    recovery,
    streams,
    traces,
)
from bench.client import Client
from bench.measures import Assistants, Measured, relayed
from bench.processes import Server
from bench.report import Machine, Row, table

_FILES = 8192
_POSTGRES = "PostgreSQL, fsync off"


async def main(wanted: Collection[str]) -> None:
    """Runs the wanted measures one after the other; all of them if none is named."""
    machine = Machine()
    _allow_files()
    with ExitStack() as stack:
        model = stack.enter_context(processes.model_server())
        rows: list[Row] = []
        async with Client() as client:
            for name, measure in _MEASURES.items():
                if not wanted or name in wanted:
                    _say(name)
                    rows += await measure(client, model)
    print(table(rows))
    print()
    print(machine.described())


async def _plain(client: Client, model: Server) -> list[Row]:
    """What one run costs, next to a relay that keeps nothing."""
    rows: list[Row] = []
    with processes.perdure(model) as perdure, processes.relay(model) as relay:
        rows += _first_token(
            await measures.first_token(client, model=model, perdure=perdure, relay=relay)
        )
        rows += _cancel(await measures.cancel(client, model=model, perdure=perdure))
        rows += _cpu(await measures.cpu_per_token(client, perdure=perdure, relay=relay))
        with postgres() as url, ExitStack() as more:
            servers = {"SQLite": perdure}
            if url:
                servers[_POSTGRES] = more.enter_context(processes.perdure(model, database_url=url))
            rows += _runs(*await measures.runs_per_second(client, servers))
    return rows


async def _long_threads(client: Client, model: Server) -> list[Row]:
    with postgres() as url:
        return await long_threads.rows(client, model, _databases(url))


async def _project_lists(client: Client, model: Server) -> list[Row]:
    with postgres() as url:
        return await project_lists.rows(client, model, _databases(url))


async def _parked(client: Client, model: Server) -> list[Row]:  # noqa: ARG001
    with postgres() as url:
        return await parked.rows(client, _databases(url))


async def _recovery(client: Client, model: Server) -> list[Row]:
    with postgres() as url:
        return await recovery.rows(client, model, _databases(url))


async def _cluster(client: Client, model: Server) -> list[Row]:
    with postgres() as url:
        return await cluster.rows(client, model, url) if url else []


async def _traces(client: Client, model: Server) -> list[Row]:
    with ExitStack() as living:
        urls = {name: living.enter_context(postgres()) for name in traces.SETTINGS}
        found = {name: url for name, url in urls.items() if url}
        return await traces.rows(client, model, {_POSTGRES: found} if found else {})


async def _attacks(client: Client, model: Server) -> list[Row]:  # noqa: ARG001
    return await attacked.rows(client)


async def _projects(client: Client, model: Server) -> list[Row]:  # noqa: ARG001
    with postgres() as url:
        return await projects.rows(model, _databases(url))


async def _exchange(client: Client, model: Server) -> list[Row]:  # noqa: ARG001
    with postgres() as url:
        return await exchange.rows(_databases(url))


def _databases(url: str | None) -> dict[str, str | None]:
    return {"SQLite": None, **({_POSTGRES: url} if url else {})}


def _first_token(measured: dict[str, Measured]) -> list[Row]:
    direct = measured["direct"].median
    rows = [Row("first token, from the model server itself", f"{direct:.1f} ms")]
    for name, what in (
        ("thread and run", "added by Perdure, thread and run created together"),
        ("run", "added by Perdure, run on a thread that exists"),
    ):
        added = measured[name].median - direct
        rows.append(Row(f"first token, {what}", f"{added:.1f} ms", "≤ 5 ms", added <= 5))
    added = measured["relay"].median - direct
    return [*rows, Row("first token, added by the relay", f"{added:.1f} ms")]


def _cancel(measured: Measured) -> list[Row]:
    _, longest = measured.range
    what = "a cancel, until the request to the model server has ended"
    return [Row(what, _spread(measured, "ms"), "≤ 250 ms", longest <= 250)]


def _cpu(measured: dict[str, Measured]) -> list[Row]:
    perdure, relay = measured["perdure"], measured["relay"]
    times = relay.over(perdure)
    low, high = times.range
    ratio = f"1 : {times.median:.1f} (1 : {low:.1f} to 1 : {high:.1f})"
    return [
        Row("CPU for a streamed token, Perdure", _spread(perdure, "µs")),
        Row("CPU for a streamed token, relay", _spread(relay, "µs")),
        Row("Perdure : relay", ratio, "≤ 1 : 4", times.median >= 4),
    ]


def _runs(rates: dict[str, Measured], cpu: dict[str, Measured]) -> list[Row]:
    rows = []
    for name, rate in rates.items():
        figures = f"{_spread(rate, 'a second')}; {cpu[name].median:.1f} ms CPU a run"
        expected = ("≥ 300/s", rate.median >= 300) if name.startswith("SQLite") else ("", None)
        rows.append(Row(f"plain runs on {name}", figures, *expected))
    return rows


async def _memory(client: Client, model: Server) -> list[Row]:
    """What an open stream takes, next to the relay's."""
    with processes.perdure(model) as perdure, processes.relay(model) as relay:
        assistants = await Assistants.create(client, perdure)
        ours = await measures.memory_per_stream(client, perdure, assistants.ask)
        theirs = await measures.memory_per_stream(
            client, relay, lambda tokens, pace: relayed(relay, tokens, pace)
        )
    return [
        Row("memory of each of 1,000 open streams, Perdure", f"{ours:.0f} kB"),
        Row("memory of each of 1,000 open streams, relay", f"{theirs:.0f} kB"),
    ]


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of an empty database on the tests' PostgreSQL, which does not wait for the disk;
    None where no server can be started.
    """
    try:
        server = PostgresServer()
    except NoServer as error:
        _say(f"without PostgreSQL: {error}")
        yield None
        return
    try:
        server.start()
        server.execute("CREATE DATABASE bench")
        yield server.url("bench")
    finally:
        server.stop()


def _allow_files() -> None:
    """A thousand streams are two thousand sockets of one process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _spread(measured: Measured, unit: str) -> str:
    low, high = measured.range
    return f"{measured.median:.0f} {unit} ({low:.0f} to {high:.0f})"


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)


_MEASURES: dict[str, Callable[[Client, Server], Awaitable[list[Row]]]] = {
    "plain": _plain,
    "memory": _memory,
    "streams": streams.rows,
    "threads": _long_threads,
    "parked": _parked,
    "recovery": _recovery,
    "cluster": _cluster,
    "attacks": _attacks,
    "lists": _project_lists,
    "projects": _projects,
    "traces": _traces,
    "exchange": _exchange,
}


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
