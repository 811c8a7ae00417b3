"""The upkeep of a server: whole in one step, and in nobody's way."""

import asyncio

from perdure.storage.database import Transaction
from tests.commands.acts import LIFETIME
from tests.engine.stage import Stage

RUNS = 25


async def test_a_step_ends_all_that_is_due_and_lets_others_write_in_between(stage: Stage) -> None:
    for _ in range(RUNS):
        await stage.acts.asking()
    stage.clock.advance(LIFETIME)
    now = int(stage.clock.now())

    def due(tx: Transaction) -> int:
        return len(tx.all("runs.due", now=now, limit=RUNS))

    step = asyncio.ensure_future(stage.engine().maintenance.step())
    seen = [await stage.database.write(due)]
    while not step.done():
        seen.append(await stage.database.write(due))
    assert seen[-1] == 0
    assert len(set(seen) - {0, RUNS}) >= 3


async def test_a_step_frees_all_runs_of_a_dead_worker(stage: Stage) -> None:
    holds = [await stage.acts.claimed() for _ in range(RUNS)]
    stage.clock.advance(31)
    await stage.engine().maintenance.step()
    statuses = [(await stage.acts.get(hold.run_id)).status for hold in holds]
    assert statuses == ["queued"] * RUNS
