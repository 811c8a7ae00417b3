"""The sessions in which code runs: kept, lost, ended, and code that is stopped (spec 06)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from pathlib import Path

import pytest

from perdure.commands import leases, runs, threads
from perdure.engine.executor import Execution
from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import SessionLost
from perdure.testing.scripted_sandbox import ScriptedSandbox, ScriptedSession, obey
from perdure.tools.code_interpreter import execution
from perdure.wire.events import Delta
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.commands.acts import LIFETIME, PROJECT
from tests.engine import filled_stores
from tests.engine.coding import CODE, begin, calls, go_on, logs, say
from tests.engine.stage import Stage
from tests.patience import PATIENCE_SECONDS

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))


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
    await asyncio.gather(*(tool.step() for tool in stage.means.tools))
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


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that can be stopped is, however slow the machine: no session ends for that."""
    monkeypatch.setattr(execution, "_STOP_SECONDS", PATIENCE_SECONDS)


async def test_a_run_that_expires_in_mid_execution_stops_its_code(
    stage: Stage, patient: None
) -> None:
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


async def test_a_run_keeps_its_session_however_many_want_one(stage: Stage) -> None:
    """Seven threads, three rounds each, room for two."""
    runs_ = [await begin(stage, calls("print 1", "print 2", "print 3")) for _ in range(7)]
    for run in await asyncio.gather(*map(stage.execute, runs_)):
        assert [logs(step) for step in (await stage.steps(run))[:3]] == ["1\n", "2\n", "3\n"]
    assert len(stage.sandbox.started) == 7


async def test_a_run_that_waits_for_a_client_keeps_no_place(stage: Stage) -> None:
    ask = 'call: python {"code": "print 1"}\ncall: get_weather {}\nthen: say: Done.'
    for _ in range(2):
        run = await stage.execute(await begin(stage, ask, tools=[*CODE, WEATHER]))
        assert run.status == "requires_action"
    other = await stage.execute(await begin(stage, calls("print 2")))
    assert other.status == "completed"


class Deaf(ScriptedSession):
    """A session that hears of nothing but its end, while it is given a file and while one is
    taken. `asked` is set when it does.
    """

    asked = asyncio.Event()

    def __init__(self) -> None:
        super().__init__(obey)
        self._ended = asyncio.Event()

    def lose(self, why: str) -> None:
        super().lose(why)
        self._ended.set()

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        await self._hang(name)
        await super().put(name, content)

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        await self._hang(name)
        async for piece in super().get(name):
            yield piece

    async def _hang(self, name: str) -> None:
        if name != "hang":
            return
        Deaf.asked.set()
        await stubbornly(self._ended)
        raise SessionLost(self.lost or "")


class DeafSandbox(ScriptedSandbox):
    async def start(self, *, warm: bool = False) -> ScriptedSession:
        self.started.append(session := Deaf())
        return session


class StuckSandbox(ScriptedSandbox):
    """Starts nothing, and does not give up before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()

    async def start(self, *, warm: bool = False) -> ScriptedSession:
        Deaf.asked.set()
        await stubbornly(self.may_end)
        raise ConfigurationError("It is too late.")


async def stubbornly(event: asyncio.Event) -> None:
    """Waits for it whoever wants that to stop."""
    while not event.is_set():
        with suppress(asyncio.CancelledError):
            await event.wait()


def in_sandbox(stage: Stage, sandbox: ScriptedSandbox) -> None:
    """Lets the stage run code in there."""
    Deaf.asked = asyncio.Event()
    stage.use_sandbox(sandbox)


async def cancelled(stage: Stage, run: Run) -> Run:
    """The run, cancelled as soon as its session is asked for what it does not do."""
    executing = asyncio.ensure_future(stage.execute(run))
    await asyncio.wait_for(Deaf.asked.wait(), PATIENCE_SECONDS)
    await stage.acts.cancel(run.id)
    return await executing


@pytest.mark.parametrize("code", ["print 1", "write hang x"])
async def test_a_cancelled_run_does_not_wait_for_files(stage: Stage, code: str) -> None:
    in_sandbox(stage, DeafSandbox())
    thread = await stage.acts.thread("Here.")
    file_id = await filled_stores.upload(stage, "hang" if code == "print 1" else "rent.csv", "1")
    await say(stage, thread.id, calls(code), file_id)
    assistant = await stage.acts.assistant(tools=CODE)
    run = await stage.acts.run(thread.id, assistant.id)
    # the next run is told, also if the one before it was told and stopped
    for _ in range(2):
        assert (await cancelled(stage, run)).status == "cancelled"
        Deaf.asked = asyncio.Event()
        await say(stage, thread.id, calls(code))
        run = await stage.acts.run(thread.id, assistant.id)
    assert (await cancelled(stage, run)).status == "cancelled"
    (step,) = await stage.steps(run)
    assert logs(step) == (
        "[This is a new session, without variables and files. Its code was cancelled, and did "
        "not stop at once.]\n"
    )


async def test_a_cancelled_run_does_not_wait_for_a_session_to_start(stage: Stage) -> None:
    in_sandbox(stage, sandbox := StuckSandbox())
    assert (await cancelled(stage, await begin(stage, calls("print 1")))).status == "cancelled"
    sandbox.may_end.set()
    await asyncio.gather(*(tool.close() for tool in stage.means.tools))


async def test_code_that_is_run_again_in_its_session_says_so(stage: Stage, patient: None) -> None:
    """The server takes the run up again itself: its variables are as the code left them."""
    run = await begin(stage, calls("print 1", "print 2\nforever"))
    subscription = stage.bus.subscribe(run.id)
    execution = Execution(run.id, stage.means, owner="worker_1")
    executing = asyncio.ensure_future(execution.run())
    while not any(
        isinstance(told, Delta) and told.text == "2\n" for told in await subscription.next()
    ):
        pass
    execution.interrupt()
    await executing
    again = asyncio.ensure_future(stage.execute(run))
    await stage.listen_until(run, lambda told: isinstance(told, Delta) and told.text == "2\n")
    await stage.acts.cancel(run.id)
    await again
    first, second = await stage.steps(run)
    assert logs(first) == "1\n"
    assert logs(second) == (
        "[The run was interrupted here and goes on. Its code may have been run before, in this "
        "session.]\n2\n"
    )


async def test_where_no_code_can_be_run_the_run_says_so(stage: Stage) -> None:
    stage.sandbox.refusal = "bubblewrap is not installed."
    run = await stage.execute(await begin(stage, calls("print 1")))
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "server_error")
    assert run.last_error.message == (
        "The code interpreter cannot be used on this server. bubblewrap is not installed."
    )


async def test_other_servers_know_a_new_session_before_its_run_ends(stage: Stage) -> None:
    run = await begin(stage, calls("print 1", "print 2"))
    noted: list[tuple[str, list[str]]] = []

    async def note() -> None:
        noted.append(((await stage.acts.get(run.id)).status, stage.sessions.owners))

    stage.serve(stage.services._replace(note_sessions=note))
    assert (await stage.execute(run)).status == "completed"
    assert noted == [("in_progress", [run.thread_id])]
