"""What traces cost: the same runs on a server that keeps them, and on one that keeps none."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import processes
from bench.client import Client, load
from bench.measures import Assistants, Measured, in_turns
from bench.processes import Server
from bench.report import Row

_ROUNDS = 30
_RUNS, _CLIENTS = 100, 20
_SETTINGS: dict[str, dict[str, str]] = {"kept": {}, "none": {"trace_retention_days": "0"}}


async def rows(client: Client, model: Server, urls: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """The lines of the table. `urls` are the databases of each kind, by `kept` and `none`; SQLite
    has none.
    """
    found = []
    for name, each in {"SQLite": {}, **urls}.items():
        with _servers(model, each) as servers:
            rates, cpu = await measure(client, servers)
        for what, ratio in (
            ("runs a second", rates["kept"].over(rates["none"])),
            ("CPU of a run", cpu["kept"].over(cpu["none"])),
        ):
            low, high = ratio.range
            figures = f"{ratio.median:.3f} : 1 ({low:.2f} to {high:.2f})"
            is_met = ratio.median >= 0.97 if what == "runs a second" else ratio.median <= 1.03
            found.append(Row(f"traces kept, to none, {name}: {what}", figures, "3 %", is_met))
    return found


async def measure(
    client: Client, servers: Mapping[str, Server]
) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Runs a second of each server, in turns, and the CPU of a run."""
    cpu: dict[str, list[float]] = {name: [] for name in servers}

    async def rate(name: str, server: Server, job: Callable[[], Awaitable[object]]) -> float:
        before = server.cpu_seconds
        seconds = await load(job, times=_RUNS, clients=_CLIENTS)
        cpu[name].append((server.cpu_seconds - before) / _RUNS * 1e3)
        return _RUNS / seconds

    subjects: dict[str, Callable[[], Awaitable[float]]] = {}
    for name, server in servers.items():
        ask = (await Assistants.create(client, server)).ask(5, "once")
        subjects[name] = partial(rate, name, server, partial(client.stream, ask))
    for warm in subjects.values():
        await warm()
    for figures in cpu.values():
        figures.clear()
    rates = await in_turns(subjects, rounds=_ROUNDS)
    return rates, {name: Measured(figures) for name, figures in cpu.items()}


@contextmanager
def _servers(model: Server, urls: Mapping[str, str]) -> Iterator[dict[str, Server]]:
    with ExitStack() as living:
        yield {
            name: living.enter_context(
                processes.perdure(model, database_url=urls.get(name), settings=chosen)
            )
            for name, chosen in _SETTINGS.items()
        }
