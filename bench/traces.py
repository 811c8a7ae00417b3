"""The cost of traces: the same runs on a server that keeps them and on two that keep none, whose
difference is the noise of the measurement.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import NamedTuple

from bench import instructions, processes
from bench.client import Ask, Client, load
from bench.measures import Assistants
from bench.processes import Server
from bench.report import Row

_ROUNDS = 30
_RUNS, _CLIENTS = 300, 20
_COUNTED_ROUNDS, _COUNTED_RUNS = 3, 300
_NONE = {"trace_retention_days": "0"}
SETTINGS: dict[str, dict[str, str]] = {"kept": {}, "none": _NONE, "none again": _NONE}
_RESAMPLES = 2000


class _Round(NamedTuple):
    """Seconds and seconds of the server's CPU that one round of runs took."""

    seconds: float
    cpu: float


async def rows(client: Client, model: Server, urls: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """The lines of the table. `urls` are the databases of each kind, by the names of the servers;
    SQLite has none.
    """
    found = []
    for name, each in {"SQLite": {}, **urls}.items():
        with _servers(model, each) as servers:
            rounds = await _measure(client, servers)
        rates = {server: [_RUNS / each.seconds for each in rounds[server]] for server in rounds}
        cpu = {server: [each.cpu for each in rounds[server]] for server in rounds}
        found += [
            _row(f"{name}: runs a second", rates, is_met=lambda ratio: ratio >= 0.97),
            _row(f"{name}: CPU of a run", cpu, is_met=lambda ratio: ratio <= 1.03),
        ]
        if instructions.is_possible():
            counted = await _counted(client, model, each)
            found.append(
                _row(f"{name}: instructions of a run", counted, is_met=lambda ratio: ratio <= 1.03)
            )
    return found


async def _counted(
    client: Client, model: Server, urls: Mapping[str, str]
) -> dict[str, list[float]]:
    """Counts the instructions of a run for each kind of server, in turns."""
    found: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(_COUNTED_ROUNDS):
        for name, chosen in SETTINGS.items():
            found[name].append(
                await instructions.per_run(
                    client,
                    model,
                    runs=_COUNTED_RUNS,
                    database_url=urls.get(name),
                    settings=chosen,
                )
            )
    return found


def _row(what: str, figures: Mapping[str, list[float]], *, is_met: Callable[[float], bool]) -> Row:
    kept, none, again = (figures[name] for name in SETTINGS)
    both = none + again
    ratio = median(kept) / median(both)
    low, high = _interval(kept, both)
    return Row(
        f"traces kept, to none, {what}",
        f"{ratio:.3f} : 1 ({low:.2f} to {high:.2f}); none, to none again: "
        f"{median(none) / median(again):.3f} : 1",
        "3 %",
        is_met(ratio),
    )


def _interval(some: list[float], others: list[float]) -> tuple[float, float]:
    """Returns the bounds of 95 % of the ratios of medians of rounds that are drawn again."""
    drawn = random.Random(0)
    ratios = sorted(
        median(drawn.choices(some, k=len(some))) / median(drawn.choices(others, k=len(others)))
        for _ in range(_RESAMPLES)
    )
    return ratios[_RESAMPLES // 40], ratios[-_RESAMPLES // 40]


async def _measure(client: Client, servers: Mapping[str, Server]) -> dict[str, list[_Round]]:
    """Runs on each server in turns, whose order changes, so that none comes always first."""
    asks = {
        name: (await Assistants.create(client, server)).ask(5, "once")
        for name, server in servers.items()
    }
    for name, server in servers.items():
        await _round(client, server, asks[name])
    found: dict[str, list[_Round]] = {name: [] for name in servers}
    order = list(servers)
    for _ in range(_ROUNDS):
        for name in order:
            found[name].append(await _round(client, servers[name], asks[name]))
        order = [*order[1:], order[0]]
    return found


async def _round(client: Client, server: Server, ask: Ask) -> _Round:
    before = server.cpu_seconds
    seconds = await load(lambda: client.stream(ask), times=_RUNS, clients=_CLIENTS)
    return _Round(seconds, server.cpu_seconds - before)


@contextmanager
def _servers(model: Server, urls: Mapping[str, str]) -> Iterator[dict[str, Server]]:
    with ExitStack() as living:
        yield {
            name: living.enter_context(
                processes.perdure(model, database_url=urls.get(name), settings=chosen)
            )
            for name, chosen in SETTINGS.items()
        }
