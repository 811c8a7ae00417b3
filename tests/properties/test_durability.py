"""Whatever clients, workers, dead workers and upkeep do, in any order and at once: the
invariants hold after every step.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from perdure.bus.memory import MemoryBus
from perdure.storage.database import Database
from perdure.storage.postgres import PostgreSQL
from perdure.storage.sqlite import SQLite
from tests.properties.world import Deed, World

_NAMES = (
    "create", "claim", "work", "zombie", "release", "renew", "cancel", "submit", "rescue",
    "expire", "forget", "modify", "delete_message", "delete_thread",
)  # fmt: skip
_NUMBER = st.integers(0, 30)
_ANY = st.builds(Deed, st.sampled_from(_NAMES), _NUMBER, _NUMBER)


class Durability(RuleBasedStateMachine):
    """`nodes` opens the databases of the servers, one of them or two, empty."""

    nodes: Callable[[], list[Database]]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()

    @initialize()
    def begin(self) -> None:
        async def open_all() -> World:
            nodes = type(self).nodes()
            for node in nodes:
                await node.open()
            world = World(nodes)
            await world.begin()
            return world

        self.world = self.loop.run(open_all())

    @rule(which=_NUMBER, how=_NUMBER)
    def a_run_is_created_and_claimed(self, which: int, how: int) -> None:
        self.loop.run(self.world.do([Deed("create", which, how)]))
        self.loop.run(self.world.do([Deed("claim", len(self.world.runs) - 1, how)]))

    @rule(which=_NUMBER, how=_NUMBER)
    def a_queued_run_is_claimed(self, which: int, how: int) -> None:
        self.loop.run(self.world.do([Deed("claim", which, how)]))

    @rule(which=_NUMBER)
    def a_worker_writes(self, which: int) -> None:
        self.loop.run(self.world.do([Deed("work", which)]))

    @rule(which=_NUMBER, how=_NUMBER)
    def outputs_are_submitted(self, which: int, how: int) -> None:
        self.loop.run(self.world.do([Deed("submit", which, how)]))

    @rule(deeds=st.lists(_ANY, min_size=1, max_size=5))
    def much_happens_at_once(self, deeds: list[Deed]) -> None:
        self.loop.run(self.world.do(deeds))

    @rule(which=_NUMBER, times=st.integers(2, 4), name=st.sampled_from(_NAMES))
    def several_want_the_same_at_once(self, which: int, times: int, name: str) -> None:
        self.loop.run(self.world.do([Deed(name, which, how) for how in range(1, times + 1)]))

    @rule(seconds=st.sampled_from([1, 31, 601, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @invariant()
    def the_invariants_hold(self) -> None:
        if hasattr(self, "world"):
            assert self.loop.run(self.world.violations()) == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            for node in self.world.nodes:
                self.loop.run(node.close())
        self.loop.close()


def _check(nodes: Callable[[], list[Database]], *, examples: int, steps: int) -> None:
    machine = type("Durability", (Durability,), {"nodes": staticmethod(nodes)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_invariants_hold_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> None:
    def nodes() -> list[Database]:
        folder: Path = tmp_path_factory.mktemp("machine")
        return [SQLite(folder / "perdure.db", bus=MemoryBus())]

    _check(nodes, examples=30, steps=40)


def test_the_invariants_hold_for_two_servers_on_postgresql(postgres_url: str) -> None:
    def nodes() -> list[Database]:
        with psycopg.connect(postgres_url) as connection:
            connection.execute("TRUNCATE assistants, threads, tombstones CASCADE")
        return [PostgreSQL(postgres_url, bus=MemoryBus()) for _ in range(2)]

    _check(nodes, examples=6, steps=30)
