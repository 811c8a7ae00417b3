"""Random signals against a row always agree with the table."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from perdure import lifecycle
from perdure.bus.memory import MemoryBus
from perdure.commands import events, runs
from perdure.commands.runs import Lease
from perdure.errors import BadRequest, IllegalMove
from perdure.lifecycle import RunStatus, Signal
from perdure.storage.database import Transaction
from perdure.storage.sqlite import SQLite
from perdure.wire.base import decode
from perdure.wire.runs import Run
from tests.commands.acts import Acts

_RUN_SIGNALS = sorted({move.signal for move in lifecycle.RUN})


def _apply(tx: Transaction, run_id: str, signal: Signal, now: int) -> Run:
    held = runs.lock(tx, run_id)
    assert held is not None
    lease = Lease("worker", held.epoch + 1, now + 30.0) if signal is Signal.CLAIM else None
    return runs.signal(tx, held, signal, now=now, lease=lease).run


def _row(tx: Transaction, run_id: str) -> dict[str, Any]:
    row = tx.one("runs.lock", id=run_id)
    assert row is not None
    found = tx.one("runs.active_of_thread", thread_id=decode(row["body"], Run).thread_id)
    return {"owner": row["owner"], "epoch": row["epoch"], "active": found is not None}


@given(signals=st.lists(st.sampled_from(_RUN_SIGNALS), max_size=12))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_random_signals_agree_with_the_table(
    tmp_path_factory: pytest.TempPathFactory, signals: list[Signal]
) -> None:
    async def check() -> None:
        database = SQLite(tmp_path_factory.mktemp("moves") / "perdure.db", bus=MemoryBus())
        await database.open()
        try:
            acts = Acts(database)
            run = await acts.queued()
            expected, told, epoch = RunStatus.QUEUED, list(lifecycle.RUN_CREATED), 0
            for signal in signals:
                acts.now += 1
                move = lifecycle.RUN.find(expected, signal)
                if move is None:
                    with pytest.raises((BadRequest, IllegalMove)):
                        await database.write(_apply, run.id, signal, acts.now)
                    continue
                before = await acts.get(run.id)
                moved = await database.write(_apply, run.id, signal, acts.now)
                expected = RunStatus(move.target)
                epoch += signal is Signal.CLAIM
                told += [move.event] if move.event else []
                assert moved.status is expected
                # Nothing else changes (spec 03 §2), but for the usage of what has no steps.
                changes: dict[str, object] = dict.fromkeys(move.clears)
                if move.stamp:
                    changes[move.stamp] = acts.now
                usage = moved.usage if expected in lifecycle.TERMINAL else None
                assert moved == replace(before, status=expected, usage=usage, **changes)
            assert (await acts.get(run.id)).status is expected
            log = await database.read(events.after, run.id, 0)
            assert [event.name for event in log] == told
            row = await database.read(_row, run.id)
            assert row["epoch"] == epoch
            assert row["active"] == (expected in lifecycle.ACTIVE)
            if expected not in (RunStatus.IN_PROGRESS, RunStatus.CANCELLING):
                assert row["owner"] is None
        finally:
            await database.close()

    asyncio.run(check())
