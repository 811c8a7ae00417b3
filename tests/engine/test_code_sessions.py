"""The sessions in which code runs: kept, lost, ended, and code that is stopped (spec 06)."""

import asyncio
from pathlib import Path

from perdure.commands import leases, runs, threads
from perdure.wire.events import Delta
from tests.commands.acts import LIFETIME, PROJECT
from tests.engine.coding import begin, calls, go_on, logs
from tests.engine.stage import Stage


async def test_a_session_lasts_from_run_to_run(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("print 1")))
    again = await go_on(stage, run, calls("print 2"))
    assert (await stage.steps(again))[0].status == "completed"
    assert len(stage.sandbox.started) == 1


async def test_the_model_is_told_that_a_session_was_lost(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("print 1\ncrash Out of memory.", "print 2")))
    assert run.status == "completed"
    first, second, _ = await stage.steps(run)
    assert logs(first) == (
        "1\n[The session ended, its variables and files are gone. Out of memory.]\n"
    )
    assert logs(second) == (
        "[This is a new session, without variables and files. Out of memory.]\n2\n"
    )


async def test_the_model_is_told_that_the_server_was_started_again(
    stage: Stage, tmp_path: Path
) -> None:
    run = await stage.execute(await begin(stage, calls("print 1")))
    restarted = Stage(stage.database, stage.bus, stage.blobs, stage.clock, tmp_path)
    again = await go_on(restarted, run, calls("print 2"))
    assert logs((await stage.steps(again))[0]) == (
        "[This is a new session, without variables and files. It ended with its server, or "
        "is on another one.]\n2\n"
    )


async def test_the_session_of_a_deleted_thread_ends(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("print 1")))
    kept = await stage.execute(await begin(stage, calls("print 2")))
    await stage.database.write(
        threads.delete, run.thread_id, project=PROJECT, now=int(stage.clock.now())
    )
    await stage.interpreting.step()
    ended, living = stage.sandbox.started
    assert (ended.lost, living.lost) == ("The session was closed.", None)
    assert stage.sessions.keys == [kept.thread_id]


async def test_a_cancelled_run_stops_its_code(stage: Stage) -> None:
    run = await begin(stage, calls("print 1\nforever"))
    executing = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, lambda told: isinstance(told, Delta) and told.text == "1\n")
    await stage.acts.cancel(run.id)
    run = await executing
    (step,) = await stage.steps(run)
    assert (run.status, step.status, logs(step)) == ("cancelled", "cancelled", "1\n")


async def test_a_run_that_expires_in_mid_execution_stops_its_code(stage: Stage) -> None:
    run = await begin(stage, calls("print 1\nforever"))
    executing = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, lambda told: isinstance(told, Delta) and told.text == "1\n")
    held = await stage.database.write(runs.lock, run.id)
    assert held is not None
    assert held.lease is not None
    stage.clock.advance(LIFETIME)
    await stage.database.write(
        leases.renew, {run.id: held.lease}, now=stage.clock.now(), lease_seconds=30
    )
    await stage.engine().maintenance.step()
    run = await executing
    (step,) = await stage.steps(run)
    assert (run.status, step.status, logs(step)) == ("expired", "expired", "1\n")
    stage.acts.now = int(stage.clock.now())
    again = await go_on(stage, run, calls("print 2"))
    assert logs((await stage.steps(again))[0]) == "2\n"


async def test_where_no_code_can_be_run_the_run_says_so(stage: Stage) -> None:
    stage.sandbox.refusal = "bubblewrap is not installed."
    run = await stage.execute(await begin(stage, calls("print 1")))
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "server_error")
    assert run.last_error.message == (
        "The code interpreter cannot be used on this server. bubblewrap is not installed."
    )
