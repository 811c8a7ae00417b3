"""The invariants find each thing that cannot be, and nothing in a database that is well."""

import re
from collections.abc import Callable

import pytest

from perdure import invariants
from perdure.commands import messages, run_steps, runs
from perdure.engine.maintenance import Maintenance
from perdure.invariants import Extent, Violation
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.wire.run_steps import MessageCreation
from perdure.wire.runs import ModifyRun, SubmitToolOutputs, ToolOutput
from tests.commands.acts import CALLS, LIFETIME, PROJECT, Acts
from tests.ground import Filled, Ground, ground
from tests.invariants.plants import PLANTS, Ids, Plant, Scene

__all__ = ["ground"]


def _violations(tx: Transaction) -> list[Violation]:
    return list(invariants.check(tx))


async def violations(database: Database) -> list[Violation]:
    return await database.read(_violations)


async def submit(acts: Acts, run_id: str) -> None:
    run = await acts.get(run_id)
    outputs = [ToolOutput(tool_call_id=call.id, output="21") for call in CALLS]
    body = SubmitToolOutputs(tool_outputs=outputs)
    await acts.database.write(
        runs.submit, run_id, body, thread_id=run.thread_id, project=PROJECT, now=acts.now
    )


async def ended(acts: Acts, end: Callable[..., object]) -> str:
    hold = await acts.writing()
    await end(hold)  # type: ignore[misc]
    return hold.run_id


async def play(acts: Acts) -> Scene:
    """Brings runs into every status; the first one is older than all that is told of the others."""
    await ended(acts, acts.complete)
    acts.now += 10
    expired = (await acts.writing()).run_id
    acts.now += LIFETIME
    await acts.expire(expired)
    cancelled = await acts.cancelling()
    await acts.release(cancelled)
    released = await acts.writing()
    await acts.release(released)
    asked = await acts.asking()
    await submit(acts, asked.run_id)
    await acts.complete_after_submit(asked.run_id)
    return Scene(
        completed=asked.run_id,
        incomplete=await ended(acts, acts.truncate),
        failed=await ended(acts, acts.fail),
        cancelled=cancelled.run_id,
        expired=expired,
        asking=(await acts.asking()).run_id,
        writing=(await acts.writing()).run_id,
        cancelling=(await acts.cancelling()).run_id,
        released=released.run_id,
        waiting=(await acts.queued()).id,
    )


def _step_of(tx: Transaction, run_id: str) -> str:
    return run_steps.of_run(tx, run_id)[-1][0].id


def _message_of(tx: Transaction, run_id: str) -> str:
    details = run_steps.of_run(tx, run_id)[-1][0].step_details
    assert isinstance(details, MessageCreation)
    return details.message_creation.message_id


def _by_hand(tx: Transaction) -> str:
    return str(tx.all("invariants.written_by_hand", after=0, limit=1)[0]["id"])


@pytest.fixture
async def acts(database: Database) -> Acts:
    return Acts(database)


async def ids_of(acts: Acts) -> Ids:
    """Plays, and says what was played."""
    scene = await play(acts)
    read = acts.database.read
    return Ids(
        scene,
        thread=(await acts.get(scene.completed)).thread_id,
        message=await read(_message_of, scene.completed),
        step=await read(_step_of, scene.completed),
        open_step=await read(_step_of, scene.writing),
        open_message=await read(_message_of, scene.writing),
        by_hand=await read(_by_hand),
        tool_step=(await read(run_steps.of_run, scene.completed))[0][0].id,
        waiting_thread=(await acts.get(scene.waiting)).thread_id,
    )


@pytest.fixture
async def ids(acts: Acts) -> Ids:
    return await ids_of(acts)


@pytest.fixture(scope="module")
def played(ground: Ground) -> Filled[Ids]:
    """A database of all tests that only damage it."""
    return ground.fill(lambda database: ids_of(Acts(database)))


async def test_a_healthy_database_breaks_nothing(acts: Acts, ids: Ids) -> None:
    seen: list[int] = []

    def check(tx: Transaction) -> tuple[Extent, list[Violation]]:
        return invariants.count(tx), list(invariants.check(tx, on_page=seen.append))

    assert await acts.database.read(check) == (Extent(runs=11, files=0, vector_stores=0), [])
    assert sum(seen) == 11


async def test_an_empty_database_breaks_nothing(database: Database) -> None:
    assert await violations(database) == []


async def test_what_clients_may_change_later_breaks_nothing(acts: Acts, ids: Ids) -> None:
    """Metadata is not told again, and a message that is deleted leaves its step."""
    at = {"thread_id": ids.thread, "project": PROJECT}
    await acts.database.write(
        runs.modify, ids.scene.completed, ModifyRun(metadata={"k": "v"}), **at, now=acts.now
    )
    await acts.database.write(messages.delete, ids.message, **at, now=acts.now)
    assert await violations(acts.database) == []


@pytest.mark.parametrize("forgotten", range(5, 90, 6))
def test_what_is_forgotten_breaks_nothing(played: Filled[Ids], forgotten: int) -> None:
    """Events are forgotten oldest first, and in pieces; of a run those that were told first."""
    with played.passing() as (plant, tx):
        plant.run(
            "DELETE FROM events WHERE seq IN "
            "(SELECT seq FROM events ORDER BY told_at, seq LIMIT ?)",
            forgotten,
        )
        assert _violations(tx) == []


async def test_of_deleted_messages_nothing_is_forgotten_before_what_was_told_of_them(
    acts: Acts, ids: Ids
) -> None:
    """In between, the step of a deleted message could not be told from one that lost it."""
    await acts.database.write(
        messages.delete, ids.message, thread_id=ids.thread, project=PROJECT, now=acts.now
    )
    clock = ManualClock(float(acts.now + 2))
    maintenance = Maintenance(acts.database, clock, event_retention_days=1 / 86_400)
    await maintenance.forget()
    assert (
        await acts.database.read(
            lambda tx: tx.one("tombstones.get", id=ids.message, project=PROJECT)
        )
        is None
    )
    assert await violations(acts.database) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_is_found(played: Filled[Ids], plant: Plant) -> None:
    with played.passing() as (connection, tx):
        plant.make(connection, played.ids)
        found = _violations(tx)
    texts = [violation.text for violation in found if violation.id == plant.where(played.ids)]
    assert any(re.fullmatch(plant.text, text, re.DOTALL) for text in texts), found
